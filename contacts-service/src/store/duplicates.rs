//! The contacts among which duplicates are looked for.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use uuid::Uuid;

use super::packed::broken;
use crate::contact::ContactId;
use crate::contact::match_key::MatchKey;
use crate::error::Result;
use crate::model::duplicates::Candidates;
use crate::model::share::visible::View;

/// The contacts of one statement.
const AT_A_TIME: i64 = 10_000;

/// Every contact that is seen, without deleted ones.
pub async fn candidates(db: &mut Connection, view: &View) -> Result<Candidates> {
    let mut found = Candidates::default();
    loop {
        let after = found.ids().last().map_or(Uuid::nil(), |id| id.0);
        let row = sqlx::query!(
            r#"
            SELECT string_agg(uuid_send(id), '') AS ids,
                   string_agg(COALESCE(name_keys[1], ''), chr(10)) AS names,
                   string_agg(int4send(octet_length(match_keys)), '') AS sizes,
                   string_agg(match_keys, '') AS keys
            FROM (
                SELECT id, name_keys, match_keys
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
        let (Some(ids), Some(names), Some(sizes), Some(keys)) =
            (row.ids, row.names, row.sizes, row.keys)
        else {
            return Ok(found);
        };
        add(&mut found, &ids, &names, &sizes, &keys).ok_or_else(broken)?;
    }
}

/// Adds packed contacts; `None` if the columns do not belong together. Names, which have no
/// line breaks, are lines.
fn add(
    candidates: &mut Candidates,
    ids: &[u8],
    names: &str,
    sizes: &[u8],
    mut keys: &[u8],
) -> Option<()> {
    let mut names = names.split('\n');
    for (id, size) in ids.as_chunks().0.iter().zip(sizes.as_chunks().0) {
        let size = usize::try_from(i32::from_be_bytes(*size)).ok()?;
        let (own, rest) = keys.split_at_checked(size)?;
        keys = rest;
        let own = own.as_chunks().0.iter();
        let own = own.map(|key| MatchKey::from_bytes(*key));
        candidates.add(ContactId(Uuid::from_bytes(*id)), names.next()?, own);
    }
    Some(())
}
