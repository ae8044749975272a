//! Pages of contacts that are as large as they may be.

use chassis::paging::PAGE_BYTES_MAX;
use chassis::user_id::UserId;
use contacts_service::contact::body::Body;
use contacts_service::contact::phone::DefaultRegion;
use contacts_service::model::filter::{Filter, Listed};
use contacts_service::model::order::Order;
use contacts_service::model::share::visible::{View, Visible};
use contacts_service::store::birthdays::{self, BirthdayKey, Kinds, Room};
use contacts_service::store::list::{self, Selection};
use proto::contacts::v1::{
    Contact, Date, LeapDayRule, ListContactsRequest, ListUpcomingBirthdaysRequest,
};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{date, ids, named};

const BODY_BYTES: usize = 64 * 1024;
/// So many fill a page to the last byte.
const FITTING: usize = PAGE_BYTES_MAX / BODY_BYTES;
/// Two full pages, and some on a third one.
const COUNT: usize = 2 * FITTING + 4;

/// The number-th contact, whose body has exactly the maximum size.
fn heavy(number: usize, birthday: Date) -> Contact {
    let notes = |length: usize| Contact {
        notes: "n".repeat(length),
        raw_properties: vec!["x".repeat(16 * 1024); 3],
        birthday: Some(birthday),
        ..named("Ada", &format!("Number{number:03}"))
    };
    let size = |contact| {
        let body = Body::parse(contact, DefaultRegion::NONE).unwrap();
        body.encode().len()
    };
    let some = 10_000;
    let contact = notes(some + BODY_BYTES - size(notes(some)));
    assert_eq!(size(contact.clone()), BODY_BYTES);
    contact
}

/// Contacts by name, with birthdays on four days in turn. One after the other, because calls
/// that wait for others could take too long.
async fn has_heavy(owner: &Owner) -> Vec<Contact> {
    let days = [(2, 27), (2, 28), (2, 29), (3, 1)];
    let contacts = (0..COUNT).map(|number| {
        let (month, day) = days[number % days.len()];
        heavy(number, date(0, month, day))
    });
    owner.has_all(contacts).await
}

#[tokio::test]
async fn a_list_of_the_largest_contacts_has_each_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = has_heavy(&owner).await;

    for page_size in [500, 60] {
        let mut request = ListContactsRequest {
            page_size,
            ..ListContactsRequest::default()
        };
        let (mut listed, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let page = owner.list(request.clone()).await.unwrap();
            sizes.push(page.contacts.len());
            listed.extend(page.contacts);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(ids(&listed), ids(&stored));
        assert_eq!(sizes, [FITTING, FITTING, 4]);
    }
}

#[tokio::test]
async fn birthdays_of_the_largest_contacts_have_each_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = has_heavy(&owner).await;
    let mut request = ListUpcomingBirthdaysRequest {
        page_size: 500,
        from_date: Some(date(2023, 2, 20)),
        within_days: Some(30),
        leap_day_rule: LeapDayRule::Feb28.into(),
        ..ListUpcomingBirthdaysRequest::default()
    };

    let (mut listed, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = owner.birthdays(request.clone()).await.unwrap();
        sizes.push(page.birthdays.len());
        listed.extend(page.birthdays.into_iter().filter_map(|one| one.contact));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }

    // Both days of the common year's 28 February by name.
    let mut expected = stored;
    expected.sort_by_key(|contact| match contact.birthday.unwrap() {
        Date { month: 3, .. } => 2,
        Date { day, .. } => i32::from(day > 27),
    });
    assert_eq!(ids(&listed), ids(&expected));
    assert_eq!(sizes, [FITTING, FITTING, 4]);
}

#[tokio::test]
async fn no_more_than_a_page_is_read_of_the_largest_contacts() {
    let app = App::start().await;
    let owner = app.plain_owner();
    has_heavy(&owner).await;
    let db = app.pool();
    let user = UserId(owner.user);
    let view = View {
        owner: user,
        reader: user,
        visible: Visible::all(),
    };
    let selection = Selection {
        order: Order::parse("").unwrap(),
        filter: &Filter::All(Vec::new()),
        listed: Listed::Live,
        counted: false,
        after: None,
    };
    let room = Room {
        count: 501,
        bytes: i64::try_from(2 * BODY_BYTES).unwrap(),
    };
    let start = BirthdayKey::default();

    let listed = list::list(&db, &view, &selection, 501).await.unwrap();
    let kinds = Kinds {
        birthdays: true,
        ..Kinds::default()
    };
    let between = birthdays::between(&db, &view, kinds, 301, &start, room).await;
    let leap_day = birthdays::on_leap_day(&db, &view, kinds, [228, 229], &start, room).await;

    // One that does not fit shows that there are more.
    assert_eq!(listed.listed.len(), FITTING + 1);
    assert_eq!(between.unwrap().len(), 3);
    assert_eq!(leap_day.unwrap().len(), 3);
}
