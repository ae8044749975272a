//! `FindDuplicates` and `IgnoreDuplicate`.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use contacts_service::purge;
use proto::contacts::v1::{Contact, DuplicateGroup, DuplicateReason};
use tonic::Code;

use crate::app::{App, rows};
use crate::duplicate_pairs::{born, judged, with_email, with_phone};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, full, named};

fn ids(group: &DuplicateGroup) -> BTreeSet<&str> {
    group.contacts.iter().map(|contact| &*contact.id).collect()
}

#[tokio::test]
async fn each_reason_is_found_and_more_reasons_score_higher() {
    use DuplicateReason::{SameBirthday, SameEmail, SameName, SamePhone, SimilarName};
    let app = App::start().await;
    let owner = app.owner();
    let mail = |contact| with_email(contact, "Ada@Example.com");
    let call = |contact| with_phone(contact, "+44 20 7946 0958");
    let bob = named("Bob", "Babbage");
    let none = Contact::default;

    let cases = vec![
        (
            mail(ada()),
            with_email(none(), "ada@example.COM"),
            vec![SameEmail],
        ),
        (
            call(none()),
            with_phone(ada(), "+44 (0)20 79460958"),
            vec![SamePhone],
        ),
        (call(ada()), call(bob), vec![SamePhone]),
        (ada(), named("ADA", "Lovelace"), vec![SameName]),
        (ada(), named("Ada Lovelace", ""), vec![SameName]),
        (
            ada(),
            Contact {
                name_prefix: "Dr.".into(),
                middle_name: "Augusta".into(),
                ..ada()
            },
            vec![SimilarName],
        ),
        (
            mail(ada()),
            mail(named("Ada", "Lovelase")),
            vec![SameEmail, SimilarName],
        ),
        (
            call(ada()),
            call(named("Ada", "")),
            vec![SamePhone, SimilarName],
        ),
        (
            born(ada(), 1815, 12, 10),
            born(ada(), 1815, 12, 10),
            vec![SameName, SameBirthday],
        ),
        (
            mail(call(ada())),
            mail(call(ada())),
            vec![SameEmail, SamePhone, SameName],
        ),
    ];
    let mut scores = Vec::new();
    for (a, b, reasons) in cases {
        let (score, found) = judged(&owner, a, b).await.unwrap();
        assert_eq!(found, reasons);
        assert!(score > 0.0 && score <= 1.0);
        scores.push(score);
    }
    // A shared phone with different names scores lower than a phone alone, and all
    // reasons together score highest.
    assert!(scores[2] < scores[1]);
    assert!(scores[9] > scores[0] && scores[9] > scores[6] && scores[9] > 0.9);
}

#[tokio::test]
async fn nothing_in_common_or_other_birthdays_make_no_group() {
    let app = App::start().await;
    let owner = app.owner();
    let mail = |contact| with_email(contact, "ada@example.com");
    let bob = named("Bob", "Babbage");

    for (a, b) in [
        (ada(), bob.clone()),
        (with_phone(ada(), "110"), with_phone(bob, "110")),
        (named("Ada", "Lovelace"), named("Ada", "Byron")),
        (
            born(mail(ada()), 1815, 12, 10),
            born(mail(ada()), 1815, 12, 11),
        ),
        (
            born(mail(ada()), 1815, 12, 10),
            born(mail(ada()), 1816, 12, 10),
        ),
        (born(ada(), 0, 12, 10), born(ada(), 0, 12, 11)),
    ] {
        assert_eq!(judged(&owner, a, b).await, None);
    }
    let agreeing = judged(&owner, born(ada(), 0, 12, 10), born(ada(), 1815, 12, 10)).await;
    assert_eq!(agreeing.unwrap().1, [DuplicateReason::SameName]);
}

