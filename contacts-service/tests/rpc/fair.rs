//! One user's calls do not take from others what they need.

use futures_util::future::{join_all, select_all};
use sqlx::Executor;
use tonic::Status;

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{ada, named};

/// More calls than the service has connections.
const MANY: usize = 30;

/// A service whose statements wait for locks longer than its callers wait for
/// connections.
async fn app() -> App {
    App::with(&["--database-statement-seconds=60"]).await
}

/// Writes and reads its own contacts, of which there are `count` afterwards.
async fn is_served(stranger: &Owner, count: i64) {
    let contact = stranger.create(ada()).await.unwrap();
    stranger.get(&contact.id).await.unwrap();
    assert_eq!(stranger.total_size().await, count);
}

/// Serves another user while all of `calls` wait for a lock of `hold`; then releases it.
async fn served_meanwhile(
    app: &App,
    hold: &'static str,
    calls: impl IntoIterator<Item = impl Future<Output = Result<(), Status>>>,
) {
    let mut holder = app.admin().await;
    holder.execute(hold).await.unwrap();
    let stranger = app.plain_owner();
    let mut calls: Vec<_> = calls.into_iter().map(Box::pin).collect();
    let waiting = select_all(&mut calls);
    let meanwhile = async {
        app.waiting_for_a_lock(1).await;
        // The others arrive meanwhile.
        for count in 1..=20 {
            is_served(&stranger, count).await;
        }
    };
    tokio::select! {
        (done, _, _) = waiting => panic!("a call did not wait: {done:?}"),
        () = meanwhile => {}
    }
    holder.execute("ROLLBACK").await.unwrap();
    for done in join_all(calls).await {
        done.unwrap();
    }
}

#[tokio::test]
async fn many_writes_of_one_owner_keep_no_connection_from_others() {
    let app = app().await;
    let owner = app.owner();
    owner.has(named("Ada", "")).await;

    let writes = (0..MANY).map(|_| async { owner.create(ada()).await.map(drop) });
    let hold = "BEGIN; SELECT * FROM contacts.owner_state FOR UPDATE";
    served_meanwhile(&app, hold, writes).await;

    assert_eq!(owner.total_size().await, 31);
}

#[tokio::test]
async fn many_reads_of_one_user_keep_no_connection_from_others() {
    let app = app().await;
    let owner = app.owner();
    let contact = owner.has(named("Ada", "")).await;

    let reads = (0..MANY).map(|_| async {
        let page = owner.revisions_page(&contact.id, 10, "").await?;
        assert_eq!(page.revisions.len(), 1);
        Ok(())
    });
    let hold = "BEGIN; LOCK TABLE contacts.revisions IN ACCESS EXCLUSIVE MODE";
    served_meanwhile(&app, hold, reads).await;
}
