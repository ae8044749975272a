//! A route that leads to a standby for a while, and back.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::ConnectOptions;
use testing::standby_of;

use super::route::Route;
use super::writer::Writer;
use crate::pair::{Pair, until};
use crate::user::reason;

/// More than the connections of a service.
const WRITES: usize = 30;

/// Forwards to the standby until all services report `NOT_SERVING`, then back;
/// connections opened meanwhile stay open. Returns how long it took until all services
/// served again.
async fn lead_astray(pair: &Pair, route: &Route, standby: &Path, writers: &[Writer]) -> Duration {
    let primary = pair.database.admin();
    route.lead_to(standby);
    route.cut();
    for program in pair.programs() {
        until("it does not serve", async || {
            (!program.is_serving().await).then_some(())
        })
        .await;
        until("it says why", async || {
            program.log().contains("read-only").then_some(())
        })
        .await;
    }
    for writer in writers {
        let refused = (writer.rename().await, writer.create().await);
        assert_eq!(reason(&refused.0.unwrap_err()), "STORE_UNAVAILABLE");
        assert_eq!(reason(&refused.1.unwrap_err()), "STORE_UNAVAILABLE");
    }

    route.lead_to(primary.get_socket().unwrap());
    let began = Instant::now();
    for program in pair.programs() {
        until("it serves again", async || {
            program.is_serving().await.then_some(())
        })
        .await;
    }
    let took = began.elapsed();
    // And so does every one of their connections.
    let calls = (0..WRITES).flat_map(|_| writers.iter().map(Writer::write));
    for written in join_all(calls).await {
        written.unwrap();
    }
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_go_on_by_themselves_after_a_route_led_to_a_standby() {
    let database = Pair::database().await;
    let admin = database.admin();
    let (primary, name) = (admin.get_socket().unwrap(), admin.get_database().unwrap());
    let Some(standby) = standby_of(primary) else {
        return;
    };
    let route = Route::to(primary).await;
    let url = |role: &str| route.url(name, role);
    let pair = Pair::start_on(database.clone(), &url, [&[], &[]]).await;
    let writers = [
        Writer::new(pair.side(0), "ada@example.com").await,
        Writer::new(pair.side(1), "bob@example.com").await,
    ];

    let is_over = AtomicBool::new(false);
    let writing = join_all(writers.iter().map(|writer| writer.write_until(&is_over)));
    let meanwhile = async {
        for _ in 0..2 {
            let took = lead_astray(&pair, &route, standby.socket_dir(), &writers).await;
            println!("all serve again after {} ms", took.as_millis());
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (acknowledged, ()) = tokio::join!(writing, meanwhile);

    let ids = acknowledged.concat();
    let count = "SELECT count(*) FROM contacts.contacts WHERE id = ANY($1)";
    let count = sqlx::query_scalar(count).bind(&ids);
    let mut db = admin.connect().await.unwrap();
    let count: i64 = count.fetch_one(&mut db).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), ids.len());
}
