//! Signing keys are rotated, and no valid token is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use auth_service::model::signing_key::Algorithm;
use auth_service::signing_keys::signer::SignerError;
use auth_service::signing_keys::{
    Keeper, KeyChange, Schedule, SigningKeysError, advance, request_rotation,
};
use chassis::database::pool::Pool;
use chassis::settings::keyring::{KeyRing, generate_line};
use proto::auth::v1::{GetJwksRequest, GetServerInfoRequest};
use tokio::task::JoinSet;

use crate::app::{App, PASSWORD, in_time, refusal};

/// A cache time of 10 s makes a staging of 20 s, and the service reads its keys every
/// second. A token is valid for 100 s and the 30 s of leeway.
pub(crate) const FLAGS: [&str; 2] = [
    "--signing-key-cache-seconds=10",
    "--access-token-ttl-seconds=100",
];
const SCHEDULE: Schedule = Schedule {
    algorithm: Algorithm::EdDsa,
    rotation: Duration::from_hours(30 * 24),
    cache: Duration::from_secs(10),
    token_life: Duration::from_secs(130),
};
pub(crate) const ADA: &str = "ada@example.org";

pub(crate) fn pool(app: &App) -> Pool {
    let options = app.database.connect_options("auth_service");
    Pool::new(options, 4, Duration::from_secs(20))
}

pub(crate) fn kid(access_token: &str) -> String {
    let header = jsonwebtoken::decode_header(access_token).unwrap();
    header.kid.unwrap()
}

/// The keys and their states.
pub(crate) async fn keys(app: &App) -> Vec<(String, String)> {
    let sql = "SELECT kid, state FROM auth.signing_keys";
    sqlx::query_as(sql).fetch_all(&app.db).await.unwrap()
}

/// The states of the keys, sorted.
pub(crate) async fn states(app: &App) -> Vec<String> {
    let keys = keys(app).await.into_iter();
    let mut states: Vec<_> = keys.map(|(_, state)| state).collect();
    states.sort();
    states
}

/// The key in this state.
pub(crate) async fn key_that_is(app: &App, state: &str) -> String {
    let mut keys = keys(app).await.into_iter();
    keys.find(|(_, known)| known == state).unwrap().0
}

pub(crate) async fn published(app: &App) -> Vec<String> {
    let answer = app.auth.clone().get_jwks(GetJwksRequest {}).await.unwrap();
    let keys = answer.into_inner().keys.into_iter();
    keys.map(|key| key.kid).collect()
}

pub(crate) async fn until_published(app: &App, kid: &str) {
    in_time("the key is not published", async || {
        let kids = published(app).await;
        kids.iter().any(|known| known == kid).then_some(())
    })
    .await;
}

pub(crate) async fn until_not_published(app: &App, kid: &str) {
    in_time("the key is published still", async || {
        let kids = published(app).await;
        kids.iter().all(|known| known != kid).then_some(())
    })
    .await;
}

/// Logs in until the token is signed with this key; returns the token.
pub(crate) async fn until_signs(app: &App, kid_wanted: &str) -> String {
    in_time("the key does not sign", async || {
        let tokens = app.log_in(ADA, PASSWORD).await.unwrap();
        if kid(&tokens.access_token) == kid_wanted {
            return Some(tokens.access_token);
        }
        // Otherwise the needed ones would be revoked, because a user can have only so
        // many sessions.
        app.log_out(&tokens.refresh_token).await.unwrap();
        None
    })
    .await
}

/// A change of the keys that no call requests.
pub(crate) async fn change(db: &Pool) -> KeyChange<'static> {
    KeyChange {
        tx: db.begin().await.unwrap(),
        by: None,
        ip: "",
    }
}

/// Stages a key; returns its kid.
pub(crate) async fn rotate(app: &App) -> String {
    let clock = app.clock();
    let change = change(&pool(app)).await;
    let staged = request_rotation(change, &app.ring(), Algorithm::EdDsa, &clock).await;
    assert!(!staged.unwrap().already_staged);
    key_that_is(app, "staged").await
}

pub(crate) async fn sealed_bytes(app: &App, kid: &str) -> usize {
    let sql = "SELECT private_key_sealed FROM auth.signing_keys WHERE kid = $1";
    let query = sqlx::query_scalar::<_, Vec<u8>>(sql).bind(kid);
    query.fetch_one(&app.db).await.unwrap().len()
}

#[tokio::test]
async fn a_new_key_is_published_for_two_cache_times_before_it_signs() {
    let app = App::alone(&FLAGS).await;
    let old = app.user(ADA).await.access_token;
    let (db, ring) = (pool(&app), app.ring());

    let new = rotate(&app).await;
    until_published(&app, &new).await;
    app.advance(19);
    let early = advance(&db, &ring, &SCHEDULE, &app.clock()).await;
    let still_old = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    app.advance(1);
    let signed = until_signs(&app, &new).await;

    assert_eq!(early.unwrap(), 0);
    assert_eq!(kid(&still_old), kid(&old));
    assert_ne!(kid(&old), new);
    for token in [old, still_old, signed] {
        app.get_me(&token).await.unwrap();
    }
    assert_eq!(
        app.key_audit().await,
        [
            "signing_key_activated",
            "signing_key_staged",
            "signing_key_activated"
        ]
    );
}

