//! `GetSettings` and `UpdateSettings`, and the birthdays that follow them.

use std::sync::atomic::Ordering::SeqCst;

use proto::contacts::v1::{
    LeapDayRule, ListUpcomingBirthdaysRequest, Settings, UpdateSettingsRequest,
};
use tonic::Code;

use crate::app::App;
use crate::owner_settings::in_region;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::replicas::two;
use crate::sample::{born, date};

#[tokio::test]
async fn settings_are_empty_until_they_are_set_and_belong_to_one_user() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let none = owner.settings().await;
    assert_eq!(
        none,
        Settings {
            etag: none.etag.clone(),
            ..Settings::default()
        }
    );
    let wished = Settings {
        default_region: "de".into(),
        time_zone: "Europe/Berlin".into(),
        leap_day_rule: LeapDayRule::Mar1.into(),
        etag: none.etag.clone(),
    };

    let set = owner.set_settings(wished.clone(), &[]).await.unwrap();

    assert_ne!(set.etag, none.etag);
    let expected = Settings {
        default_region: "DE".into(),
        etag: set.etag.clone(),
        ..wished
    };
    assert_eq!(set, expected);
    assert_eq!(owner.settings().await, expected);
    assert_eq!(other.settings().await, none);
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let full = Settings {
        default_region: "DE".into(),
        time_zone: "Asia/Tokyo".into(),
        leap_day_rule: LeapDayRule::LeapYearsOnly.into(),
        etag: String::new(),
    };
    owner.set_settings(full.clone(), &["*"]).await.unwrap();

    for (patch, mask, expected) in [
        (Settings::default(), &["time_zone"][..], ["DE", "", "3"]),
        (in_region("FR"), &[], ["FR", "", "3"]),
        (
            full.clone(),
            &["time_zone", "etag"],
            ["FR", "Asia/Tokyo", "3"],
        ),
        (
            Settings::default(),
            &["leap_day_rule"],
            ["FR", "Asia/Tokyo", "0"],
        ),
        (Settings::default(), &[], ["FR", "Asia/Tokyo", "0"]),
        (Settings::default(), &["*"], ["", "", "0"]),
    ] {
        let set = owner.set_settings(patch, mask).await.unwrap();
        let rule = set.leap_day_rule.to_string();
        assert_eq!([&*set.default_region, &*set.time_zone, &*rule], expected);
        assert_eq!(owner.settings().await, set);
    }
}

#[tokio::test]
async fn an_etag_protects_the_change_of_another_and_lets_a_repeat_pass() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let first = owner.settings().await;
    let mine = Settings {
        etag: first.etag.clone(),
        ..in_region("DE")
    };
    let set = owner.set_settings(mine.clone(), &[]).await.unwrap();

    assert_eq!(owner.set_settings(mine, &[]).await.unwrap(), set);
    let stale = Settings {
        etag: first.etag,
        ..in_region("FR")
    };
    let refused = owner.set_settings(stale, &[]).await.unwrap_err();
    assert_eq!(metadata(&refused, "etag"), set.etag);
    assert_refused::<()>(Err(refused), Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(owner.settings().await, set);
}

#[tokio::test]
async fn every_setting_changes_the_etag() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let mut before = owner.settings().await;
    let zone = Settings {
        time_zone: "Asia/Tokyo".into(),
        ..Settings::default()
    };
    let rule = Settings {
        leap_day_rule: LeapDayRule::Mar1.into(),
        ..Settings::default()
    };

    for change in [in_region("DE"), zone, rule] {
        let set = owner.set_settings(change, &[]).await.unwrap();
        let stale = Settings {
            etag: before.etag,
            ..in_region("FR")
        };
        let refused = owner.set_settings(stale, &[]).await;
        assert_refused(refused, Code::Aborted, "ETAG_MISMATCH");
        assert_eq!(owner.settings().await, set);
        before = set;
    }
}

#[tokio::test]
async fn settings_that_do_not_exist_are_refused_by_field_and_change_nothing() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.set_region("DE").await;
    let before = owner.settings().await;

    for region in ["XX", "D", "DEU", "001", "ZZ", "é", "ß", "D\0", " DE", "49"] {
        let answer = owner.set_settings(in_region(region), &["*"]).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "REGION_INVALID");
        assert_bad_fields(answer, &["settings.default_region"]);
    }
    for zone in [
        "Mars/Olympus",
        "+02:00",
        " ",
        "a\0b",
        "../../etc/passwd",
        "EST5EDT4",
    ] {
        let settings = Settings {
            time_zone: zone.into(),
            ..Settings::default()
        };
        let answer = owner.set_settings(settings, &["*"]).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "TIME_ZONE_INVALID");
        assert_bad_fields(answer, &["settings.time_zone"]);
    }
    for rule in [4, -1, i32::MAX] {
        let settings = Settings {
            leap_day_rule: rule,
            ..Settings::default()
        };
        assert_bad_fields(
            owner.set_settings(settings, &[]).await,
            &["settings.leap_day_rule"],
        );
    }
    for path in ["region", "settings.time_zone", "", "id"] {
        let answer = owner.set_settings(in_region("FR"), &[path]).await;
        assert_refused(answer, Code::InvalidArgument, "UPDATE_MASK_INVALID");
    }
    let mut client = owner.client.clone();
    let answer = client
        .update_settings(UpdateSettingsRequest::default())
        .await;
    assert_bad_fields(answer, &["settings"]);
    assert_eq!(owner.settings().await, before);
}

