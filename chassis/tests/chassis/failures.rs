//! How errors of PostgreSQL are reported to callers.

use chassis::database::Failure;
use embedded_postgres::TestDatabase;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The error of a client: the code, the reason, and the retry delay in seconds.
fn told(failure: Failure) -> (Code, String, Option<u64>) {
    let status = Status::from(failure.refusal());
    let details = status.get_error_details();
    let retry = details.retry_info().and_then(|info| info.retry_delay);
    let reason = details.error_info().unwrap().reason.clone();
    (status.code(), reason, retry.map(|delay| delay.as_secs()))
}

#[tokio::test]
async fn an_error_is_told_for_what_it_is() {
    let nothing = async |_| Ok::<_, sqlx::Error>(());
    let database = TestDatabase::create("empty", nothing).await.unwrap();
    let mut db = database.admin().connect().await.unwrap();

    for (states, code, reason, retry) in [
        (
            &[
                "08006", "25006", "53300", "57P01", "57P03", "28P01", "3D000",
            ][..],
            Code::Unavailable,
            "STORE_UNAVAILABLE",
            Some(1),
        ),
        (
            &["40001", "40P01", "55P03"],
            Code::Unavailable,
            "STORE_BUSY",
            Some(1),
        ),
        (&["57014"], Code::DeadlineExceeded, "STORE_TOO_SLOW", None),
        (
            &["53100", "53200", "58030", "58P01"],
            Code::Unavailable,
            "STORE_FAILING",
            Some(10),
        ),
        (
            &["25P02", "42703", "23505", "XX000", "22012"],
            Code::Internal,
            "INTERNAL",
            None,
        ),
    ] {
        for state in states {
            let raise = format!("DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$");
            let raised = sqlx::raw_sql(AssertSqlSafe(raise)).execute(&mut db).await;
            let failure = Failure::of(&raised.unwrap_err());
            let wanted = (code, reason.to_owned(), retry);
            assert_eq!(told(failure), wanted, "{state}");
        }
    }
}
