//! The services with PgBouncer, as docs/OPERATIONS.md describes it.

use std::env;

use embedded_postgres::{PgBouncer, TestDatabase};
use proto::auth::v1::{UpdateMeRequest, User};
use proto::contacts::v1::CreateContactRequest;
use sqlx::{AssertSqlSafe, ConnectOptions, raw_sql};
use tonic::Status;

use crate::pair::{Pair, Side};
use crate::user::{ada, bearer, refusal};

const USERS: [&str; 2] = ["auth_service", "contacts_service"];

/// A pooler in front of the database; `None` on a machine without one, which is a failure
/// in CI.
#[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
fn pooler(database: &TestDatabase, settings: &[&str]) -> Option<PgBouncer> {
    let Some(program) = PgBouncer::program() else {
        assert!(
            env::var_os("CI").is_none(),
            "CI must not go without PgBouncer"
        );
        eprintln!("NOT TESTED: PgBouncer is not installed");
        return None;
    };
    let admin = database.admin();
    let socket = admin.get_socket().unwrap();
    Some(PgBouncer::start(&program, socket, &USERS, settings).unwrap())
}

fn url(pooler: &PgBouncer, database: &TestDatabase, role: &str) -> String {
    pooler.url(database.admin().get_database().unwrap(), role)
}

async fn rename(side: &Side, token: &str) -> Result<(), Status> {
    let user = User {
        display_name: "Ada".into(),
        ..User::default()
    };
    let request = UpdateMeRequest {
        user: Some(user),
        ..UpdateMeRequest::default()
    };
    let mut account = side.account.clone();
    account.update_me(bearer(request, token)).await.map(drop)
}

async fn create(side: &Side, token: &str) -> Result<(), Status> {
    let request = CreateContactRequest {
        contact: Some(ada()),
        ..CreateContactRequest::default()
    };
    let mut book = side.book.clone();
    book.create_contact(bearer(request, token)).await.map(drop)
}

/// Without timeouts these statements would take as long as the deadline of the calls.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_pooler_by_session_the_pair_works_and_its_timeouts_are_in_force() {
    let database = Pair::database().await;
    let settings = ["pool_mode = session", "default_pool_size = 50"];
    let Some(pooler) = pooler(&database, &settings) else {
        return;
    };
    let url = |role: &str| url(&pooler, &database, role);
    let brief = [("DATABASE_STATEMENT_SECONDS", "1")];
    let pair = Pair::start_on(database.clone(), &url, [&brief, &brief]).await;
    let side = pair.side(1);
    let token = side.user("ada@example.com").await.access_token;
    create(&side, &token).await.unwrap();
    rename(&side, &token).await.unwrap();

    let mut db = database.admin().connect().await.unwrap();
    let hold = "BEGIN; LOCK TABLE auth.users, contacts.contacts";
    raw_sql(hold).execute(&mut db).await.unwrap();
    assert_eq!(refusal(rename(&side, &token).await), "STORE_BUSY");
    assert_eq!(refusal(create(&side, &token).await), "STORE_BUSY");
    raw_sql("ROLLBACK").execute(&mut db).await.unwrap();

    let slow = "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$";
    raw_sql(slow).execute(&mut db).await.unwrap();
    for table in ["auth.users", "contacts.contacts"] {
        let slow = format!(
            "CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON {table}
             FOR EACH ROW EXECUTE FUNCTION public.slow()"
        );
        raw_sql(AssertSqlSafe(slow)).execute(&mut db).await.unwrap();
    }
    assert_eq!(refusal(rename(&side, &token).await), "STORE_TOO_SLOW");
    assert_eq!(refusal(create(&side, &token).await), "STORE_TOO_SLOW");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_pooler_by_transaction_no_service_starts() {
    let pair = Pair::start().await;
    let Some(pooler) = pooler(&pair.database, &["pool_mode = transaction"]) else {
        return;
    };
    for (service, role) in [
        ("auth-service-2", USERS[0]),
        ("contacts-service-2", USERS[1]),
    ] {
        let url = url(&pooler, &pair.database, role);
        let log = pair.refused(service, &[("DATABASE_URL", &url)]).await;
        assert!(log.contains("pool_mode = session"), "{log}");
    }
}