#[tokio::test]
async fn a_retiring_keys_tokens_are_good_until_they_end_and_then_it_is_gone() {
    let app = App::alone(&FLAGS).await;
    let first = kid(&app.user(ADA).await.access_token);
    let (db, ring) = (pool(&app), app.ring());
    let new = rotate(&app).await;
    app.advance(20);
    let last_token = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    until_signs(&app, &new).await;
    assert_eq!(kid(&last_token), first);

    app.advance(129);
    app.get_me(&last_token).await.unwrap();
    app.advance(1);
    assert_eq!(refusal(app.get_me(&last_token).await), "TOKEN_EXPIRED");
    app.advance(9);
    let early = advance(&db, &ring, &SCHEDULE, &app.clock()).await;
    assert_eq!(early.unwrap(), 0);
    assert!(published(&app).await.contains(&first));
    assert!(sealed_bytes(&app, &first).await > 0);
    app.advance(1);

    until_not_published(&app, &first).await;
    assert_eq!(states(&app).await, ["active", "revoked"]);
    assert_eq!(sealed_bytes(&app, &first).await, 0);
    assert!(sealed_bytes(&app, &new).await > 0);
    assert_eq!(refusal(app.get_me(&last_token).await), "TOKEN_INVALID");
    assert_eq!(app.key_audit().await.last().unwrap(), "signing_key_revoked");
}

