//! The key set follows a real auth service.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chassis::access::token::KeySet;
use chassis::auth_client::key_feed;
use chassis::auth_client::upstream::{ClientFiles, Upstream};
use proto::auth::v1::JsonWebKey;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::app::{App, config, eventually};
use crate::token::{Desk, Mint};

pub(crate) struct Feed {
    pub(crate) desk: Desk,
    task: JoinHandle<()>,
}

impl Feed {
    fn of(address: std::net::SocketAddr) -> Self {
        let url = format!("http://{address}");
        let auth = Upstream::new(&url, ClientFiles::default(), false).unwrap();
        Self::from(auth)
    }

    /// Follows the keys of any upstream.
    pub(crate) fn from(auth: Upstream) -> Self {
        let keys = KeySet::default();
        let task = tokio::spawn(key_feed::follow(auth, keys.clone()));
        let desk = Desk::on(keys);
        Self { desk, task }
    }

    pub(crate) async fn until_passes(&self, mint: &Mint) {
        eventually(&format!("tokens of {} pass", mint.kid), async || {
            self.desk.passes(&mint.good())
        })
        .await;
    }

    pub(crate) fn loaded(&self) -> bool {
        *self.desk.keys.loaded().borrow()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn tokens_are_told_to_come_back_until_the_keys_are_here() {
    let (a, app) = (Mint::ed_dsa("a"), App::start());
    app.set_jwks(vec![a.jwk()], Duration::from_mins(5));
    let keys = KeySet::default();
    let desk = Desk::on(keys.clone());
    assert!(!*keys.loaded().borrow());
    assert!(!desk.passes(&a.good()));

    let feed = Feed::of(app.address);

    feed.until_passes(&a).await;
    assert!(feed.loaded());
}

#[tokio::test]
async fn keys_of_an_unknown_kind_do_not_harm_the_others() {
    let (a, b, app) = (Mint::ed_dsa("a"), Mint::es256("b"), App::start());
    let of_kind = |kty: &str, alg: &str| JsonWebKey {
        kty: kty.to_owned(),
        alg: alg.to_owned(),
        kid: "other".to_owned(),
        ..a.jwk()
    };
    let keys = vec![
        JsonWebKey::default(),
        of_kind("AKP", "ML-DSA-44"),
        of_kind("RSA", "RS256"),
        of_kind("OKP", ""),
        JsonWebKey {
            x: "not base64!".to_owned(),
            ..a.jwk()
        },
        a.jwk(),
        b.jwk(),
    ];
    app.set_jwks(keys, Duration::from_mins(5));

    let feed = Feed::of(app.address);

    feed.until_passes(&a).await;
    assert!(feed.desk.passes(&b.good()));
}

#[tokio::test]
async fn a_rotation_is_followed_when_the_cache_time_is_over() {
    let (a, b, app) = (Mint::ed_dsa("a"), Mint::es256("b"), App::start());
    app.set_jwks(vec![a.jwk()], Duration::from_secs(1));
    let feed = Feed::of(app.address);
    feed.until_passes(&a).await;

    app.set_jwks(vec![b.jwk()], Duration::from_secs(1));

    eventually("tokens of the old key are refused", async || {
        !feed.desk.passes(&a.good())
    })
    .await;
    assert!(feed.desk.passes(&b.good()));
}

/// Ten seconds between two reads would be too slow for four.
#[tokio::test]
async fn a_cache_time_of_a_second_is_kept() {
    let (a, app) = (Mint::ed_dsa("a"), App::start());
    app.set_jwks(vec![a.jwk()], Duration::from_secs(1));

    let feed = Feed::of(app.address);

    eventually("the keys are read four times", async || {
        app.steering.jwks_reads.load(Ordering::SeqCst) >= 4
    })
    .await;
    assert!(feed.desk.passes(&a.good()));
}

#[tokio::test]
async fn tokens_of_unknown_keys_cause_one_read_a_second() {
    let began = Instant::now();
    let (a, b, app) = (Mint::ed_dsa("a"), Mint::ed_dsa("b"), App::start());
    let reads = || app.steering.jwks_reads.load(Ordering::SeqCst);
    app.set_jwks(vec![a.jwk()], Duration::from_mins(5));
    let feed = Feed::of(app.address);
    feed.until_passes(&a).await;
    assert_eq!(reads(), 1);

    app.set_jwks(vec![a.jwk(), b.jwk()], Duration::from_mins(5));
    for _ in 0..1000 {
        let unknown = Mint::ed_dsa("unknown");
        assert_eq!(feed.desk.refuses(&unknown.good()), "TOKEN_INVALID");
    }

    feed.until_passes(&b).await;
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((2..=2 + seconds).contains(&reads()), "{} reads", reads());
    assert!(feed.desk.passes(&a.good()));
}

/// The cache time of five minutes is ignored: no token is valid before the next read.
#[tokio::test]
async fn the_end_of_the_only_key_has_the_next_one_read_at_once() {
    let (a, b, app) = (Mint::ed_dsa("a"), Mint::ed_dsa("b"), App::start());
    app.set_jwks(vec![a.jwk()], Duration::from_mins(5));
    let feed = Feed::of(app.address);
    feed.until_passes(&a).await;

    app.set_jwks(vec![b.jwk()], Duration::from_mins(5));
    feed.desk.keys.remove("a");

    feed.until_passes(&b).await;
    assert!(feed.loaded());
    assert_eq!(feed.desk.refuses(&a.good()), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_replica_that_still_publishes_a_revoked_key_is_asked_again() {
    let (a, b, app) = (Mint::ed_dsa("a"), Mint::ed_dsa("b"), App::start());
    let (c, reads) = (Mint::ed_dsa("c"), &app.steering.jwks_reads);
    for keys in [vec![a.jwk()], vec![b.jwk(), c.jwk()]] {
        app.set_jwks(keys.clone(), Duration::from_mins(5));
        let feed = Feed::of(app.address);
        eventually("the keys are read", async || feed.loaded()).await;
        let before = reads.load(Ordering::SeqCst);
        let gone = &keys[0].kid;

        feed.desk.keys.remove(gone);

        eventually("the slow replica is asked three times", async || {
            reads.load(Ordering::SeqCst) >= before + 3
        })
        .await;
        let next = Mint::ed_dsa("next");
        app.set_jwks(vec![next.jwk()], Duration::from_mins(5));
        feed.until_passes(&next).await;
        assert!(!feed.desk.passes(&a.good()) && !feed.desk.passes(&b.good()));
    }
}

/// Keys of unknown kinds, for example, which this service ignores.
#[tokio::test]
async fn an_answer_without_a_key_is_no_answer() {
    let (a, app) = (Mint::ed_dsa("a"), App::start());
    app.set_jwks(vec![JsonWebKey::default()], Duration::from_mins(5));
    let feed = Feed::of(app.address);
    eventually("the keys are read twice", async || {
        app.steering.jwks_reads.load(Ordering::SeqCst) >= 2
    })
    .await;
    assert!(!feed.loaded());

    app.set_jwks(vec![a.jwk()], Duration::from_mins(5));

    feed.until_passes(&a).await;
}

#[tokio::test]
async fn keys_are_used_on_while_the_auth_service_is_away() {
    let (a, b, mut app) = (Mint::ed_dsa("a"), Mint::ed_dsa("b"), App::start());
    app.set_jwks(vec![a.jwk()], Duration::from_secs(1));
    let feed = Feed::of(app.address);
    feed.until_passes(&a).await;
    app.ask_to_stop();
    app.stopped().await.unwrap();

    // Another server accepts and closes the connection: the feed has tried and failed.
    let away = TcpListener::bind(app.address).await.unwrap();
    for _ in 0..3 {
        drop(away.accept().await.unwrap());
        assert!(feed.desk.passes(&a.good()) && feed.loaded());
    }

    let back = App::on(away.into_std().unwrap(), config(), Vec::new());
    back.set_jwks(vec![a.jwk(), b.jwk()], Duration::from_mins(5));
    eventually("the feed is back", async || {
        assert!(feed.desk.passes(&a.good()));
        feed.desk.passes(&b.good())
    })
    .await;
}

#[tokio::test]
async fn a_feed_waits_for_an_auth_service_that_starts_later() {
    let a = Mint::ed_dsa("a");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let feed = Feed::of(listener.local_addr().unwrap());
    for _ in 0..3 {
        drop(listener.accept().await.unwrap());
    }
    assert!(!feed.loaded());

    let app = App::on(listener.into_std().unwrap(), config(), Vec::new());
    app.set_jwks(vec![a.jwk()], Duration::from_mins(5));

    eventually("the keys are loaded", async || feed.loaded()).await;
    feed.until_passes(&a).await;
}
