//! Servers of `DATABASE_URL` that cannot be used, and how that is reported.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::database::{self, Database};
use chassis::settings::config::{DatabaseConfig, RolePasswords};
use embedded_postgres::TestDatabase;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tracing_subscriber::fmt::MakeWriter;

fn config(url: String) -> DatabaseConfig {
    DatabaseConfig {
        database_url: url.into(),
        database_password_file: None,
        database_connections: 4,
        database_acquire: Duration::from_secs(1),
        database_statement: Duration::from_secs(5),
        database_start: Duration::ZERO,
    }
}

async fn migrated() -> TestDatabase {
    let database = TestDatabase::create("migrated", async |options| {
        let url = options.to_url_lossy().to_string();
        database::migrate(&config(url), &RolePasswords::default()).await
    })
    .await;
    database.unwrap()
}

/// The URL of a database on several sockets, given by their folders.
fn url(database: &TestDatabase, sockets: &[&str]) -> String {
    let admin = database.admin();
    let name = admin.get_database().unwrap();
    let hosts = sockets.join(",");
    format!("postgres:///{name}?user=postgres&sslmode=disable&port=5432&host={hosts}")
}

fn socket(database: &TestDatabase) -> String {
    let admin = database.admin();
    admin.get_socket().unwrap().display().to_string()
}

async fn ask(pool: &Pool) -> sqlx::Result<i32> {
    sqlx::query_scalar("SELECT 7").fetch_one(pool).await
}

/// Makes every later session of the database read-only, or writable.
async fn set_read_only(database: &TestDatabase, is: bool) {
    let admin = database.admin();
    // Otherwise the sessions of this function would be, too.
    let options = admin
        .clone()
        .options([("default_transaction_read_only", "off")]);
    let mut db = options.connect().await.unwrap();
    let name = admin.get_database().unwrap();
    let sql = format!("ALTER DATABASE {name} SET default_transaction_read_only = {is}");
    let set = sqlx::raw_sql(AssertSqlSafe(sql));
    set.execute(&mut db).await.unwrap();
}

/// A server without TLS.
fn without_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read_exact(&mut [0; 8]);
            let _ = socket.write_all(b"N");
        }
    });
    port
}

/// A port on which no server listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn an_error_says_why_there_is_no_connection() {
    for (place, parameters, cause) in [
        (format!("127.0.0.1:{}", closed_port()), "", "refused"),
        ("nowhere.invalid".to_owned(), "", "failed to lookup address"),
        (
            format!("127.0.0.1:{}", without_tls()),
            "sslmode=require",
            "does not support TLS",
        ),
    ] {
        let url = format!("postgres://ada@{place}/book?{parameters}");
        let database = Database::new(&config(url), &[]).unwrap();

        let error = ask(&database.calls()).await.unwrap_err();

        assert!(error.to_string().contains(cause), "{place}: {error}");
        assert!(database::is_unavailable(&error), "{place}: {error:?}");
    }
}

/// Log lines, as bytes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_cause_is_logged_once_whoever_asks_and_however_often() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone());
    let _logs = tracing::subscriber::set_default(subscriber.finish());
    let url = format!("postgres://ada@127.0.0.1:{}/book", closed_port());
    let database = Database::new(&config(url), &[]).unwrap();

    let (calls, background) = (database.calls(), database.background());
    let refused = tokio::join!(ask(&calls), ask(&calls), ask(&background));
    assert!(refused.0.is_err() && refused.1.is_err() && refused.2.is_err());

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let told = text.matches("cannot connect to the database").count();
    assert_eq!(told, 1, "{text}");
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn the_next_host_is_asked_where_one_is_away() {
    let database = migrated().await;
    let (here, away) = (socket(&database), "/nowhere");

    for sockets in [[away, &here], [&here, away]] {
        let url = url(&database, &sockets) + "&target_session_attrs=read-write";
        let database = Database::new(&config(url), &[]).unwrap();
        database.ensure_usable(&Clock::System).await.unwrap();
        assert_eq!(ask(&database.calls()).await.unwrap(), 7);
        database.listening().listen("news").await.unwrap();
    }

    let error = ask(
        &Database::new(&config(url(&database, &[away, "/no-place"])), &[])
            .unwrap()
            .calls(),
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("/nowhere: "), "{error}");
    assert!(error.to_string().contains("/no-place: "), "{error}");
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_not_kept() {
    let database = migrated().await;
    let url = url(&database, &[&socket(&database)]);
    let pool = Database::new(&config(url.clone()), &[]).unwrap().calls();
    set_read_only(&database, true).await;

    let error = ask(&pool).await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
    assert!(database::is_unavailable(&error), "{error:?}");

    set_read_only(&database, false).await;
    assert_eq!(ask(&pool).await.unwrap(), 7);
}

#[tokio::test]
async fn a_connection_that_takes_no_writes_any_more_is_closed() {
    let database = migrated().await;
    let url = url(&database, &[&socket(&database)]);
    let database = Database::new(&config(url), &[]).unwrap();
    let pool = database.calls();
    // Like a server that becomes a standby while a connection is open.
    let process: i32 = sqlx::query_scalar(
        "SELECT pg_backend_pid() FROM set_config('default_transaction_read_only', 'on', false)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let write = || sqlx::query("CREATE TABLE written ()").execute(&pool);

    let error = write().await.unwrap_err().into_database_error().unwrap();
    assert_eq!(error.code().as_deref(), Some("25006"));

    let other: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_ne!(other, process);
    write().await.unwrap();
}
