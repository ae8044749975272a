//! `birthdays`.

use addressbook_client::Error;
use addressbook_client::FieldMask;
use addressbook_client::proto::contacts::v1::{
    ListUpcomingBirthdaysRequest, UpcomingBirthday, UpcomingKind,
};
use card_formats::date_text;

use crate::cli::Birthdays;
use crate::context::Context;
use crate::{output, pages};

const KINDS: [UpcomingKind; 3] = [
    UpcomingKind::Birthday,
    UpcomingKind::Anniversary,
    UpcomingKind::Event,
];

/// Lists birthdays, the next one first.
pub(crate) async fn run(context: &Context, args: Birthdays) -> Result<(), Error> {
    let client = context.client().await?;
    let is_json = context.output.is_json();
    let paths = vec!["display_name".to_owned()];
    let kinds = if args.events {
        KINDS.map(i32::from).to_vec()
    } else {
        Vec::new()
    };
    let request = ListUpcomingBirthdaysRequest {
        within_days: Some(args.days),
        time_zone: args.time_zone,
        owner_id: context.owner.clone(),
        read_mask: (!is_json).then_some(FieldMask { paths }),
        kinds,
        page_size: 500,
        ..ListUpcomingBirthdaysRequest::default()
    };
    let birthdays = pages::all(async |page_token| {
        let request = ListUpcomingBirthdaysRequest {
            page_token,
            ..request.clone()
        };
        let response = client.contacts().list_upcoming_birthdays(request).await?;
        let page = response.into_inner();
        Ok((page.birthdays, page.next_page_token))
    })
    .await?;
    if is_json {
        let name = "addressbook.contacts.v1.UpcomingBirthday";
        return birthdays
            .iter()
            .try_for_each(|birthday| output::message(name, birthday));
    }
    let rows = birthdays.iter().map(row).collect();
    let none = format!("No birthdays within {} days.", args.days);
    output::table(&["DATE", "WHEN", "NAME", "WHAT"], rows, &none)
}

fn row(birthday: &UpcomingBirthday) -> Vec<String> {
    let name = birthday
        .contact
        .as_ref()
        .map(|contact| contact.display_name.clone());
    let when = match birthday.days_until {
        0 => "today".into(),
        1 => "tomorrow".into(),
        days => format!("in {days} days"),
    };
    let years = birthday
        .turning_age
        .or(birthday.years)
        .filter(|years| *years > 0);
    let what = match birthday.kind() {
        UpcomingKind::Event | UpcomingKind::Anniversary => birthday.label.clone(),
        UpcomingKind::Birthday | UpcomingKind::Unspecified => "birthday".into(),
    };
    let what = match years {
        Some(years) => format!("{what} ({years})"),
        None => what,
    };
    let day = birthday.date.map(date_text).unwrap_or_default();
    vec![day, when, name.unwrap_or_default(), what]
}
