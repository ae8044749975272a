//! Tables of Google.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Card, Problem, limits};
use proto::contacts::v1::{Contact, Date};
use reading::{contacts, read, read_file};

const OLD: &str = include_str!("../samples/google-old.csv");
const NEW: &str = include_str!("../samples/google-new.csv");

/// The contacts of a table with this header and these rows.
fn table(text: &str) -> Vec<Contact> {
    contacts(&read_file(text.as_bytes()))
}

fn warnings(card: &Card) -> Vec<String> {
    card.warnings.iter().map(ToString::to_string).collect()
}

fn date(year: i32, month: i32, day: i32) -> Date {
    Date { year, month, day }
}

#[test]
fn the_old_header_is_read() {
    let cards = read_file(OLD.as_bytes());
    let contacts = contacts(&cards);
    let [ada, charles] = contacts.as_slice() else {
        panic!("{cards:#?}")
    };

    assert_eq!(ada.formatted_name, "");
    assert_eq!(
        [
            &ada.name_prefix,
            &ada.given_name,
            &ada.middle_name,
            &ada.family_name
        ],
        ["Dr.", "Ada", "King", "Lovelace"]
    );
    assert_eq!(ada.phonetic_given_name, "エイダ");
    assert_eq!(ada.nickname, "Countess");
    assert_eq!(ada.birthday, Some(date(1815, 12, 10)));
    assert_eq!(ada.notes, "Wrote the \"first\" program.\nLived in London.");
    assert_eq!(ada.labels, ["Friends"]);
    assert!(ada.starred);
    let emails: Vec<_> = ada
        .emails
        .iter()
        .map(|email| (email.address.as_str(), email.label.as_str(), email.primary))
        .collect();
    assert_eq!(
        emails,
        [
            ("ada@example.com", "home", true),
            ("ada2@example.com", "home", false),
            ("ada.work@example.com", "work", false)
        ]
    );
    assert_eq!(ada.phones[0].label, "mobile");
    assert_eq!(ada.phones[1].label, "work fax");
    assert_eq!(ada.impps[0].uri, "xmpp:ada.talk@example.com");
    assert_eq!(ada.addresses[0].street, "12 St James's Square");
    assert_eq!(ada.addresses[0].postal_code, "SW1Y 4JH");
    assert_eq!(ada.organizations[0].name, "Analytical Engines");
    assert_eq!(ada.organizations[0].title, "Programmer");
    assert_eq!(ada.relations[0].label, "spouse");
    assert_eq!(ada.urls[0].label, "blog");
    assert_eq!(ada.events[0].date, Some(date(1835, 7, 8)));
    let fields: Vec<_> = ["Maiden Name", "Occupation", "Shoe size"]
        .map(|name| ada.custom_fields[name].as_str())
        .into();
    assert_eq!(fields, ["Byron", "Mathematician", "38"]);
    assert_eq!(ada.custom_fields.len(), 3, "{:?}", ada.custom_fields);

    assert_eq!(charles.birthday, Some(date(0, 12, 26)));
    assert!(charles.emails[0].primary);
    assert_eq!((cards[1].line, cards[1].index), (6, 1));
    let at = usize::try_from(cards[1].byte_offset).unwrap();
    assert!(OLD[at..].starts_with("Charles"));
}

#[test]
fn the_new_header_is_read() {
    let contacts = table(NEW);
    let [grace, example] = contacts.as_slice() else {
        panic!("{contacts:#?}")
    };

    assert_eq!(grace.given_name, "Grace");
    assert_eq!(grace.name_suffix, "Ph.D.");
    assert_eq!(grace.organizations[0].department, "Computing");
    assert_eq!(grace.labels, ["Navy"]);
    assert!(grace.emails[0].primary);
    assert_eq!(grace.emails[1].label, "home");
    assert_eq!(grace.addresses[0].extended, "PO Box 7");
    assert_eq!(grace.custom_fields["File As"], "Hopper, Grace");
    assert_eq!(grace.custom_fields["Photo"], "https://example.com/photo");
    assert_eq!(grace.custom_fields["Rank"], "Rear admiral");
    assert_eq!(grace.custom_fields.len(), 3, "{:?}", grace.custom_fields);
    assert_eq!(example.organizations[0].name, "Example Ltd");
}

