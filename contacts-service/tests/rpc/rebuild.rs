//! Keys of contacts that an earlier version of the program wrote.

use chrono::{DateTime, Utc};
use contacts_service::contact::keys::KEYS_VERSION;
use contacts_service::rebuild::pass;
use proto::contacts::v1::{Contact, ListContactsRequest, ListUpcomingBirthdaysRequest, ShareRole};
use sqlx::{AssertSqlSafe, Executor};
use uuid::Uuid;

use crate::app::App;
use crate::mirror::Mirror;
use crate::owner_labels::labelled;
use crate::sample::{born, date, ids, named};
use crate::upcoming::event;

/// Keys that nothing is found by, as of before there were versions of them.
const OLD_KEYS: &str = "UPDATE contacts.contacts
    SET family_key = 'old', given_key = 'old', display_key = 'old', email_keys = '{}',
        phone_keys = '{}', organization_key = '', search_text = E'\\n', name_keys = '{}'";

async fn run(app: &App, sql: &str) {
    let mut db = app.admin().await;
    db.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}

/// Makes the book one of the version before.
async fn age(app: &App) {
    run(app, OLD_KEYS).await;
    let state = "UPDATE contacts.owner_state SET keys_version = 0, keyed_version = 0";
    run(app, state).await;
}

/// A write of a program of the version before, which knows no versions of keys.
async fn write_as_before(app: &App, contact: &Contact) {
    let id = &contact.id;
    let owner = format!("(SELECT owner_id FROM contacts.contacts WHERE id = '{id}')");
    let state = "UPDATE contacts.owner_state SET version = version + 1 WHERE owner_id =";
    run(app, &format!("{state} {owner}")).await;
    let version = "version = (SELECT version FROM contacts.owner_state WHERE owner_id =";
    run(
        app,
        &format!("{OLD_KEYS}, {version} {owner}) WHERE id = '{id}'"),
    )
    .await;
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

async fn rebuilt(app: &App) -> u64 {
    pass(&app.pool(), now()).await.unwrap()
}

async fn outdated(app: &App) -> i64 {
    let sql = "SELECT count(*) FROM contacts.owner_state
               WHERE keys_version < $1 OR keyed_version < version";
    sqlx::query_scalar(sql)
        .bind(KEYS_VERSION)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn contacts_get_new_keys_and_keep_their_version() {
    let app = App::start().await;
    let owner = app.owner();
    let mut contacts = owner
        .has_all([
            named("राम", "कुमार"),
            named("Zoe", "Müller"),
            named("", "山田"),
        ])
        .await;
    let gone = owner.delete(&contacts[2].id).await.unwrap();
    contacts.pop();
    let mut mirror = Mirror::of(&owner).await;
    assert_eq!(owner.found_names("muller").await, ["Zoe Müller"]);
    age(&app).await;
    // The copy in memory is still that of before.
    owner.has(named("Bob", "")).await;
    assert_eq!(outdated(&app).await, 1);

    let count = rebuilt(&app).await;

    assert_eq!((count, outdated(&app).await), (4, 0));
    for query in ["muller", "कुमार राम", "zoe"] {
        assert_eq!(owner.found_names(query).await.len(), 1, "{query}");
    }
    for contact in &contacts {
        assert_eq!(owner.get(&contact.id).await.unwrap(), *contact);
    }
    let names = owner.list_all(ListContactsRequest::default()).await;
    let names: Vec<&str> = names.iter().map(|one| &*one.display_name).collect();
    assert_eq!(names, ["Bob", "Zoe Müller", "राम कुमार"]);
    mirror.sync(&owner, 10).await;
    mirror.assert_same(&owner).await;
    owner.undelete(&gone.id).await.unwrap();
    assert_eq!(owner.found_names("山田").await, ["山田"]);
    assert_eq!(rebuilt(&app).await, 0);
}

#[tokio::test]
async fn a_copy_in_memory_follows_keys_that_are_made_again() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has_all([named("Ada", ""), named("Bob", "")]).await;
    age(&app).await;
    assert_eq!(owner.found_names("ada").await, [""; 0]);

    rebuilt(&app).await;

    assert_eq!(owner.found_names("ada").await, ["Ada"]);
}

#[tokio::test]
async fn writes_of_programs_of_the_version_before_are_found_again() {
    let app = App::start().await;
    let owner = app.owner();
    let contacts = owner
        .has_all([named("Ada", ""), named("Bob", ""), named("Cyd", "")])
        .await;
    age(&app).await;
    rebuilt(&app).await;

    write_as_before(&app, &contacts[1]).await;
    owner
        .update(contacts[2].clone(), &["starred"])
        .await
        .unwrap();
    owner.has(named("Dan", "")).await;
    assert_eq!(owner.found_names("bob").await, [""; 0]);

    assert!((1..=3).contains(&rebuilt(&app).await));
    for name in ["Ada", "Bob", "Cyd", "Dan"] {
        assert_eq!(owner.found_names(name).await, [name]);
    }
    assert_eq!((rebuilt(&app).await, outdated(&app).await), (0, 0));
}

#[tokio::test]
async fn an_owner_that_began_with_a_program_of_the_version_before_is_found() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(named("Ada", "")).await;
    run(&app, OLD_KEYS).await;
    let state = "UPDATE contacts.owner_state SET keys_version = DEFAULT, keyed_version = DEFAULT";
    run(&app, state).await;

    assert_eq!(rebuilt(&app).await, 1);

    assert_eq!(owner.found_names("ada").await, ["Ada"]);
}

