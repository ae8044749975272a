//! The copies of address books that searches use.

use std::sync::Arc;
use std::time::Duration;

use chassis::access::revocations::{Mode, Revocations};
use chassis::auth_client::deletion_feed::DeletionFeed;
use chassis::auth_client::program::Credentials;
use chassis::auth_client::upstream::{ClientFiles, Upstream};
use chassis::metrics::Metrics;
use chassis::start::lag::Lag;
use chassis::user_id::UserId;
use contacts_service::contact::order::order_key;
use contacts_service::copies::{Contacts, Copies};
use contacts_service::gone_owners;
use futures_util::future::join_all;
use proto::contacts::v1::{Contact, Organization};
use sqlx::Executor;
use uuid::Uuid;

use crate::app::{App, in_time};
use crate::owner::Owner;
use crate::sample::named;
use crate::teller::SECRET;

/// More than any test needs.
const ENOUGH: usize = 16 << 20;

/// The number of a metric.
fn metric(copies: &Arc<Copies>, name: &str) -> usize {
    let metrics = Metrics::default();
    copies.publish(&metrics);
    let text = metrics.text();
    let start = format!("addressbook_{name} ");
    let number = text.lines().find_map(|line| line.strip_prefix(&start));
    let number: f64 = number.unwrap().parse().unwrap();
    format!("{number:.0}").parse().unwrap()
}

/// The sort key of a name.
fn key(family: &str, given: &str) -> String {
    order_key(&[family, given, ""])
}

/// The sort keys of all contacts, and whether they are copied.
async fn contents(copies: &Arc<Copies>, app: &App, owner: &Owner) -> (Vec<String>, bool) {
    let contacts = copies
        .contacts(&app.pool(), UserId(owner.user))
        .await
        .unwrap();
    let mut keys = Vec::new();
    let each = contacts.each(|chunk| {
        keys.extend(chunk.entries().map(|entry| entry.family_key.to_owned()));
    });
    each.await.unwrap();
    (keys, matches!(contacts, Contacts::Copied(_)))
}

#[tokio::test]
async fn concurrent_first_searches_read_the_contacts_once() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.has_numbered(300).await;
    let copies = Copies::new(ENOUGH, None);

    let found = join_all((0..20).map(|_| contents(&copies, &app, &owner))).await;

    assert!(
        found
            .iter()
            .all(|(keys, is_copied)| keys.len() == 300 && *is_copied)
    );
    assert_eq!(metric(&copies, "search_copy_loads_total"), 1);
    assert_eq!(metric(&copies, "search_copy_hits_total"), 19);
}

#[tokio::test]
async fn a_first_search_that_is_cancelled_serves_the_others() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.has_numbered(3).await;
    let copies = Copies::new(ENOUGH, None);
    let mut holder = app.admin().await;
    let hold = "BEGIN; LOCK TABLE contacts.contacts IN ACCESS EXCLUSIVE MODE";
    holder.execute(hold).await.unwrap();

    tokio::select! {
        _ = contents(&copies, &app, &owner) => panic!("it did not wait"),
        () = app.waiting_for_a_lock(1) => {}
    }
    holder.execute("ROLLBACK").await.unwrap();
    // Nobody waits for it.
    in_time("the contacts are read", async || {
        (metric(&copies, "search_copy_loads_total") == 1).then_some(())
    })
    .await;

    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 3);
    assert_eq!(metric(&copies, "search_copy_hits_total"), 1);
}

#[tokio::test]
async fn copies_stay_within_their_memory() {
    let app = App::start().await;
    let mut owners = Vec::new();
    for _ in 0..12 {
        let owner = app.plain_owner();
        owner.has_numbered(40).await;
        owners.push(owner);
    }
    let one = Copies::new(ENOUGH, None);
    contents(&one, &app, &owners[0]).await;
    // Room for three.
    let budget = metric(&one, "search_copies_bytes") * 7 / 2;
    let copies = Copies::new(budget, None);

    for round in 0..2 {
        for owner in &owners {
            assert_eq!(contents(&copies, &app, owner).await.0.len(), 40);
            assert!(metric(&copies, "search_copies_bytes") <= budget, "{round}");
        }
        assert_eq!(metric(&copies, "search_copies"), 3);
    }
    let loads = metric(&copies, "search_copy_loads_total");
    for owner in &owners[9..] {
        contents(&copies, &app, owner).await;
    }
    assert_eq!(
        metric(&copies, "search_copy_loads_total"),
        loads,
        "the last three are held"
    );
}

