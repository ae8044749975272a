//! Reads of one moment.

use sqlx::PgConnection;

use crate::error::Result;

/// Reads a transaction from here on as of one moment; the first of its statements.
pub async fn begin(db: &mut PgConnection) -> Result<()> {
    let sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
    sqlx::raw_sql(sql).execute(db).await?;
    Ok(())
}