#[tokio::test]
async fn replicas_share_the_books_and_leave_none() {
    let app = App::start().await;
    let mut owners = Vec::new();
    for count in [450, 3, 201] {
        let owner = app.owner();
        owner.has_numbered(count).await;
        owner.has_numbered(30).await;
        owners.push((owner, count + 30));
    }
    age(&app).await;

    let (pool, now) = (app.pool(), now());
    let passes = (0..4).map(|_| pass(&pool, now));
    let counts = futures_util::future::try_join_all(passes).await.unwrap();

    assert!(counts.iter().sum::<u64>() >= 744, "{counts:?}");
    assert_eq!(outdated(&app).await + i64::from(rebuilt(&app).await > 0), 0);
    for (owner, count) in &owners {
        let listed = owner.list_all(ListContactsRequest::default()).await;
        assert!(listed.is_sorted_by_key(|one| one.family_name.clone()));
        assert_eq!(listed.len(), *count);
        assert_eq!(owner.exact_names("number00001").await.len(), 2);
    }
}

#[tokio::test]
async fn a_book_that_is_written_meanwhile_waits_for_its_turn() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has_numbered(3).await;
    age(&app).await;
    let mut holder = app.admin().await;
    let hold = "BEGIN; SELECT FROM contacts.owner_state FOR UPDATE";
    holder.execute(hold).await.unwrap();

    assert_eq!(rebuilt(&app).await, 0);
    holder.execute("ROLLBACK").await.unwrap();
    assert_eq!(rebuilt(&app).await, 3);
}

/// The labels of a book as of before: keys without marks, and one label for all with a key.
async fn age_labels(app: &App, keys: &[(&str, &str)]) {
    age(app).await;
    for (new, old) in keys {
        run(
            app,
            &format!(
                "UPDATE contacts.contacts SET label_keys = array_replace(label_keys, '{new}', '{old}');
                 DELETE FROM contacts.labels AS l USING contacts.labels AS first
                 WHERE l.name_key = '{new}' AND first.name_key = '{old}'
                   AND first.owner_id = l.owner_id;
                 UPDATE contacts.labels SET name_key = '{old}' WHERE name_key = '{new}'"
            ),
        )
        .await;
    }
}

#[tokio::test]
async fn labels_that_were_one_stay_one_for_whom_they_are_shared_with() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    let grandfather = owner.has(labelled(&["दादा"])).await;
    let grandmother = owner.has(labelled(&["दादी", "Work"])).await;
    let other = owner.has(labelled(&["Work"])).await;
    let label = owner.label("दादा").await;
    let (reader, _) = owner
        .shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;
    age_labels(&app, &[("दादा", "दद"), ("दादी", "दद")]).await;
    assert_eq!(owner.labels(0).await.len(), 2);

    rebuilt(&app).await;

    let mut seen = reader.list_all(ListContactsRequest::default()).await;
    seen.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(ids(&seen), [&*grandfather.id, &grandmother.id]);
    assert_eq!(seen[0], grandfather);
    assert_eq!(seen[1].labels, ["दादा"]);
    let labels = owner.get(&grandmother.id).await.unwrap().labels;
    assert_eq!(labels, ["दादी", "Work", "दादा"]);
    assert!(seen[1].version > other.version);
    assert_eq!(owner.get(&other.id).await.unwrap(), other);
    let own = owner.label("दादी").await;
    assert_eq!((own.contact_count, owner.labels(0).await.len()), (1, 3));
    assert_eq!(owner.label("दादा").await.contact_count, 2);
    // The owner parts them.
    owner
        .modify_members(&label.id, &[], &[&grandmother.id])
        .await
        .unwrap();
    assert_eq!(
        reader.list_all(ListContactsRequest::default()).await,
        [grandfather]
    );
    assert_eq!(rebuilt(&app).await, 0);
}