#[tokio::test]
async fn nobody_brings_two_dates_of_birth_together() {
    let app = App::start().await;
    let owner = app.owner();
    let mail = |contact| with_email(contact, "ada@example.com");
    owner
        .has_all([
            mail(born(ada(), 1990, 5, 12)),
            mail(ada()),
            mail(born(ada(), 1991, 5, 12)),
            mail(born(ada(), 0, 5, 12)),
            mail(born(ada(), 0, 5, 13)),
            mail(born(ada(), 1990, 5, 12)),
        ])
        .await;

    let groups = owner.duplicates(0).await;

    for group in &groups {
        let born: Vec<_> = group.contacts.iter().filter_map(|c| c.birthday).collect();
        let days: BTreeSet<_> = born.iter().map(|day| (day.month, day.day)).collect();
        let years: BTreeSet<_> = born.iter().map(|day| day.year).filter(|y| *y > 0).collect();
        assert!(days.len() <= 1 && years.len() <= 1, "{born:?}");
    }
    assert!(groups.iter().any(|group| group.contacts.len() >= 3));
}

#[tokio::test]
async fn deleted_and_merged_contacts_are_not_suggested() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([full(), ada(), ada(), ada()]).await;
    let all: BTreeSet<&str> = stored[1..].iter().map(|contact| &*contact.id).collect();
    let groups = owner.duplicates(0).await;
    assert!(all.is_subset(&ids(&groups[0])));

    owner.delete(&stored[0].id).await.unwrap();
    owner.delete(&stored[3].id).await.unwrap();
    let (merged, merge) = owner.merge(&stored[1], &[&stored[2]]).await.unwrap();
    assert_eq!(owner.duplicates(0).await, []);

    owner.unmerge(&merge).await.unwrap();
    let groups = owner.duplicates(0).await;
    assert_eq!(ids(&groups[0]), [&*merged.id, &*stored[2].id].into());
}

#[tokio::test]
async fn pages_hold_every_group_once_by_score() {
    let app = App::start().await;
    let owner = app.owner();
    for n in 0..9 {
        let name = named(&format!("Given{n}"), &format!("Family{}", n * 7919));
        let mail = |contact| with_email(contact, &format!("{n}@example.com"));
        let pair = match n % 3 {
            0 => [name.clone(), name],
            1 => [mail(name.clone()), mail(name)],
            _ => [mail(name), mail(Contact::default())],
        };
        owner.has_all(pair).await;
    }

    let whole = owner.duplicates(0).await;

    assert_eq!(whole.len(), 9);
    assert!(whole.is_sorted_by(|a, b| a.score >= b.score));
    let seen: BTreeSet<_> = whole.iter().flat_map(ids).collect();
    assert_eq!(seen.len(), 18);
    for size in [1, 2, 4, 9, 500] {
        assert_eq!(owner.duplicates(size).await, whole);
    }
    let first = owner.duplicates_page(2, "").await.unwrap();
    let stranger = app.owner();
    for (caller, token) in [(&owner, "x"), (&stranger, &*first.next_page_token)] {
        let answer = caller.duplicates_page(2, token).await;
        assert_refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
    let answer = owner.duplicates_page(-1, "").await;
    assert_refused(answer, Code::InvalidArgument, "PAGE_SIZE_INVALID");
}

#[tokio::test]
async fn a_phone_of_very_many_makes_no_group_but_of_those_alike() {
    let app = App::start().await;
    let owner = app.owner();
    let number = "+44 20 7946 0958";
    let people = (0..300).map(|n| {
        let digits = format!("{:04}", (n * 7919) % 10_000);
        with_phone(named(&format!("Given{digits}"), &format!("{n}")), number)
    });
    owner.has_all(people.collect::<Vec<_>>()).await;
    assert_eq!(owner.duplicates(0).await, []);
    let twins = [
        with_phone(ada(), number),
        with_phone(ada(), number),
        with_phone(ada(), number),
    ];
    let twins = owner.has_all(twins).await;

    let groups = owner.duplicates(0).await;

    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].contacts, twins);
}

