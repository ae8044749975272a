//! Labels that two instances write at the same time.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use proto::contacts::v1::Contact;
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, rows};
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{metadata, reason};

/// One user, calling through either instance.
async fn two(app: &App) -> [Owner; 2] {
    let user = Uuid::now_v7();
    let second = app.another_instance().await;
    [
        app.owner_on(app.channel.clone(), user),
        app.owner_on(second, user),
    ]
}

/// Every label of a contact exists.
pub async fn assert_labels_complete(app: &App, owner: &Owner) {
    let missing = "SELECT count(*) FROM contacts.contacts AS c
                   CROSS JOIN LATERAL unnest(label_keys) AS key
                   WHERE owner_id = $1 AND NOT EXISTS (
                       SELECT FROM contacts.labels AS l
                       WHERE l.owner_id = c.owner_id AND l.name_key = key)";
    let missing = sqlx::query_scalar(missing).bind(owner.user);
    let missing: i64 = missing.fetch_one(&mut app.admin().await).await.unwrap();
    assert_eq!(missing, 0);
}

#[tokio::test]
async fn of_parallel_creations_of_one_name_one_wins() {
    let app = App::start().await;
    let owners = two(&app).await;
    let names = ["Família", "família", "FAMÍLIA", "fami\u{301}lia"];
    let calls = (0..24).map(|n| owners[n % 2].create_label(names[n / 2 % 4]));

    let (made, refused): (Vec<_>, Vec<_>) =
        join_all(calls).await.into_iter().partition(Result::is_ok);

    assert_eq!(made.len(), 1);
    let winner = made[0].as_ref().unwrap();
    for status in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!(reason(&status), "LABEL_TAKEN");
        assert_eq!(metadata(&status, "id"), winner.id);
    }
    assert_eq!(rows(&app, "labels", owners[0].user).await, 1);
}

#[tokio::test]
async fn contacts_that_bring_the_same_label_at_once_make_one() {
    let app = App::start().await;
    let owners = two(&app).await;
    let calls = (0..24).map(|n| owners[n % 2].create(labelled(&["b", "a", "c"])));

    for answer in join_all(calls).await {
        answer.unwrap();
    }

    let expected = ["a", "b", "c"].map(|name| (name.to_owned(), 24));
    assert_eq!(owners[0].label_counts().await, expected);
}

#[tokio::test]
async fn no_contact_keeps_a_name_that_a_rename_or_a_deletion_took_away() {
    let app = App::start().await;
    let owners = two(&app).await;
    let first = owners[0].has(labelled(&["x0"])).await;

    for round in 0..12 {
        let (old, new) = (format!("x{round}"), format!("x{}", round + 1));
        let label = owners[0].label(&old).await;
        let patches = (0..6).map(|n| {
            let patch = Contact {
                id: first.id.clone(),
                notes: format!("{round} {n}"),
                ..Contact::default()
            };
            let owner = &owners[n % 2];
            async move { owner.batch_update([patch], false).await }
        });
        let creations = (0..6).map(|n| owners[n % 2].create(labelled(&[&old])));
        let rename = owners[1].rename_label(&label, &new);
        let ((updated, created), renamed) =
            join(join(join_all(patches), join_all(creations)), rename).await;
        let renamed = renamed.unwrap();
        for answer in updated {
            answer.unwrap()[0].as_ref().unwrap();
        }
        // Later writes created the old name again, as a separate label.
        for contact in created.into_iter().map(Result::unwrap) {
            let now = owners[0].get(&contact.id).await.unwrap();
            let expected = if contact.version > renamed.version {
                &old
            } else {
                &new
            };
            assert_eq!(&now.labels, std::slice::from_ref(expected));
        }
        assert_eq!(owners[1].get(&first.id).await.unwrap().labels, [&*new]);
        assert_labels_complete(&app, &owners[0]).await;
    }
}

#[tokio::test]
async fn parallel_changes_of_members_are_all_there_in_the_end() {
    let app = App::start().await;
    let owners = two(&app).await;
    let label = owners[0].create_label("team").await.unwrap();
    let contacts = owners[0].has_all((0..12).map(|_| labelled(&["x"]))).await;
    let contacts = &contacts;

    let moves = (0..12).map(|n| {
        let (owner, id) = (&owners[n % 2], label.id.clone());
        async move {
            let joining = [&*contacts[n].id, &contacts[(n + 1) % 12].id];
            owner.modify_members(&id, &joining, &[]).await
        }
    });
    let versions: Vec<_> = join_all(moves).await;

    assert!(versions.iter().all(Result::is_ok));
    let members: BTreeSet<String> = owners[1]
        .members("team")
        .await
        .into_iter()
        .map(|c| c.id)
        .collect();
    assert_eq!(members, contacts.iter().map(|c| c.id.clone()).collect());
    for contact in owners[1].members("team").await {
        assert_eq!(contact.labels, ["x", "team"]);
    }
}

#[tokio::test]
async fn the_last_free_place_goes_to_one_of_many() {
    let app = App::start().await;
    let owners = two(&app).await;
    let fill = "INSERT INTO contacts.labels
                    (owner_id, id, name_key, name, version, create_time, update_time)
                SELECT $1, gen_random_uuid(), 'n' || n, 'n' || n, 1, now(), now()
                FROM generate_series(1, 999) AS n";
    let fill = sqlx::query(fill).bind(owners[0].user);
    fill.execute(&mut app.admin().await).await.unwrap();

    let names: Vec<String> = (0..16).map(|n| format!("new {n}")).collect();
    let calls = names.iter().enumerate().map(|(n, name)| {
        let owner = &owners[n % 2];
        async move { owner.create(labelled(&[name, "n1"])).await }
    });
    let answers = join_all(calls).await;

    let made = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(made, 1);
    for status in answers.into_iter().filter_map(Result::err) {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason(&status), "LABEL_QUOTA_EXCEEDED");
    }
    assert_eq!(rows(&app, "labels", owners[0].user).await, 1000);
}
