//! Batches of two instances about the same contacts.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use proto::contacts::v1::Contact;

use crate::app::App;
use crate::refusal::reason;
use crate::replicas::two;
use crate::sample::{ada, ids};

#[tokio::test]
async fn overlapping_batches_follow_each_other_in_whatever_order_they_name_contacts() {
    let app = App::start().await;
    let owners = two(&app).await;
    let stored = owners[0].has_all((0..20).map(|_| ada())).await;
    let mut random = fastrand::Rng::with_seed(7);
    let batches = (0..24).map(|n| {
        let mut order = stored.clone();
        random.shuffle(&mut order);
        order.truncate(12);
        let patches: Vec<_> = order
            .into_iter()
            .map(|contact| Contact {
                id: contact.id,
                notes: format!("batch {n}"),
                ..Contact::default()
            })
            .collect();
        let owner = &owners[n % 2];
        async move { owner.batch_update(patches, false).await }
    });

    let answers = join_all(batches).await;

    let mut last: BTreeMap<String, Contact> = BTreeMap::new();
    let mut writes = 0;
    let mut versions = BTreeSet::new();
    for answer in answers {
        let batch: Vec<_> = answer.unwrap().into_iter().map(Result::unwrap).collect();
        let version = batch[0].version;
        assert!(versions.insert(version), "{version} twice");
        for contact in batch {
            assert_eq!(contact.version, version);
            writes += 1;
            let newest = last.entry(contact.id.clone()).or_default();
            if newest.version < contact.version {
                *newest = contact;
            }
        }
    }
    assert!(versions.into_iter().eq(21..=44));
    let mut kept = 0;
    for (id, contact) in &last {
        assert_eq!(owners[0].get(id).await.unwrap(), *contact);
        let revisions = owners[1].revisions(id, 0).await;
        kept += revisions.len();
        let ids: Vec<i64> = revisions
            .iter()
            .map(|revision| revision.revision_id.parse().unwrap())
            .collect();
        assert!(ids.is_sorted_by(|a, b| a > b), "{ids:?}");
    }
    assert_eq!(kept, writes + last.len());
}

#[tokio::test]
async fn of_two_batches_with_the_same_etags_one_is_done() {
    let app = App::start().await;
    let owners = two(&app).await;
    let stored = owners[0].has_all((0..30).map(|_| ada())).await;
    let patches = |n: usize| {
        let patches = stored.iter().map(move |contact| Contact {
            notes: format!("batch {n}"),
            ..contact.clone()
        });
        patches.collect::<Vec<_>>()
    };

    let answers = join_all((0..6).map(|n| owners[n % 2].batch_update(patches(n), false))).await;

    let winner = answers.iter().position(Result::is_ok).unwrap();
    for (n, answer) in answers.iter().enumerate() {
        if n != winner {
            assert_eq!(reason(answer.as_ref().unwrap_err()), "ETAG_MISMATCH");
        }
    }
    let (contacts, _) = owners[0].batch_get(&ids(&stored), false).await.unwrap();
    for contact in contacts {
        assert_eq!(contact.notes, format!("batch {winner}"));
        assert_eq!(contact.version, 31);
    }
}

#[tokio::test]
async fn contacts_are_deleted_once_by_batches_and_single_calls_together() {
    let app = App::start().await;
    let owners = two(&app).await;
    let stored = owners[0].has_all((0..20).map(|_| ada())).await;
    let all = ids(&stored);
    let batches = (0..4).map(|n| owners[n % 2].batch_delete(&all, true));
    let singles = all.iter().map(|id| owners[1].delete(id));

    let (batches, singles) = tokio::join!(join_all(batches), join_all(singles));

    let done = |batch: Vec<Result<Contact, _>>| batch.iter().filter(|one| one.is_ok()).count();
    let by_batch: usize = batches.into_iter().map(|batch| done(batch.unwrap())).sum();
    let by_single = singles.iter().filter(|one| one.is_ok()).count();
    assert_eq!(by_batch + by_single, 20);
    assert_eq!(owners[0].total_size().await, 0);
}
