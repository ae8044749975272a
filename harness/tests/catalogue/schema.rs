//! The portable schema: no feature that only a Postgres on one machine has, and every key
//! starts with the owner.

use crate::database::{connect, migrated, texts};

/// Unique keys that do not begin with an owner.
const KEYS_OF_NO_OWNER: [(&str, &str); 10] = [
    (
        "auth.emails_pkey",
        "keeps e-mails unique by itself; spread by e-mail",
    ),
    ("auth.users_pkey", "the user is the owner"),
    (
        "auth.signing_keys_pkey",
        "a handful of rows, the same everywhere",
    ),
    (
        "auth.signing_keys_one_active",
        "a handful of rows, the same everywhere",
    ),
    (
        "auth.service_accounts_pkey",
        "a handful of rows, the same everywhere",
    ),
    (
        "auth.service_secrets_pkey",
        "a handful of rows, the same everywhere",
    ),
    (
        "auth.throttles_pkey",
        "counts strangers, too; spread by bucket",
    ),
    ("auth.outbox_pkey", "mail to strangers, too; spread by id"),
    ("contacts.feeds_pkey", "a row for each feed"),
    ("public._sqlx_migrations_pkey", "sqlx makes it"),
];

/// Columns with a constant default for programs of the previous version, which do not
/// name them.
const CONSTANTS: [&str; 10] = [
    "auth.deleted_users.rows_left",
    "auth.mfa_challenges.scopes",
    "auth.sessions.epoch",
    "auth.users.session_epoch",
    "contacts.contacts.deceased",
    "contacts.contacts.match_keys",
    "contacts.contacts.name_keys",
    "contacts.owner_state.keyed_version",
    "contacts.owner_state.keys_version",
    "contacts.tombstones.is_label",
];

/// Indexed texts by which no query sorts.
const UNSORTED_TEXTS: [(&str, &str); 1] = [(
    "auth.signing_keys_one_active.state",
    "one of four words, only compared",
)];

async fn listed(sql: &'static str) -> Vec<String> {
    let database = migrated().await;
    texts(&mut connect(&database, "postgres").await, sql).await
}

#[tokio::test]
async fn every_unique_key_begins_with_its_owner() {
    let exceptions = listed(
        "SELECT format('%s.%s', n.nspname, c.relname)
         FROM pg_index AS i
         JOIN pg_class AS c ON c.oid = i.indexrelid
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
         WHERE i.indisunique
           AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
           AND a.attname NOT IN ('owner_id', 'user_id')
         ORDER BY 1",
    )
    .await;

    let mut known = KEYS_OF_NO_OWNER.map(|(key, _)| key);
    known.sort_unstable();
    assert_eq!(exceptions, known);
}

#[tokio::test]
async fn every_table_has_a_primary_key() {
    let without = listed(
        "SELECT c.oid::regclass::text
         FROM pg_class AS c
         WHERE c.relkind IN ('r', 'p')
           AND c.relnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)
           AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)",
    )
    .await;

    assert_eq!(without, [""; 0]);
}

/// Both schemas contain tables and indexes only: no sequence, view or function.
#[tokio::test]
async fn there_is_nothing_but_tables_and_indexes() {
    let others = listed(
        "SELECT c.oid::regclass::text
         FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind NOT IN ('r', 'i')
           AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
         UNION ALL
         SELECT p.oid::regprocedure::text
         FROM pg_proc AS p
         WHERE p.pronamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)
         UNION ALL
         SELECT t.typname
         FROM pg_type AS t
         WHERE t.typtype IN ('d', 'e', 'r')
           AND t.typnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)",
    )
    .await;

    assert_eq!(others, [""; 0]);
}

#[tokio::test]
async fn no_column_makes_its_own_value() {
    let makers = listed(
        "SELECT format('%s.%s', a.attrelid::regclass, a.attname)
         FROM pg_attribute AS a
         JOIN pg_class AS c ON c.oid = a.attrelid
         WHERE c.relkind = 'r'
           AND c.relnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)
           AND (a.attidentity <> '' OR a.attgenerated <> '' OR a.atthasdef)
         ORDER BY 1",
    )
    .await;

    assert_eq!(makers, CONSTANTS);
}

#[tokio::test]
async fn nothing_happens_behind_a_statement() {
    let triggers = listed(
        "SELECT format('%s on %s', t.tgname, t.tgrelid::regclass) FROM pg_trigger AS t
         UNION ALL
         SELECT evtname FROM pg_event_trigger
         UNION ALL
         SELECT format('%s on %s', r.rulename, r.ev_class::regclass)
         FROM pg_rewrite AS r
         JOIN pg_class AS c ON c.oid = r.ev_class
         WHERE c.relnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)",
    )
    .await;

    assert_eq!(triggers, [""; 0]);
}

#[tokio::test]
async fn constraints_are_keys_and_checks_alone() {
    let others = listed(
        "SELECT format('%s on %s', c.conname, c.conrelid::regclass)
         FROM pg_constraint AS c
         WHERE c.connamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)
           AND (c.contype NOT IN ('p', 'u', 'c', 'n') OR c.condeferrable OR NOT c.convalidated)",
    )
    .await;

    assert_eq!(others, [""; 0]);
}

#[tokio::test]
async fn no_index_needs_an_extension() {
    let others = listed(
        "SELECT DISTINCT m.amname::text
         FROM pg_class AS c JOIN pg_am AS m ON m.oid = c.relam
         WHERE c.relkind = 'i'
           AND c.relnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)",
    )
    .await;
    let extensions = listed("SELECT extname::text FROM pg_extension ORDER BY 1").await;

    assert_eq!(others, ["btree"]);
    assert_eq!(extensions, ["plpgsql"]);
}

#[tokio::test]
async fn what_is_sorted_by_is_sorted_by_its_bytes() {
    let others = listed(
        "SELECT format('%s.%s', i.indexrelid::regclass, a.attname)
         FROM pg_index AS i
         JOIN pg_class AS c ON c.oid = i.indexrelid
         CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indcollation::oid[]) AS k (attnum, collation_oid)
         JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
         JOIN pg_collation AS o ON o.oid = k.collation_oid
         WHERE c.relnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)
           AND o.collname <> 'C'
         ORDER BY 1",
    )
    .await;

    assert_eq!(others, UNSORTED_TEXTS.map(|(column, _)| column));
}

/// A statement, not only an index, sorts by this name.
#[tokio::test]
async fn every_key_column_of_a_contact_is_sorted_by_its_bytes() {
    let others = listed(
        "SELECT a.attname::text
         FROM pg_attribute AS a
         JOIN pg_collation AS o ON o.oid = a.attcollation
         WHERE a.attrelid = 'contacts.contacts'::regclass
           AND a.attname IN ('uid', 'family_key', 'given_key', 'display_key', 'search_text')
           AND o.collname = 'C'
         ORDER BY 1",
    )
    .await;

    let keys = [
        "display_key",
        "family_key",
        "given_key",
        "search_text",
        "uid",
    ];
    assert_eq!(others, keys);
}
