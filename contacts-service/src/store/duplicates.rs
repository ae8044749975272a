//! What contacts have in common.

use chassis::user_id::UserId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::stored;
use crate::error::Result;
use crate::model::duplicates::{ComparedContact, SharedValue, ValueKind};

/// Makes a transaction sort the keys of a large book in memory.
pub async fn sort_in_memory(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET LOCAL work_mem = '32MB'; SET LOCAL enable_sort = on")
        .execute(db)
        .await?;
    Ok(())
}

/// Every e-mail, phone and name that several contacts of the owner share, without deleted
/// ones, those with the fewest contacts first. Only the first 10 e-mails and 20 forms of
/// phones of each contact are used, so that the cost depends on the number of contacts.
pub async fn shared_values(db: impl PgExecutor<'_>, owner: UserId) -> Result<Vec<SharedValue>> {
    // A phone of less than five digits is not personal. Hashes sort in a third of the time of texts.
    let rows = sqlx::query!(
        r#"
        SELECT min(kind) AS "kind!", array_agg(id) AS "ids!"
        FROM (
            SELECT id, 1 AS kind, hashtextextended(key, 1) AS hash
            FROM contacts.contacts JOIN LATERAL unnest(email_keys[1:10]) AS key ON TRUE
            WHERE owner_id = $1 AND delete_time IS NULL
            UNION ALL
            SELECT id, 2, hashtextextended(key, 2)
            FROM contacts.contacts JOIN LATERAL unnest(phone_keys[1:20]) AS key
                ON length(key) >= 5
            WHERE owner_id = $1 AND delete_time IS NULL
            UNION ALL
            SELECT id, 3, hashtextextended(name_keys[1], 3)
            FROM contacts.contacts
            WHERE owner_id = $1 AND delete_time IS NULL AND name_keys <> '{}'
            UNION ALL
            SELECT id, 4, hashtextextended(name_keys[2], 4)
            FROM contacts.contacts
            WHERE owner_id = $1 AND delete_time IS NULL AND name_keys <> '{}'
        ) AS keys
        GROUP BY hash
        HAVING count(*) > 1
        ORDER BY count(*), hash
        "#,
        owner as UserId,
    )
    .fetch_all(db)
    .await?;
    let shared = rows.into_iter().map(|row| SharedValue {
        kind: match row.kind {
            1 => ValueKind::Email,
            2 => ValueKind::Phone,
            3 => ValueKind::Name,
            _ => ValueKind::Words,
        },
        ids: row.ids.into_iter().map(ContactId).collect(),
    });
    Ok(shared.collect())
}

/// The owner's contacts with these ids, to be compared.
pub async fn compared_contacts(
    db: impl PgExecutor<'_>,
    owner: UserId,
    ids: &[Uuid],
) -> Result<Vec<ComparedContact>> {
    // A join, because thousands of ids in ANY would be compared with each contact.
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id: ContactId", name_keys[1] AS name,
               CASE WHEN birth_md IS NOT NULL THEN body END AS body
        FROM contacts.contacts JOIN unnest($2::uuid[]) AS asked (id) USING (id)
        WHERE owner_id = $1
        "#,
        owner as UserId,
        ids,
    )
    .fetch_all(db)
    .await?;
    let members = rows.into_iter().map(|row| {
        let birthday = row.body.as_deref().map(stored::birthday).transpose()?;
        Ok(ComparedContact {
            id: row.id,
            name: row.name,
            birthday: birthday.flatten(),
        })
    });
    members.collect()
}
