//! Random writers, and copies with random interruptions: at the end every copy equals the
//! server's data. `SEED` repeats a run, `SECONDS` makes it longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use proto::contacts::v1::{Contact, MergeContactsRequest};
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::App;
use crate::label_races::assert_labels_complete;
use crate::mirror::Mirror;
use crate::owner::Owner;
use crate::sample::{email, named};

const WRITERS: usize = 8;
const WATCHERS: usize = 4;
const SYNCERS: usize = 4;

/// An operation of a writer; one that is twice in [`OPERATIONS`] runs twice as often.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Create,
    BatchCreate,
    Update,
    Delete,
    Undelete,
    Purge,
    BatchUpdate,
    BatchDelete,
    Restore,
    Merge,
    Unmerge,
    ChangeMembers,
    RenameLabel,
    DeleteLabel,
}

const OPERATIONS: [Operation; 21] = [
    Operation::Create,
    Operation::Create,
    Operation::BatchCreate,
    Operation::Update,
    Operation::Update,
    Operation::Update,
    Operation::Update,
    Operation::Delete,
    Operation::Delete,
    Operation::Undelete,
    Operation::Purge,
    Operation::BatchUpdate,
    Operation::BatchDelete,
    Operation::Restore,
    Operation::Merge,
    Operation::Merge,
    Operation::Unmerge,
    Operation::ChangeMembers,
    Operation::ChangeMembers,
    Operation::RenameLabel,
    Operation::DeleteLabel,
];

/// All ids ever created.
type Ids = Arc<Mutex<Made>>;

#[derive(Default)]
struct Made {
    contacts: Vec<String>,
    merges: Vec<String>,
}

fn contact(rng: &mut Rng) -> Contact {
    let mut contact = named(&format!("N{}", rng.u32(..)), "");
    contact.emails = vec![email("someone@example.com")];
    contact.notes = "x".repeat(rng.usize(..2000));
    if rng.bool() {
        contact.labels = vec![label(rng)];
    }
    contact
}

fn label(rng: &mut Rng) -> String {
    format!("L{}", rng.u8(..6))
}

/// Runs it on one of the existing labels.
async fn operate_on_label(
    owner: &Owner,
    contact: &str,
    rng: &mut Rng,
    operation: Operation,
) -> Result<(), Status> {
    let labels = owner.labels(0).await;
    let Some(chosen) = rng.choice(&labels) else {
        return Ok(());
    };
    match operation {
        Operation::RenameLabel => drop(owner.rename_label(chosen, &label(rng)).await?),
        Operation::DeleteLabel => owner.delete_label(&chosen.id, "").await?,
        _ if rng.bool() => drop(owner.modify_members(&chosen.id, &[contact], &[]).await?),
        _ => drop(owner.modify_members(&chosen.id, &[], &[contact]).await?),
    }
    Ok(())
}

fn any(ids: &Ids, rng: &mut Rng) -> String {
    let id = rng.choice(&ids.lock().unwrap().contacts).cloned();
    id.unwrap_or_default()
}

/// Runs it once. A conflict with another writer is not a failure.
async fn operate(
    owner: &Owner,
    ids: &Ids,
    rng: &mut Rng,
    operation: Operation,
) -> Result<(), Status> {
    let add = |contacts: Vec<Contact>| {
        let new = contacts.into_iter().map(|contact| contact.id);
        ids.lock().unwrap().contacts.extend(new);
    };
    let id = any(ids, rng);
    // Each once.
    let some = |rng: &mut Rng| {
        let count = rng.usize(1..10);
        let all = ids.lock().unwrap();
        rng.choose_multiple(all.contacts.iter().cloned(), count)
    };
    match operation {
        Operation::Create => add(vec![owner.create(contact(rng)).await?]),
        Operation::BatchCreate => {
            let contacts: Vec<_> = (0..rng.usize(1..30)).map(|_| contact(rng)).collect();
            let created = owner.create_all(contacts, false).await?.into_iter();
            add(created.map(Result::unwrap).collect());
        }
        Operation::Update => {
            let contact = contact(rng);
            drop(owner.update(Contact { id, ..contact }, &[]).await?);
        }
        Operation::Delete => drop(owner.delete(&id).await?),
        Operation::Undelete => drop(owner.undelete(&id).await?),
        Operation::Purge => drop(owner.purge(&[&id]).await?),
        Operation::Merge => {
            let request = MergeContactsRequest {
                primary_id: id,
                other_ids: (0..rng.usize(1..4)).map(|_| any(ids, rng)).collect(),
                ..MergeContactsRequest::default()
            };
            let merge = owner.merge_with(request).await?.merge_id;
            ids.lock().unwrap().merges.push(merge);
        }
        Operation::Unmerge => {
            let last = ids.lock().unwrap().merges.pop();
            drop(owner.unmerge(&last.unwrap_or_default()).await?);
        }
        Operation::BatchUpdate => {
            let patches = some(rng).into_iter();
            let patches: Vec<_> = patches.map(|id| Contact { id, ..contact(rng) }).collect();
            drop(owner.batch_update(patches, true).await?);
        }
        Operation::BatchDelete => {
            let ids = some(rng);
            let ids: Vec<_> = ids.iter().map(String::as_str).collect();
            drop(owner.batch_delete(&ids, true).await?);
        }
        Operation::Restore => {
            let revisions = owner.revisions_page(&id, 0, "").await?.revisions;
            let revision = rng.choice(&revisions).map(|of| of.revision_id.clone());
            let revision = revision.unwrap_or_default();
            drop(owner.restore(&id, &revision, "").await?);
        }
        Operation::ChangeMembers | Operation::RenameLabel | Operation::DeleteLabel => {
            operate_on_label(owner, &id, rng, operation).await?;
        }
    }
    Ok(())
}

