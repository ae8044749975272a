//! More and more owners with a hundred contacts each, in one table. The first hundred are
//! created through the API and make the calls; the others are copies of them.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};

use super::{SCENARIOS, measure as measure_at};
use crate::error::{Error, Result};
use crate::load::config::LoadConfig;
use crate::load::drive::Load;
use crate::load::report::Run;
use crate::load::stage::Stage;
use crate::print::say;

/// Owners who call.
pub(super) const OWNERS: u32 = 100;
/// Contacts of each owner.
pub(super) const CONTACTS: u32 = 100;

const TABLES: [&str; 2] = ["owner_state", "contacts"];

pub(super) async fn measure(config: &LoadConfig, stage: &Stage, runs: &mut Vec<Run>) -> Result<()> {
    let database = &stage.system()?.database;
    let (url, _) = database.own_as("addressbook").ok_or(Error::NotOwn)?;
    // A connection for each owner, so that calls are spread over the table.
    let load = Load {
        connections: OWNERS,
        in_flight: 1,
        ..config.load()
    };
    keep_first(&url).await?;
    let first = OWNERS * CONTACTS;
    let sizes = (0..).map(|power| first.saturating_mul(10_u32.pow(power)));
    let mut copies = 0;
    for size in sizes.take_while(|size| *size <= config.table) {
        let wanted = size / first - 1;
        if wanted > copies {
            say(format_args!("growing the table to {size} contacts"));
            copy(&url, wanted - copies).await?;
            copies = wanted;
        }
        database.settle().await?;
        measure_at(config, load, &SCENARIOS, size, stage.pair(), runs).await?;
    }
    Ok(())
}

/// Saves the original books, because loads add to them.
async fn keep_first(url: &str) -> Result<()> {
    let mut db = connect(url).await?;
    for table in TABLES {
        let sql = format!("CREATE TABLE first_{table} AS TABLE contacts.{table}");
        run(&mut db, sql).await?;
    }
    db.close().await?;
    Ok(())
}

/// Connects without logging slow statements, which are expected here.
async fn connect(url: &str) -> Result<PgConnection> {
    let options = PgConnectOptions::from_str(url)?;
    Ok(options.disable_statement_logging().connect().await?)
}

/// Copies the book of each owner who signed up to so many new owners. Indexes are dropped
/// and rebuilt afterwards, which takes a tenth of the time.
async fn copy(url: &str, times: u32) -> Result<()> {
    const WHOSE: &str = "CREATE TEMP TABLE copies AS
        SELECT id AS source, gen_random_uuid() AS copy
        FROM auth.users, generate_series(1, $1::int)";
    let mut db = connect(url).await?;
    sqlx::raw_sql(
        "SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'",
    )
    .execute(&mut db)
    .await?;
    sqlx::query(WHOSE)
        .bind(i32::try_from(times).unwrap_or(i32::MAX))
        .execute(&mut db)
        .await?;
    let indexes = sqlx::query(
        "SELECT indexname, indexdef
         FROM pg_indexes
         WHERE schemaname = 'contacts' AND tablename = 'contacts'
             AND indexname NOT IN (SELECT conname FROM pg_constraint)",
    )
    .fetch_all(&mut db)
    .await?;
    for index in &indexes {
        let name: &str = index.try_get("indexname")?;
        run(&mut db, format!("DROP INDEX contacts.{name}")).await?;
    }
    for table in TABLES {
        let columns: String = sqlx::query_scalar(
            "SELECT string_agg(quote_ident(column_name), ', ')
             FROM information_schema.columns
             WHERE table_schema = 'contacts' AND table_name = $1 AND column_name <> 'owner_id'",
        )
        .bind(table)
        .fetch_one(&mut db)
        .await?;
        let insert = format!(
            "INSERT INTO contacts.{table} (owner_id, {columns})
             SELECT copy, {columns} FROM first_{table} JOIN copies ON source = owner_id"
        );
        run(&mut db, insert).await?;
    }
    for index in &indexes {
        run(&mut db, index.try_get("indexdef")?).await?;
    }
    db.close().await?;
    Ok(())
}

async fn run(db: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}