#[test]
fn missing_repeated_and_unnamed_columns_lose_nothing() {
    let contacts = table(
        "\u{feff},First Name,Email,Email,Notes,Notes,,Ward\r\n\
         7,Ada,a@example.com,b@example.com,one,two,three,four,five\r\n\
         ,Eve\r\n",
    );

    let ada = &contacts[0];
    assert_eq!(ada.given_name, "Ada");
    assert_eq!(ada.emails.len(), 2);
    assert_eq!(ada.notes, "one");
    for (name, text) in [
        ("Column 1", "7"),
        ("Notes (6)", "two"),
        ("Column 7", "three"),
        ("Ward", "four"),
        ("Column 9", "five"),
    ] {
        assert_eq!(ada.custom_fields[name], text);
    }
    assert_eq!(contacts[1].given_name, "Eve");
    assert!(contacts[1].custom_fields.is_empty());
}

#[test]
fn stray_quotes_cost_at_most_their_row() {
    let text = "First Name,Last Name,Notes\n\
                Ada \"A\",\"King\"x,\"a \"\"b\"\" c\"\n\
                Bob,\"open,x\n\
                Eve,King,y\n\
                Joe,King,z\n";
    let cards = read_file(text.as_bytes());

    let contacts = contacts(&cards);
    let names: Vec<_> = contacts
        .iter()
        .map(|contact| contact.given_name.as_str())
        .collect();
    assert_eq!(names, ["Ada \"A\"", "Eve", "Joe"]);
    assert_eq!(contacts[0].notes, "a \"b\" c");
    assert_eq!(
        cards[1].outcome,
        Err(Problem::Malformed("a quote is not closed".into()))
    );
    assert_eq!(cards[1].line, 3);
    assert_eq!(cards[1].excerpt, "Bob,\"open,x");
    assert_eq!(cards[1].byte_offset, text.find("Bob").unwrap() as u64);
    assert_eq!(cards[2].line, 4);
}

#[test]
fn many_open_quotes_cost_their_rows_only() {
    // The quotes of the next row close this one's, and open another one.
    let open = "E\"v,\"e\n".repeat(5_000);
    let long = "x".repeat(10_000);
    let text = format!("First Name,Last Name\n{open}Ada,King\nBob,{long}\n");
    for size in [text.len(), 1000] {
        let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
        let cards = read(&pieces).unwrap();

        assert_eq!(cards.len(), 5_002);
        assert!(cards[..5_000].iter().all(|card| card.outcome.is_err()));
        assert_eq!(cards[5_000].line, 5_002);
        assert_eq!(contacts(&cards)[0].given_name, "Ada");
        assert_eq!(contacts(&cards)[1].family_name.len(), 200);
    }
}

#[test]
fn dates_that_do_not_show_their_order_are_kept_as_texts() {
    let cards = read_file(b"First Name,Birthday\nAda,3/4/1990\nEve,3/31/1990\nJoe,soon\n");

    let contacts = contacts(&cards);
    assert_eq!(contacts[0].custom_fields["Birthday"], "3/4/1990");
    assert_eq!(
        warnings(&cards[0]),
        ["Birthday: does not show which number is the day; kept as a custom field"]
    );
    assert_eq!(contacts[1].birthday, Some(date(1990, 3, 31)));
    assert_eq!(contacts[2].custom_fields["Birthday"], "soon");
}

#[test]
fn rows_over_a_limit_cost_only_themselves() {
    let wide = ",".repeat(10_000);
    let long = "x".repeat(limits::ROW_BYTES);
    let text = format!("First Name,Notes\nAda,{wide}\nBob,{long}\nJoe,\"{long}\"\nEve,x\n");
    let cards = read_file(text.as_bytes());

    assert_eq!(contacts(&cards).len(), 1);
    for (at, reason) in [(0, "1,000 columns"), (1, "1 MiB"), (2, "1 MiB")] {
        let problem = cards[at].outcome.as_ref().unwrap_err();
        assert!(problem.to_string().contains(reason), "{problem}");
        assert_eq!(cards[at].line, at as u64 + 2);
    }
    assert!(read(&[format!("First Name,Last Name,{wide}\nA,B\n").as_bytes()]).is_err());
}

#[test]
fn a_row_has_room_in_the_service() {
    use prost::Message;
    let names: Vec<String> = (0..400).map(|at| format!("Column {at}")).collect();
    let cell = "ü".repeat(500);
    let cells = vec![cell.as_str(); 400].join(",");
    let many = vec!["a@example.com"; 300].join(" ::: ");
    let text = format!(
        "First Name,Last Name,E-mail 1 - Value,{}\n{cell},King,{many},{cells}\n",
        names.join(",")
    );
    let cards = read_file(text.as_bytes());

    let contact = &contacts(&cards)[0];
    assert!(contact.encoded_len() <= limits::CONTACT_BYTES);
    assert!(contact.custom_fields.len() <= 100);
    assert_eq!(contact.emails.len(), 100);
    assert_eq!(contact.given_name.chars().count(), 200);
    assert_eq!(cards[0].warnings.len(), limits::WARNINGS);
}
