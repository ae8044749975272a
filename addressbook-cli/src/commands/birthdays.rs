//! `birthdays`.

use addressbook_client::Error;
use addressbook_client::FieldMask;
use addressbook_client::proto::contacts::v1::{
    ListUpcomingBirthdaysRequest, UpcomingBirthday, UpcomingKind,
};

use crate::cli::Birthdays;
use crate::context::Context;
use crate::field::date;
use crate::output;

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
    let mut request = ListUpcomingBirthdaysRequest {
        within_days: Some(args.days),
        time_zone: args.time_zone,
        owner_id: context.owner.clone(),
        read_mask: (!is_json).then_some(FieldMask { paths }),
        kinds,
        page_size: 500,
        ..ListUpcomingBirthdaysRequest::default()
    };
    let mut rows = Vec::new();
    loop {
        let response = client
            .contacts()
            .list_upcoming_birthdays(request.clone())
            .await?;
        let page = response.into_inner();
        for birthday in &page.birthdays {
            if is_json {
                output::message("addressbook.contacts.v1.UpcomingBirthday", birthday);
            } else {
                rows.push(row(birthday));
            }
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if !is_json {
        let none = format!("No birthdays within {} days.", args.days);
        context
            .output
            .table(&["DATE", "WHEN", "NAME", "WHAT"], rows, &none);
    }
    Ok(())
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
    let day = birthday.date.as_ref().map(date).unwrap_or_default();
    vec![day, when, name.unwrap_or_default(), what]
}