#[tokio::test]
async fn contacts_that_do_not_fit_are_read_by_each_search() {
    let app = App::start().await;
    let (small, large) = (app.plain_owner(), app.plain_owner());
    small.has_numbered(2).await;
    let stored = large.has_numbered(400).await;
    let copies = Copies::new(40_000, None);

    for _ in 0..2 {
        let (keys, is_copied) = contents(&copies, &app, &large).await;
        assert_eq!((keys.len(), is_copied), (400, false));
        assert!(contents(&copies, &app, &small).await.1);
    }
    assert_eq!(metric(&copies, "search_copy_loads_total"), 1);

    // Once most of them are deleted, the others fit.
    let ids: Vec<&str> = stored[..390].iter().map(|contact| &*contact.id).collect();
    large.batch_delete(&ids, false).await.unwrap();
    let (keys, is_copied) = contents(&copies, &app, &large).await;
    assert_eq!((keys.len(), is_copied), (10, true));

    let none = Copies::new(0, None);
    assert!(!contents(&none, &app, &small).await.1);
    assert_eq!(metric(&none, "search_copies_bytes"), 0);
}

#[tokio::test]
async fn only_what_changed_is_read_again() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let stored = owner.has_numbered(500).await;
    let copies = Copies::new(ENOUGH, None);
    contents(&copies, &app, &owner).await;
    let mut names: Vec<String> = (0..500)
        .map(|n| key(&format!("number{n:05}"), "ada"))
        .collect();

    // In the first of the chunks, whose neighbours stay the same.
    owner.delete(&stored[7].id).await.unwrap();
    owner.purge(&[&stored[7].id]).await.unwrap();
    owner.delete(&stored[8].id).await.unwrap();
    let new = Contact {
        id: stored[9].id.clone(),
        ..named("Bob", "New")
    };
    owner.update(new, &[]).await.unwrap();
    owner.has(named("Zoe", "Last")).await;
    names.drain(7..=8);
    names[7] = key("new", "bob");
    names.push(key("last", "zoe"));
    assert_eq!(contents(&copies, &app, &owner).await.0, names);

    owner.undelete(&stored[8].id).await.unwrap();
    names.insert(7, key("number00008", "ada"));
    assert_eq!(contents(&copies, &app, &owner).await.0, names);
    assert_eq!(metric(&copies, "search_copy_loads_total"), 1);
    assert_eq!(metric(&copies, "search_copy_updates_total"), 2);
}

#[tokio::test]
async fn very_many_changes_are_read_as_a_whole() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.has_numbered(1).await;
    let copies = Copies::new(ENOUGH, None);
    contents(&copies, &app, &owner).await;

    for _ in 0..3 {
        owner.has_numbered(400).await;
    }

    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 1201);
    assert_eq!(metric(&copies, "search_copy_loads_total"), 2);
}

#[tokio::test]
async fn changes_that_take_much_memory_are_read_as_a_whole() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.has_numbered(1).await;
    let copies = Copies::new(64 << 20, None);
    contents(&copies, &app, &owner).await;

    // Each takes 190 KiB when it is folded.
    for number in 0..25 {
        let organizations = (0..40).map(|part| Organization {
            name: format!("{}{part}", "\u{fdfa}".repeat(200)),
            ..Organization::default()
        });
        let many = Contact {
            organizations: organizations.collect(),
            ..named("Ada", &format!("Large{number}"))
        };
        owner.has(many).await;
    }

    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 26);
    assert_eq!(metric(&copies, "search_copy_loads_total"), 2);
    assert_eq!(metric(&copies, "search_copy_updates_total"), 0);
}