/// Returns the number of writes.
async fn write(owners: &[Owner], ids: Ids, mut rng: Rng, until: Instant) -> usize {
    let mut count = 0;
    while Instant::now() < until {
        let owner = &owners[rng.usize(..owners.len())];
        let operation = OPERATIONS[rng.usize(..OPERATIONS.len())];
        let lost = [
            Code::NotFound,
            Code::AlreadyExists,
            Code::FailedPrecondition,
            Code::InvalidArgument,
            Code::Aborted,
        ];
        match operate(owner, &ids, &mut rng, operation).await {
            Ok(()) => count += 1,
            Err(status) => assert!(lost.contains(&status.code()), "{operation:?}: {status:?}"),
        }
    }
    count
}

/// Watches with interruptions; returns the copy, and the number of interruptions and
/// events.
async fn watch(owners: &[Owner], mut rng: Rng, written: &AtomicBool) -> (Mirror, usize, usize) {
    let (mut mirror, mut cuts, mut told) = (Mirror::default(), 0, 0);
    while !written.load(Ordering::Relaxed) {
        let owner = &owners[rng.usize(..owners.len())];
        let mut events = owner.watch(&mirror.token).await.unwrap();
        // Some streams are read for a long time, and some not at all.
        for _ in 0..rng.usize(..400) {
            let event = timeout(Duration::from_millis(rng.u64(1..1000)), events.message());
            let Ok(event) = event.await else { break };
            mirror.event(event.unwrap().expect("no end"));
            told += 1;
        }
        cuts += 1;
    }
    let mut events = owners[0].watch(&mirror.token).await.unwrap();
    mirror.catch_up(&mut events).await;
    (mirror, cuts, told)
}

/// Syncs, and loses pages; returns the copy, and the number of pages.
async fn sync(owners: &[Owner], mut rng: Rng, written: &AtomicBool) -> (Mirror, usize) {
    let (mut mirror, mut pages) = (Mirror::default(), 0);
    while !written.load(Ordering::Relaxed) {
        let owner = &owners[rng.usize(..owners.len())];
        let page = owner.sync(&mirror.token, rng.i32(1..60)).await.unwrap();
        // Some responses do not arrive.
        if rng.u8(..) < 230 {
            mirror.page(page);
            pages += 1;
        }
    }
    mirror.sync(&owners[0], 0).await;
    (mirror, pages)
}

#[tokio::test]
async fn every_copy_is_in_the_end_what_the_server_has() {
    let seed = setting("SEED").unwrap_or_else(|| fastrand::u64(..));
    let seconds = setting("SECONDS").unwrap_or(5);
    println!("SEED={seed} SECONDS={seconds}");
    let app = App::start().await;
    let user = Uuid::now_v7();
    let channels = [app.channel.clone(), app.another_instance().await];
    let owners = channels.map(|channel| app.owner_on(channel, user));
    let ids = Ids::default();
    let writes_end = Instant::now() + Duration::from_secs(seconds);
    let written = AtomicBool::new(false);
    let rng = |number: usize| Rng::with_seed(seed.wrapping_add(number as u64));

    let writers = (0..WRITERS).map(|n| write(&owners, Arc::clone(&ids), rng(n), writes_end));
    let writers = async {
        let counts = join_all(writers).await;
        written.store(true, Ordering::Relaxed);
        counts
    };
    let watchers = join_all((0..WATCHERS).map(|n| watch(&owners, rng(100 + n), &written)));
    let syncers = join_all((0..SYNCERS).map(|n| sync(&owners, rng(200 + n), &written)));
    let (counts, watched, synced) = tokio::join!(writers, watchers, syncers);

    let sum = |counts: Vec<usize>| counts.into_iter().sum::<usize>();
    println!(
        "{} writes; watchers were told {} events and cut off {} times; {} pages; {} contacts live",
        sum(counts),
        sum(watched.iter().map(|(_, _, told)| *told).collect()),
        sum(watched.iter().map(|(_, cuts, _)| *cuts).collect()),
        sum(synced.iter().map(|(_, pages)| *pages).collect()),
        watched[0].0.contacts.len(),
    );
    for (mirror, _, _) in &watched {
        mirror.assert_same(&owners[1]).await;
    }
    for (mirror, _) in &synced {
        mirror.assert_same(&owners[0]).await;
    }
    let wrong = "SELECT count(*)
                 FROM contacts.owner_state AS o
                 CROSS JOIN LATERAL (
                     SELECT count(*) FILTER (WHERE delete_time IS NULL) AS live,
                            sum(octet_length(body)) AS bytes
                     FROM contacts.contacts AS c WHERE c.owner_id = o.owner_id
                 ) AS rows
                 WHERE (live_count, byte_count) IS DISTINCT FROM (live, bytes)";
    let mut db = app.admin().await;
    let wrong: i64 = sqlx::query_scalar(wrong).fetch_one(&mut db).await.unwrap();
    assert_eq!(wrong, 0, "totals are those of the rows");
    assert_labels_complete(&app, &owners[0]).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test that runs at random can be repeated"
)]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
