//! What only the tables show: counters equal their rows, and everything belongs together.

use sqlx::{Connection, PgConnection};

use super::history::History;
use crate::error::Result;

/// Each counts what must not be there.
const RULES: [(&str, &str); 5] = [
    (
        "counters equal the rows",
        "SELECT count(*) FROM contacts.owner_state AS o
         CROSS JOIN LATERAL (
             SELECT count(*) FILTER (WHERE delete_time IS NULL) AS live,
                    coalesce(sum(octet_length(body)), 0) AS bytes,
                    coalesce(max(version), 0) AS version
             FROM contacts.contacts AS c WHERE c.owner_id = o.owner_id
         ) AS rows
         WHERE (o.live_count, o.byte_count) IS DISTINCT FROM (rows.live, rows.bytes)
            OR o.version < rows.version",
    ),
    (
        "the bytes of revisions equal the rows",
        "SELECT count(*) FROM contacts.owner_state AS o
         WHERE o.revision_bytes <> (
             SELECT coalesce(sum(octet_length(body)), 0)
             FROM contacts.revisions AS r WHERE r.owner_id = o.owner_id)",
    ),
    (
        "each label of a contact exists",
        "SELECT count(*) FROM contacts.contacts AS c
         CROSS JOIN LATERAL unnest(c.label_keys) AS key
         WHERE NOT EXISTS (
             SELECT FROM contacts.labels AS l
             WHERE l.owner_id = c.owner_id AND l.name_key = key)",
    ),
    (
        "each e-mail has its user",
        "SELECT count(*) FROM auth.emails AS e
         WHERE NOT EXISTS (SELECT FROM auth.users AS u WHERE u.id = e.user_id)",
    ),
    (
        "each user has its e-mail",
        "SELECT count(*) FROM auth.users AS u
         WHERE NOT EXISTS (SELECT FROM auth.emails AS e WHERE e.user_id = u.id)",
    ),
];

/// Checks all rules, as the superuser.
pub(super) async fn check(database_url: &str, history: &History) -> Result<()> {
    let mut database = PgConnection::connect(database_url).await?;
    for (rule, sql) in RULES {
        let wrong: i64 = sqlx::query_scalar(sql).fetch_one(&mut database).await?;
        history.check("tables", wrong == 0, "", || {
            format!("{rule}: {wrong} rows are wrong")
        });
    }
    database.close().await?;
    Ok(())
}