#[tokio::test]
async fn a_label_gets_its_new_key_with_all_of_its_contacts_and_no_new_version() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(labelled(&["Família"])).await;
    let gone = owner.has(labelled(&["FAMÍLIA", "b"])).await;
    owner.delete(&gone.id).await.unwrap();
    let label = owner.label("Família").await;
    age_labels(&app, &[("família", "familia")]).await;

    rebuilt(&app).await;

    assert_eq!(owner.label("Família").await, label);
    assert_eq!(
        ids(&owner.members("famÍlia").await),
        [&*contact.id, &gone.id]
    );
    assert_eq!(owner.members("Familia").await, []);
    owner.delete_label(&label.id, "").await.unwrap();
    assert_eq!(owner.get(&contact.id).await.unwrap().labels, [""; 0]);
    assert_eq!(owner.undelete(&gone.id).await.unwrap().labels, ["b"]);
}

#[tokio::test]
async fn a_label_of_very_many_contacts_gets_its_new_key_on_all_of_them() {
    let app = App::start().await;
    let owner = app.owner();
    for _ in 0..5 {
        let contacts = (0..450).map(|_| labelled(&["Família"]));
        owner.create_all(contacts, false).await.unwrap();
    }
    age_labels(&app, &[("família", "familia")]).await;

    rebuilt(&app).await;

    let sql = "SELECT count(*) FROM contacts.contacts WHERE label_keys = '{família}'";
    let mut db = app.admin().await;
    let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap();
    assert_eq!(count, 2250);
}

#[tokio::test]
async fn a_label_that_a_program_of_the_version_before_made_again_is_that_label() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    let contact = owner.has(labelled(&["Família"])).await;
    let label = owner.label("Família").await;
    let twin = Uuid::now_v7();
    run(
        &app,
        &format!(
            "INSERT INTO contacts.labels
             SELECT owner_id, '{twin}', 'familia', name, version, create_time, update_time
             FROM contacts.labels"
        ),
    )
    .await;
    write_as_before(&app, &contact).await;
    run(
        &app,
        "UPDATE contacts.contacts SET label_keys = '{familia}'",
    )
    .await;
    let twin = owner.get_label(&twin.to_string()).await.unwrap();
    let (reader, _) = owner
        .shares_with(&reader, Some(&twin), ShareRole::Reader)
        .await;

    rebuilt(&app).await;

    let labels = owner.labels(0).await;
    assert_eq!(labels.len(), 1);
    assert_eq!((&*labels[0].id, labels[0].contact_count), (&*label.id, 1));
    let seen = reader.list_all(ListContactsRequest::default()).await;
    assert_eq!(ids(&seen), [&*contact.id]);
}

#[tokio::test]
async fn a_label_may_get_the_key_that_another_one_loses() {
    let app = App::start().await;
    let owner = app.owner();
    let dashed = owner.has(labelled(&["a\u{2013}b"])).await;
    let accented = owner.has(labelled(&["á-b"])).await;
    age_labels(&app, &[("a-b", "a\u{2013}b"), ("á-b", "a-b")]).await;

    rebuilt(&app).await;

    assert_eq!(ids(&owner.members("a-b").await), [&*dashed.id]);
    assert_eq!(ids(&owner.members("á-b").await), [&*accented.id]);
}

#[tokio::test]
async fn labels_of_before_are_spelled_as_the_label_is() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(labelled(&["Family", "b"])).await;
    let other = owner.has(labelled(&["Family"])).await;
    let mut mirror = Mirror::of(&owner).await;
    let [name, typed] = ["Family", "FAMILY"].map(hex::encode);
    let body = format!("replace(encode(body, 'hex'), '{name}', '{typed}')");
    let id = &contact.id;
    let write = format!("UPDATE contacts.contacts SET body = decode({body}, 'hex')");
    run(&app, &format!("{write} WHERE id = '{id}'")).await;
    assert_eq!(owner.get(id).await.unwrap().labels, ["FAMILY", "b"]);
    age(&app).await;

    rebuilt(&app).await;

    let spelled = owner.get(id).await.unwrap();
    assert_eq!(spelled.labels, ["Family", "b"]);
    assert!(spelled.version > other.version);
    assert_eq!(owner.get(&other.id).await.unwrap(), other);
    mirror.sync(&owner, 10).await;
    mirror.assert_same(&owner).await;
    assert_eq!((rebuilt(&app).await, outdated(&app).await), (0, 0));
}

#[tokio::test]
async fn events_of_before_are_upcoming_when_their_keys_are_made() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has(Contact {
            events: vec![event("anniversary", date(2000, 5, 1))],
            ..born("Ada", date(1990, 5, 1))
        })
        .await;
    let request = ListUpcomingBirthdaysRequest {
        from_date: Some(date(2026, 5, 1)),
        kinds: vec![1, 2],
        ..ListUpcomingBirthdaysRequest::default()
    };
    let before = "UPDATE contacts.contacts SET event_mds = NULL, deceased = TRUE";
    run(&app, before).await;
    age(&app).await;
    assert_eq!(owner.birthdays_all(request.clone()).await.len(), 0);

    rebuilt(&app).await;

    assert_eq!(owner.birthdays_all(request).await.len(), 2);
}