#[tokio::test]
async fn settings_set_at_the_same_time_are_each_kept_whole() {
    let app = App::start().await;
    let [here, there] = two(&app).await;

    for region in ["DE", "FR", "GB"] {
        let zone = Settings {
            time_zone: "Europe/Berlin".into(),
            ..Settings::default()
        };
        here.set_settings(Settings::default(), &["*"])
            .await
            .unwrap();
        let (one, other) = tokio::join!(
            here.set_settings(in_region(region), &["default_region"]),
            there.set_settings(zone, &["time_zone"])
        );
        one.and(other).unwrap();
        let both = here.settings().await;
        assert_eq!(
            (&*both.default_region, &*both.time_zone),
            (region, "Europe/Berlin")
        );
    }
}

/// 2023-12-31 23:30 in UTC.
const NEW_YEARS_EVE: i64 = 1_704_065_400;

#[tokio::test]
async fn birthdays_follow_the_time_zone_of_the_settings() {
    let (app, _clock) = App::at(NEW_YEARS_EVE).await;
    let owner = app.plain_owner();
    owner
        .has_all([born("Old", date(0, 12, 31)), born("New", date(0, 1, 1))])
        .await;
    let today = |time_zone: &str| {
        let request = ListUpcomingBirthdaysRequest {
            within_days: Some(0),
            time_zone: time_zone.into(),
            ..ListUpcomingBirthdaysRequest::default()
        };
        let owner = owner.clone();
        async move {
            let all = owner.birthdays_all(request).await;
            all[0].contact.clone().unwrap().given_name
        }
    };

    assert_eq!(today("").await, "Old");
    for (zone, expected) in [
        ("Europe/Berlin", "New"),
        ("Asia/Tokyo", "New"),
        ("America/New_York", "Old"),
        ("Pacific/Kiritimati", "New"),
        ("Pacific/Honolulu", "Old"),
    ] {
        let settings = Settings {
            time_zone: zone.into(),
            ..Settings::default()
        };
        owner.set_settings(settings, &["time_zone"]).await.unwrap();
        assert_eq!(today("").await, expected, "{zone}");
        assert_eq!(today("UTC").await, "Old");
    }
}

#[tokio::test]
async fn birthdays_follow_the_leap_day_rule_of_the_settings_on_every_page() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner
        .has_all([
            born("A", date(0, 2, 28)),
            born("B", date(2000, 2, 29)),
            born("C", date(0, 3, 1)),
        ])
        .await;
    let mut request = ListUpcomingBirthdaysRequest {
        from_date: Some(date(2023, 2, 28)),
        page_size: 1,
        ..ListUpcomingBirthdaysRequest::default()
    };

    for (rule, expected) in [
        (LeapDayRule::Unspecified, vec![(0, 2), (0, 2), (1, 3)]),
        (LeapDayRule::Feb28, vec![(0, 2), (0, 2), (1, 3)]),
        (LeapDayRule::Mar1, vec![(0, 2), (1, 3), (1, 3)]),
        (LeapDayRule::LeapYearsOnly, vec![(0, 2), (1, 3)]),
    ] {
        let settings = Settings {
            leap_day_rule: rule.into(),
            ..Settings::default()
        };
        owner
            .set_settings(settings, &["leap_day_rule"])
            .await
            .unwrap();
        let found = owner.birthdays_all(request.clone()).await;
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.days_until, one.date.unwrap().month))
            .collect();
        assert_eq!(found, expected, "{rule:?}");
    }
    let first = owner.birthdays(request.clone()).await.unwrap();
    owner
        .set_settings(Settings::default(), &["*"])
        .await
        .unwrap();
    request.page_token = first.next_page_token;
    let second = owner.birthdays(request).await.unwrap();
    assert_eq!(second.birthdays[0].date, Some(date(2023, 3, 1)));
}

#[tokio::test]
async fn the_next_page_keeps_the_day_of_a_time_zone_that_changes() {
    let (app, clock) = App::at(NEW_YEARS_EVE).await;
    let owner = app.plain_owner();
    owner
        .has_all([born("A", date(0, 12, 31)), born("B", date(0, 1, 1))])
        .await;
    let mut request = ListUpcomingBirthdaysRequest {
        page_size: 1,
        ..ListUpcomingBirthdaysRequest::default()
    };

    let first = owner.birthdays(request.clone()).await.unwrap();
    let settings = Settings {
        time_zone: "Asia/Tokyo".into(),
        ..Settings::default()
    };
    owner.set_settings(settings, &[]).await.unwrap();
    clock.fetch_add(60, SeqCst);
    request.page_token = first.next_page_token;
    let second = owner.birthdays(request).await.unwrap();

    assert_eq!(second.birthdays[0].days_until, 1);
}
