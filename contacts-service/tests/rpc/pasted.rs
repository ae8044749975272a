//! Queries and filters as people paste them.

use proto::contacts::v1::{Contact, ListContactsRequest};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{email, named, phone};

fn reached(given: &str, family: &str, address: &str, number: &str) -> Contact {
    Contact {
        emails: vec![email(address)],
        phones: vec![phone(number)],
        ..named(given, family)
    }
}

async fn people(owner: &Owner) {
    let doctor = Contact {
        name_prefix: "Dr.".into(),
        ..reached("Eva", "Klein", "eva@example.com", "+49 30 1234567")
    };
    let all = [
        doctor,
        reached("John", "Smith", "john+club@example.com", "+44 20 7946 0958"),
        reached("Ada", "Smithson", "ada@münchen.example", "+1 202-555-0173"),
        reached(
            "Max",
            "Bauer",
            "max@xn--bcher-kva.example",
            "+41 44 668 18 00",
        ),
        named("Sinéad", "O'Brien"),
        named("Иван", "Петров"),
        named("Jean-Luc", "d\u{2019}Artagnan"),
    ];
    owner.has_all(all).await;
}

#[tokio::test]
async fn a_name_is_found_however_it_is_punctuated() {
    let app = App::start().await;
    let owner = app.owner();
    people(&owner).await;

    for (query, name) in [
        ("J. Smith", "John Smith"),
        ("Smith, J.", "John Smith"),
        ("Smith J.", "John Smith"),
        ("A. Smith", "Ada Smithson"),
        ("klein,eva", "Dr. Eva Klein"),
        ("Klein;Eva", "Dr. Eva Klein"),
        ("Klein, Eva,", "Dr. Eva Klein"),
        ("Dr.Klein", "Dr. Eva Klein"),
        ("dr.klein", "Dr. Eva Klein"),
        ("Dr.E.Klein", "Dr. Eva Klein"),
        ("Dr. E. Klein", "Dr. Eva Klein"),
        ("И.Петров", "Иван Петров"),
        ("Петров И.", "Иван Петров"),
        ("I. Petrov", "Иван Петров"),
        ("O'BrienSinéad", "Sinéad O'Brien"),
        ("SinéadO\u{2019}Brien", "Sinéad O'Brien"),
        ("obriensinead", "Sinéad O'Brien"),
        ("sinead obrien", "Sinéad O'Brien"),
        ("D'ArtagnanJean-Luc", "Jean-Luc d\u{2019}Artagnan"),
        ("JeanLuc D'Artagnan", "Jean-Luc d\u{2019}Artagnan"),
        ("J.-L. d'Artagnan", "Jean-Luc d\u{2019}Artagnan"),
    ] {
        assert_eq!(owner.exact_names(query).await, [name], "{query}");
    }
    // An initial begins a word.
    for query in ["W. Smith", "D. Smith", "N. Klein", "O. Smith", "Va. Klein"] {
        assert_eq!(owner.exact_names(query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn an_address_or_number_is_found_however_it_is_pasted() {
    let app = App::start().await;
    let owner = app.owner();
    people(&owner).await;

    for (query, name) in [
        ("Eva Klein <eva@example.com>", "Dr. Eva Klein"),
        ("\"Klein, Eva\" <eva@example.com>", "Dr. Eva Klein"),
        ("Evi <EVA@example.com>", "Dr. Eva Klein"),
        ("<eva@example.com>", "Dr. Eva Klein"),
        ("eva@example.com,", "Dr. Eva Klein"),
        ("eva@example.com;", "Dr. Eva Klein"),
        ("\"eva@example.com\"", "Dr. Eva Klein"),
        (
            "mailto:eva@example.com?subject=Hello%20you",
            "Dr. Eva Klein",
        ),
        ("MAILTO:eva%40example.com", "Dr. Eva Klein"),
        ("john%2Bclub%40example.com", "John Smith"),
        ("john+club@example.com", "John Smith"),
        ("sip:eva@example.com;transport=tcp", "Dr. Eva Klein"),
        ("sip:+49301234567@provider.example", "Dr. Eva Klein"),
        ("tel:+49-30-1234567;ext=5", "Dr. Eva Klein"),
        ("tel:+49301234567", "Dr. Eva Klein"),
        ("sms:+442079460958?body=hi", "John Smith"),
        ("Tel: +1 202 555 0173", "Ada Smithson"),
        ("ada@münchen.example", "Ada Smithson"),
        ("ada@xn--mnchen-3ya.example", "Ada Smithson"),
        ("Ada <ada@XN--MNCHEN-3YA.example>", "Ada Smithson"),
        ("Eva%20Klein", "Dr. Eva Klein"),
        ("%D0%9F%D0%B5%D1%82%D1%80%D0%BE%D0%B2", "Иван Петров"),
    ] {
        assert_eq!(owner.exact_names(query).await, [name], "{query}");
    }
    // A percent sign that encodes nothing means itself.
    for query in ["eva%25klein", "eva%klein", "%"] {
        assert_eq!(owner.exact_names(query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn a_filter_takes_an_address_or_number_as_it_is_pasted() {
    let app = App::start().await;
    let owner = app.owner();
    people(&owner).await;

    for (filter, name) in [
        (r#"email="Eva Klein <eva@example.com>""#, "Eva"),
        (r#"email="\"Klein, Eva\" <eva@example.com>""#, "Eva"),
        (r#"email="<EVA@example.com>""#, "Eva"),
        (r#"email="eva@example.com,""#, "Eva"),
        (r#"email="eva@example.com;""#, "Eva"),
        (r#"email="'eva@example.com'""#, "Eva"),
        (r#"email="eva@example.com (Eva Klein)""#, "Eva"),
        (r#"email="mailto:eva@example.com?subject=x""#, "Eva"),
        ("email=mailto:john%2Bclub@example.com", "John"),
        (r#"email="ada@münchen.example""#, "Ada"),
        (r#"email="ada@MÜNCHEN.example""#, "Ada"),
        (r#"email="ada@xn--mnchen-3ya.example""#, "Ada"),
        (r#"email="max@bücher.example""#, "Max"),
        (r#"email="Max <max@xn--bcher-kva.example>""#, "Max"),
        (r#"phone="tel:+49-30-1234567;ext=5""#, "Eva"),
        (r#"phone="+49 (0)30 1234567""#, "Eva"),
        (r#"phone="0049 30 1234567""#, "Eva"),
        (r#"phone="sms:+442079460958""#, "John"),
        (r#"phone="sip:+12025550173@provider.example""#, "Ada"),
        ("phone=+41(44)668-18-00", "Max"),
    ] {
        let request = ListContactsRequest {
            filter: filter.into(),
            ..ListContactsRequest::default()
        };
        let listed = owner.list(request).await.unwrap().contacts.into_iter();
        let names: Vec<String> = listed.map(|contact| contact.given_name).collect();
        assert_eq!(names, [name], "{filter}");
    }
}