#[tokio::test]
async fn a_group_is_as_large_as_one_merge() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all(vec![with_email(ada(), "ada@example.com"); 45])
        .await;

    for left in [45, 25, 5] {
        assert_eq!(owner.total_size().await, left);
        let group = owner.duplicates(0).await.remove(0);
        let contacts: Vec<&Contact> = group.contacts.iter().collect();
        owner.merge(contacts[0], &contacts[1..]).await.unwrap();
    }
    assert_eq!(owner.total_size().await, 1);
    assert_eq!(owner.duplicates(0).await, []);
}

#[tokio::test]
async fn an_ignored_pair_is_never_suggested_again() {
    let app = App::start().await;
    let owner = app.owner();
    let mail = |contact| with_email(contact, "ada@example.com");
    let stored = owner.has_all([mail(ada()), mail(ada())]).await;
    let [a, b] = [&*stored[0].id, &*stored[1].id];

    owner.ignore(b, a).await.unwrap();
    owner.ignore(a, b).await.unwrap();

    assert_eq!(owner.duplicates(0).await, []);
    assert_eq!(rows(&app, "ignored_duplicates", owner.user).await, 1);
    // A third contact does not join them either.
    owner.has(mail(ada())).await;
    let groups = owner.duplicates(0).await;
    assert_eq!(groups.len(), 1);
    assert!(!ids(&groups[0]).is_superset(&[a, b].into()));
    owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
}

#[tokio::test]
async fn a_pair_is_two_contacts_of_the_caller() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada()]).await;
    let [a, b] = [&*stored[0].id, &*stored[1].id];

    assert_bad_fields(owner.ignore(a, a).await, &["other_id"]);
    assert_bad_fields(owner.ignore("x", a).await, &["id"]);
    assert_bad_fields(owner.ignore(a, "").await, &["other_id"]);
    owner.delete(b).await.unwrap();
    owner.ignore(a, b).await.unwrap();
    owner.undelete(b).await.unwrap();

    assert_eq!(owner.duplicates(0).await, []);
}

#[tokio::test]
async fn an_ignored_pair_is_gone_with_one_of_its_contacts() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada(), ada()]).await;
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        owner.ignore(&stored[a].id, &stored[b].id).await.unwrap();
    }
    owner.delete(&stored[1].id).await.unwrap();

    let later: DateTime<Utc> = DateTime::from(std::time::SystemTime::now()) + TimeDelta::days(31);
    purge::batch(&app.pool(), later).await.unwrap();

    assert_eq!(rows(&app, "ignored_duplicates", owner.user).await, 1);
    assert_eq!(owner.duplicates(0).await, []);
}

#[tokio::test]
async fn so_many_pairs_are_ignored_and_no_more() {
    let app = App::start().await;
    let (owner, other) = (app.owner(), app.owner());
    let stored = owner.has_all([ada(), ada(), ada()]).await;
    let [a, b, c] = [&*stored[0].id, &*stored[1].id, &*stored[2].id];
    let fill = "INSERT INTO contacts.ignored_duplicates (owner_id, low_id, high_id)
                SELECT $1, '00000000-0000-0000-0000-000000000000', gen_random_uuid()
                FROM generate_series(1, 9999)";
    let fill = sqlx::query(fill).bind(owner.user);
    fill.execute(&mut app.admin().await).await.unwrap();

    owner.ignore(a, b).await.unwrap();
    let answer = owner.ignore(a, c).await;

    assert_refused(answer, Code::ResourceExhausted, "IGNORED_PAIRS_EXCEEDED");
    owner.ignore(b, a).await.unwrap();
    assert_eq!(rows(&app, "ignored_duplicates", owner.user).await, 10_000);
    let theirs = other.has_all([ada(), ada()]).await;
    other.ignore(&theirs[0].id, &theirs[1].id).await.unwrap();
}