#[tokio::test]
async fn the_copy_of_a_deleted_user_is_dropped() {
    let app = App::start().await;
    let (deleted, other) = (app.plain_owner(), app.plain_owner());
    let copies = Copies::new(ENOUGH, None);
    for owner in [&deleted, &other] {
        owner.has_numbered(3).await;
        contents(&copies, &app, owner).await;
    }
    assert_eq!(metric(&copies, "search_copies"), 2);
    app.issuer.teller.delete(deleted.user);

    let auth = Upstream::new(&app.issuer.url, ClientFiles::default(), true).unwrap();
    let credentials = Credentials {
        client_id: "contacts-service".into(),
        secret: SECRET.into(),
    };
    let revocations = Arc::new(Revocations::new(Mode::Open, Duration::MAX));
    tokio::spawn(gone_owners::follow(
        app.pool(),
        Arc::clone(&copies),
        DeletionFeed::new(&auth, credentials),
        revocations,
        Lag::new(&Metrics::default(), "deleted_users_lag_seconds"),
    ));

    in_time("the copy is dropped", async || {
        (metric(&copies, "search_copies") == 1).then_some(())
    })
    .await;
    assert_eq!(contents(&copies, &app, &other).await.0.len(), 3);
    assert_eq!(metric(&copies, "search_copy_hits_total"), 1);
}

#[tokio::test]
async fn a_restored_backup_drops_the_copy() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.has_numbered(2).await;
    let copies = Copies::new(ENOUGH, None);
    contents(&copies, &app, &owner).await;

    // The database has another history, in which the versions are the same.
    let mut db = app.admin().await;
    let restore = "DELETE FROM contacts.contacts WHERE search_text LIKE '%number00001%';
                   UPDATE contacts.owner_state SET epoch = gen_random_uuid();";
    db.execute(restore).await.unwrap();
    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 1);

    // A standby was promoted that had not received the last writes.
    let restore = "DELETE FROM contacts.contacts;
                   UPDATE contacts.owner_state SET version = version - 1";
    db.execute(restore).await.unwrap();
    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 0);

    // One that has not come as far.
    let restore = "DELETE FROM contacts.contacts;
                   UPDATE contacts.owner_state SET version = 0, epoch = gen_random_uuid();";
    db.execute(restore).await.unwrap();
    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 0);

    owner.has_numbered(3).await;
    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 3);
    db.execute("DELETE FROM contacts.contacts; DELETE FROM contacts.owner_state")
        .await
        .unwrap();
    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 0);
    assert_eq!(metric(&copies, "search_copies"), 0);
}

#[tokio::test]
async fn a_copy_from_before_a_forgotten_purge_is_dropped() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let stored = owner.has_numbered(2).await;
    let copies = Copies::new(ENOUGH, None);
    contents(&copies, &app, &owner).await;

    owner.delete(&stored[0].id).await.unwrap();
    owner.purge(&[&stored[0].id]).await.unwrap();
    let forget = "DELETE FROM contacts.tombstones;
                  UPDATE contacts.owner_state SET min_version = version";
    app.admin().await.execute(forget).await.unwrap();

    assert_eq!(contents(&copies, &app, &owner).await.0.len(), 1);
    assert_eq!(metric(&copies, "search_copy_loads_total"), 2);
}

#[tokio::test]
async fn what_one_replica_writes_the_copy_of_the_other_has() {
    let app = App::start().await;
    let user = Uuid::now_v7();
    let other = app.another_instance().await;
    let [here, there] = [app.channel.clone(), other].map(|on| app.owner_on(on, user));
    here.has(named("Ada", "Zero")).await;
    for owner in [&here, &there] {
        assert_eq!(owner.found_names("ada").await.len(), 1);
    }

    for n in 1..=20 {
        let (writes, reads) = if n % 2 == 0 {
            (&here, &there)
        } else {
            (&there, &here)
        };
        let stored = writes.has(named("Zelda", &format!("N{n}"))).await;
        assert_eq!(reads.found_names("zelda").await, [format!("Zelda N{n}")]);
        writes.delete(&stored.id).await.unwrap();
        assert_eq!(reads.found_names("zelda").await, [""; 0]);
    }
}
