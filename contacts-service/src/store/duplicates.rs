//! The contacts that are compared to find duplicates.

use chassis::user_id::UserId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::packed::broken;
use crate::contact::ContactId;
use crate::contact::match_key::MatchKey;
use crate::contact::stored;
use crate::error::Result;
use crate::model::duplicates::ComparedContact;
use crate::model::share::visible::View;

/// The contacts of one statement.
const AT_A_TIME: i64 = 10_000;

/// The keys of contacts.
#[derive(Debug, Default)]
pub struct MatchKeys {
    /// The contacts, by id.
    pub ids: Vec<ContactId>,
    /// Each key with the place of its contact in `ids`.
    pub keys: Vec<(MatchKey, u32)>,
}

/// The keys of every contact that is seen, without deleted ones.
pub async fn match_keys(db: &mut PgConnection, view: &View) -> Result<MatchKeys> {
    let mut found = MatchKeys::default();
    loop {
        let after = found.ids.last().map_or(Uuid::nil(), |id| id.0);
        let row = sqlx::query!(
            r#"
            SELECT string_agg(uuid_send(id), '') AS ids,
                   string_agg(int4send(octet_length(match_keys)), '') AS sizes,
                   string_agg(match_keys, '') AS keys
            FROM (
                SELECT id, match_keys
                FROM contacts.contacts
                WHERE owner_id = $1 AND id > $2 AND delete_time IS NULL
                  AND ($3::text[] IS NULL OR label_keys && $3)
                ORDER BY id
                LIMIT $4
            ) AS part
            "#,
            view.owner as UserId,
            after,
            view.visible.keys() as Option<Vec<String>>,
            AT_A_TIME,
        )
        .fetch_one(&mut *db)
        .await?;
        let (Some(ids), Some(sizes), Some(keys)) = (row.ids, row.sizes, row.keys) else {
            return Ok(found);
        };
        found.add(&ids, &sizes, &keys).ok_or_else(broken)?;
    }
}

impl MatchKeys {
    /// Adds packed contacts; `None` if the columns do not belong together.
    fn add(&mut self, ids: &[u8], sizes: &[u8], mut keys: &[u8]) -> Option<()> {
        for (id, size) in ids.as_chunks().0.iter().zip(sizes.as_chunks().0) {
            let place = u32::try_from(self.ids.len()).ok()?;
            self.ids.push(ContactId(Uuid::from_bytes(*id)));
            let size = usize::try_from(i32::from_be_bytes(*size)).ok()?;
            let (own, rest) = keys.split_at_checked(size)?;
            keys = rest;
            let own = own
                .as_chunks()
                .0
                .iter()
                .map(|key| MatchKey::from_bytes(*key));
            self.keys.extend(own.map(|key| (key, place)));
        }
        Some(())
    }
}

/// The owner's contacts with these ids, to be compared.
pub async fn compared_contacts(
    db: impl PgExecutor<'_>,
    view: &View,
    ids: &[Uuid],
) -> Result<Vec<ComparedContact>> {
    // A join, because thousands of ids in ANY would be compared with each contact.
    // A birthday without a day has no `birth_md`; a body without the bytes that introduce the
    // field (27 << 3 | 2 as a varint) has none.
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id: ContactId", name_keys[1] AS name,
               CASE WHEN birth_md IS NOT NULL OR position('\xda01'::bytea IN body) > 0 THEN body
               END AS body
        FROM contacts.contacts JOIN unnest($2::uuid[]) AS asked (id) USING (id)
        WHERE owner_id = $1
        "#,
        view.owner as UserId,
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
