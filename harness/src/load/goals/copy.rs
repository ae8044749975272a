//! How many contacts PostgreSQL can store a second at best: COPY into a table like theirs.

use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::{Connection, PgConnection};

use crate::error::{Error, Result};
use crate::up::Database;

/// The maximum number of rows that are copied.
const ROWS: u32 = 20_000;

/// Copies stored contacts into an empty table with the same indexes.
pub(super) async fn rows_per_second(database: &Database) -> Result<f64> {
    let (url, _) = database.own_as("addressbook").ok_or(Error::NotOwn)?;
    let mut db = PgConnection::connect(&url).await?;
    sqlx::raw_sql(
        "DROP TABLE IF EXISTS load_rows;
         CREATE TABLE load_rows (LIKE contacts.contacts INCLUDING ALL)",
    )
    .execute(&mut db)
    .await?;
    let select =
        format!("COPY (SELECT * FROM contacts.contacts LIMIT {ROWS}) TO STDOUT (FORMAT binary)");
    let rows: Vec<_> = db.copy_out_raw(&select).await?.try_collect().await?;
    let began = Instant::now();
    let mut copy = db
        .copy_in_raw("COPY load_rows FROM STDIN (FORMAT binary)")
        .await?;
    copy.send(rows.concat()).await?;
    let stored = copy.finish().await?;
    let elapsed = began.elapsed();
    sqlx::raw_sql("DROP TABLE load_rows")
        .execute(&mut db)
        .await?;
    db.close().await?;
    #[expect(clippy::cast_precision_loss, reason = "thousands of rows")]
    Ok(stored as f64 / elapsed.as_secs_f64())
}