#[tokio::test]
async fn a_key_is_replaced_by_itself_when_its_time_is_over() {
    let flags = [FLAGS[0], "--signing-key-rotation-seconds=1000"];
    let app = App::alone(&flags).await;
    let first = kid(&app.user(ADA).await.access_token);

    app.advance(1000 - 20);
    let staged = in_time("no key is staged", async || {
        let kids = published(&app).await;
        kids.into_iter().find(|kid| *kid != first)
    })
    .await;
    app.advance(20);

    until_signs(&app, &staged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn instances_that_rotate_at_once_stage_one_key_and_all_sign_with_it() {
    let app = App::alone(&FLAGS).await;
    let replica = app.replica_with(&FLAGS).await;
    app.sign_up(ADA).await.unwrap();

    let mut asking = JoinSet::new();
    for _ in 0..8 {
        let (db, ring, clock) = (pool(&app), app.ring(), app.clock());
        asking.spawn(async move {
            request_rotation(change(&db).await, &ring, Algorithm::EdDsa, &clock)
                .await
                .unwrap()
        });
    }
    let staged = asking.join_all().await;
    let made = staged.iter().filter(|next| !next.already_staged);
    assert_eq!(made.count(), 1);
    assert!(staged.iter().all(|next| next.kid == staged[0].kid));
    assert_eq!(states(&app).await, ["active", "staged"]);
    app.advance(20);
    let mut advancing = JoinSet::new();
    for _ in 0..8 {
        let (db, ring, clock) = (pool(&app), app.ring(), app.clock());
        advancing.spawn(async move { advance(&db, &ring, &SCHEDULE, &clock).await.unwrap() });
    }
    advancing.join_all().await;

    assert_eq!(states(&app).await, ["active", "retiring"]);
    let active = key_that_is(&app, "active").await;
    let ours = until_signs(&app, &active).await;
    let theirs = until_signs(&replica, &active).await;
    app.get_me(&theirs).await.unwrap();
    replica.get_me(&ours).await.unwrap();
    let activations = app.key_audit().await;
    assert_eq!(activations.len(), 3, "{activations:?}");
}

/// Two services.
type Pair = (Arc<App>, Arc<App>);

/// Logs in at one service and calls the other, until stopped; each with an account of its
/// own, because only a few log-ins of one account may run at a time.
async fn honest_client(number: u8, at: Pair, stop: Arc<AtomicBool>, calls: Arc<AtomicUsize>) {
    let mut tokens = at.0.user(&format!("user-{number}@example.org")).await;
    while !stop.load(Ordering::SeqCst) {
        at.0.get_me(&tokens.access_token).await.unwrap();
        at.1.get_me(&tokens.access_token).await.unwrap();
        let refreshed = at.1.refresh(&tokens.refresh_token).await.unwrap();
        let fresh = refreshed.tokens.unwrap();
        at.0.get_me(&fresh.access_token).await.unwrap();
        // The previous one has not ended.
        at.1.get_me(&tokens.access_token).await.unwrap();
        tokens =
            at.0.refresh(&fresh.refresh_token)
                .await
                .unwrap()
                .tokens
                .unwrap();
        calls.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_rotations_under_load_refuse_no_token() {
    // A staging of 3 s; a retiring key is gone after 21 s, which is 7 rotations.
    let flags = [
        "--signing-key-cache-seconds=1",
        "--access-token-ttl-seconds=20",
        "--token-leeway-seconds=0",
    ];
    let app = Arc::new(App::alone(&flags).await);
    let replica = Arc::new(app.replica_with(&flags).await);
    // They respond once they have their first key.
    tokio::join!(published(&app), published(&replica));
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let mut clients = JoinSet::new();
    for number in 0..4 {
        let at = match number % 2 {
            0 => (Arc::clone(&app), Arc::clone(&replica)),
            _ => (Arc::clone(&replica), Arc::clone(&app)),
        };
        let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
        clients.spawn(honest_client(number, at, stop, calls));
    }

    for _ in 0..20 {
        let new = rotate(&app).await;
        // The services keep up with the clock.
        tokio::join!(until_published(&app, &new), until_published(&replica, &new));
        app.advance(3);
        in_time("the key is not active", async || {
            (key_that_is(&app, "active").await == new).then_some(())
        })
        .await;
    }

    stop.store(true, Ordering::SeqCst);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert!(calls.load(Ordering::SeqCst) > 20);
    let states = states(&app).await;
    assert_eq!(states.len(), 21);
    assert!(states.iter().filter(|state| *state == "revoked").count() > 10);
}

async fn algorithms(app: &App) -> Vec<String> {
    let answer = app
        .auth
        .clone()
        .get_server_info(GetServerInfoRequest {})
        .await;
    answer.unwrap().into_inner().signing_algorithms
}

#[tokio::test]
async fn another_algorithm_takes_over_with_both_published_meanwhile() {
    let before = App::alone(&FLAGS).await;
    let old = before.user(ADA).await.access_token;
    assert_eq!(algorithms(&before).await, ["EdDSA"]);

    let app = before
        .replica_with(&[FLAGS[0], FLAGS[1], "--signing-algorithm=ES256"])
        .await;
    drop(before);
    // Staged at start, which a connection does not show.
    in_time("no key is staged", async || {
        (states(&app).await == ["active", "staged"]).then_some(())
    })
    .await;
    let staged = key_that_is(&app, "staged").await;
    until_published(&app, &staged).await;
    assert_eq!(algorithms(&app).await, ["EdDSA", "ES256"]);
    app.get_me(&old).await.unwrap();
    app.advance(20);
    let new = until_signs(&app, &staged).await;

    let header = jsonwebtoken::decode_header(&new).unwrap();
    assert_eq!(header.alg, jsonwebtoken::Algorithm::ES256);
    app.get_me(&new).await.unwrap();
    app.get_me(&old).await.unwrap();
    assert_eq!(algorithms(&app).await, ["ES256", "EdDSA"]);
    app.advance(140);
    until_not_published(&app, &kid(&old)).await;
    assert_eq!(algorithms(&app).await, ["ES256"]);
}

#[tokio::test]
async fn a_key_that_does_not_open_stops_a_start_but_not_a_running_service() {
    let app = App::alone(&FLAGS).await;
    let old = app.user(ADA).await.access_token;
    let foreign = KeyRing::parse(&generate_line(2).unwrap()).unwrap();
    let clock = app.clock();
    let change = change(&pool(&app)).await;
    let staged = request_rotation(change, &foreign, Algorithm::EdDsa, &clock).await;
    assert!(!staged.unwrap().already_staged);
    let closed = key_that_is(&app, "staged").await;
    until_published(&app, &closed).await;

    app.advance(20);
    in_time("the key is not active", async || {
        (key_that_is(&app, "active").await == closed).then_some(())
    })
    .await;
    let start = Keeper::start(pool(&app), Arc::new(app.ring()), SCHEDULE, app.clock()).await;

    assert!(matches!(
        start.err(),
        Some(SigningKeysError::Signer(SignerError::KeyMissing {
            ring_kid: 2,
            ..
        }))
    ));
    // The running service keeps reading: a key that is staged now gets published.
    let opens = rotate(&app).await;
    until_published(&app, &opens).await;
    let new = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    assert_eq!(kid(&new), kid(&old));
    app.get_me(&new).await.unwrap();
    app.advance(20);
    until_signs(&app, &opens).await;
}

#[tokio::test]
async fn readers_are_told_how_long_to_keep_the_keys() {
    let app = App::alone(&["--signing-key-cache-seconds=77"]).await;

    let answer = app.auth.clone().get_jwks(GetJwksRequest {}).await.unwrap();
    let (head, body) = crate::jwks::get(&app.address, "/.well-known/jwks.json").await;

    let answer = answer.into_inner();
    assert_eq!(answer.cache_duration.unwrap().seconds, 77);
    assert!(head.contains("cache-control: public, max-age=77"), "{head}");
    assert!(body.contains(&answer.keys[0].kid));
}
