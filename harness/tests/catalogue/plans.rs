//! The plans of the hot statements: each reads the index meant for it, whatever the
//! planner knows of the tables. A connection plans a statement once, and keeps the plan.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use contacts_service::DATABASE_SETTINGS;
use embedded_postgres::TestDatabase;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, raw_sql};

use crate::database::{connect, migrated};
use crate::list_plans::list_plans;

/// 50,000 contacts of one owner beside 1,000 small books.
const BOOKS: &str = "
    INSERT INTO contacts.owner_state (owner_id, version, min_version, epoch, live_count, byte_count)
    SELECT md5(o::text)::uuid, 1, 0, md5(o::text)::uuid, 10, 0 FROM generate_series(0, 1000) AS o;
    INSERT INTO contacts.contacts
        (owner_id, id, uid, version, create_time, update_time, body, family_key, given_key,
         display_key, birth_md, starred, label_keys, email_keys, phone_keys, organization_key,
         search_text)
    SELECT md5(o::text)::uuid, id, 'urn:uuid:' || id, n, now(), now(), '\\x00', n % 997, n % 333,
           n, 101 + n % 28, FALSE, '{}', '{}', '{}', '', 'a'
    FROM generate_series(0, 1000) AS o,
         generate_series(1, CASE o WHEN 0 THEN 50000 ELSE 10 END) AS n,
         LATERAL (SELECT md5(n || '.' || o)::uuid AS id) AS made";

/// A statement of `.sqlx`, which begins with the first and contains the second text, and what
/// is in its [`plan`].
type Stored = (&'static str, &'static str, &'static [&'static str]);

/// Statements that prescribe an order, or whose condition only one index has: they read the
/// same indexes while the tables are empty.
const ORDERED: &[Stored] = &[
    (
        "SELECT id AS \"id: ContactId\", uid, version,",
        "id <= $2 ORDER BY id",
        &["contacts_pkey"],
    ),
    (
        "SELECT string_agg(uuid_send(id)",
        "AS asked (by_id)",
        &["contacts_pkey"],
    ),
    (
        "SELECT string_agg(int8send(number)",
        "AS asked (by_owner,",
        &["contacts_pkey"],
    ),
    (
        "SELECT o.version AS now_version",
        "AS feed",
        &[
            "owner_state_pkey",
            "Incremental Sort",
            "contacts_version",
            "tombstones_pkey",
        ],
    ),
    (
        "SELECT string_agg(int8send(md)",
        "AS either",
        &["contacts_birthday", "Sort", "contacts_events"],
    ),
    (
        "SELECT string_agg(int8send(md)",
        "AS any_of_them",
        &[
            "Sort",
            "contacts_birthday",
            "contacts_birthday",
            "Sort",
            "contacts_events",
        ],
    ),
    ("SELECT live_count AS contacts", "", &["owner_state_pkey"]),
    ("SELECT default_region,", "", &["owner_state_pkey"]),
    (
        "SELECT owner_id AS \"owner_id: UserId\", version FROM contacts.owner_state",
        "",
        &["owner_state_pkey"],
    ),
    (
        "INSERT INTO contacts.owner_state AS o",
        "VALUES ($1, 1, 0, $2, 0, 0, 0, $3, 1)",
        &[],
    ),
    (
        "WITH taken AS ( INSERT INTO contacts.owner_state",
        "",
        &["owner_state_pkey", "owner_state_pkey"],
    ),
    ("SELECT uid, id AS", "", &["contacts_owner_id_uid_key"]),
    (
        "SELECT body_hash, response FROM contacts.requests",
        "",
        &["requests_pkey"],
    ),
    (
        "SELECT live_count AS live",
        "",
        &["owner_state_pkey", "contacts_deleted", "contacts_birthday"],
    ),
    (
        "SELECT id AS \"id: LabelId\"",
        "ORDER BY name_key",
        &["labels_owner_id_name_key_key"],
    ),
    (
        "SELECT id AS \"id: LabelId\"",
        "id <= $2 ORDER BY id",
        &["labels_pkey"],
    ),
    (
        "SELECT s.is_editor",
        "",
        &["shares_recipient", "labels_pkey"],
    ),
    (
        "SELECT s.owner_id AS \"owner: UserId\"",
        "",
        &["shares_recipient", "labels_pkey"],
    ),
    (
        "SELECT version, change,",
        "version < $3 ORDER BY version DESC",
        &["revisions_pkey"],
    ),
    ("SELECT substr(bytes", "", &["photos_pkey"]),
    // Keys that are made again.
    (
        "SELECT id AS \"id: ContactId\", uid, version,",
        "(version, id) > ($2, $3)",
        &["Incremental Sort", "contacts_version"],
    ),
    // The copies that are searched.
    (
        "SELECT version, min_version, epoch, live_count",
        "",
        &["owner_state_pkey"],
    ),
    (
        "SELECT id AS \"id: ContactId\", family_key, starred",
        "ORDER BY id",
        &["contacts_pkey"],
    ),
    (
        "SELECT o.version, o.min_version",
        "AS changed ON TRUE",
        &[
            "Sort",
            "owner_state_pkey",
            "contacts_version",
            "tombstones_pkey",
        ],
    ),
    // A refresh, and what is asked when its answer is repeated. The index has all of the
    // session's key, with the epoch.
    (
        "UPDATE auth.sessions AS s SET gen = s.gen + 1",
        "",
        &["sessions_of_epoch", "users_pkey", "revocations_pkey"],
    ),
    (
        "SELECT s.gen FROM auth.sessions",
        "",
        &["sessions_of_epoch", "users_pkey"],
    ),
    (
        "SELECT user_id AS \"user_id: UserId\", password_hash",
        "WHERE email_norm = $1",
        &["emails_pkey"],
    ),
];

/// Statements that find their row by a condition alone, for which the planner chooses any
/// index while the table is empty.
const BY_CONDITION: &[Stored] = &[
    // A write of one contact by its id.
    (
        "WITH dropped AS ( DELETE FROM contacts.revisions WHERE",
        "birth_md = $13",
        &[
            "revisions_pkey",
            "revisions_pkey",
            "revisions_pkey",
            "contacts_pkey",
            "owner_state_pkey",
            "contacts_pkey",
        ],
    ),
];

/// Every query of `.sqlx`, with single spaces.
fn stored() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let files = fs::read_dir(folder).unwrap();
    let queries = files.map(|file| {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let query = json["query"].as_str().unwrap();
        query.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    queries.collect()
}

/// The statements, by a name, with the plans meant.
fn hot(meant: &[&[Stored]]) -> BTreeMap<String, (String, Vec<String>)> {
    let queries = stored();
    let mut hot = BTreeMap::new();
    for (begin, holds, nodes) in meant.iter().copied().flatten() {
        let is_meant = |query: &&String| query.starts_with(begin) && query.contains(holds);
        let query = queries.iter().find(is_meant);
        let query = query.unwrap_or_else(|| panic!("no query is {begin} … {holds}"));
        let nodes = nodes.iter().map(|&node| node.to_owned()).collect();
        hot.insert(format!("{begin} {holds}"), (query.clone(), nodes));
    }
    hot.extend(list_plans());
    hot
}

/// A connection as the contacts service has them.
async fn as_service(database: &TestDatabase) -> PgConnection {
    let mut db = connect(database, "postgres").await;
    for (name, value) in DATABASE_SETTINGS {
        let set = format!("SELECT set_config('{name}', '{value}', FALSE)");
        db.execute(raw_sql(AssertSqlSafe(set))).await.unwrap();
    }
    db
}

/// The indexes that a statement reads, in the order of its plan; tables that it scans
/// without, and sorts, are listed, too.
async fn plan(db: &mut PgConnection, query: &str) -> Vec<String> {
    let numbers = query.split('$').skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    let values = vec!["NULL"; numbers.max().unwrap_or(0)].join(", ");
    let values = if values.is_empty() {
        values
    } else {
        format!("({values})")
    };
    let prepare = format!("DEALLOCATE ALL; PREPARE hot AS {query}");
    db.execute(raw_sql(AssertSqlSafe(prepare))).await.unwrap();
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE hot {values}");
    let lines = db.fetch_all(raw_sql(AssertSqlSafe(explain))).await.unwrap();
    let lines = lines.iter().map(|line| line.get::<String, _>(0));
    lines.filter_map(|line| node(&line)).collect()
}

fn node(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches("->").trim();
    if let Some((scan, rest)) = line.split_once(" using ") {
        let index = rest.split(' ').next()?;
        return scan.starts_with("Index").then(|| index.to_owned());
    }
    if let Some(rest) = line.strip_prefix("Bitmap Index Scan on ") {
        return Some(rest.to_owned());
    }
    if matches!(line, "Sort" | "Incremental Sort") {
        return Some(line.to_owned());
    }
    line.strip_prefix("Seq Scan on ")
        .map(|table| format!("all of {table}"))
}

/// Runs statements that need no answer, as superuser.
async fn run(database: &TestDatabase, sql: &'static str) {
    let mut db = connect(database, "postgres").await;
    db.execute(raw_sql(sql)).await.unwrap();
}

/// Otherwise the server would analyze tables while the test runs.
async fn without_autovacuum() -> TestDatabase {
    let database = migrated().await;
    let tables = "SELECT format('ALTER TABLE %s SET (autovacuum_enabled = off)', c.oid::regclass)
                  FROM pg_class AS c
                  WHERE c.relkind = 'r'
                    AND c.relnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)";
    let mut db = connect(&database, "postgres").await;
    for alter in crate::database::texts(&mut db, tables).await {
        db.execute(raw_sql(AssertSqlSafe(alter))).await.unwrap();
    }
    database
}

async fn assert_meant(database: &TestDatabase, meant: &[&[Stored]]) {
    let mut db = as_service(database).await;
    let mut wrong = Vec::new();
    for (name, (query, meant)) in hot(meant) {
        let read = plan(&mut db, &query).await;
        if read != meant {
            wrong.push(format!("{name}\n  reads {read:?}\n  instead of {meant:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_empty_database_is_read_by_the_indexes_meant() {
    let database = without_autovacuum().await;

    assert_meant(&database, &[ORDERED]).await;
}

#[tokio::test]
async fn without_statistics_the_indexes_meant_are_read() {
    let database = without_autovacuum().await;
    run(&database, BOOKS).await;

    assert_meant(&database, &[ORDERED, BY_CONDITION]).await;
}

#[tokio::test]
async fn with_the_statistics_of_empty_tables_the_indexes_meant_are_read() {
    let database = without_autovacuum().await;
    run(&database, "ANALYZE").await;
    assert_meant(&database, &[ORDERED]).await;

    run(&database, BOOKS).await;

    assert_meant(&database, &[ORDERED, BY_CONDITION]).await;
}

#[tokio::test]
async fn one_large_book_beside_small_ones_is_read_by_the_indexes_meant() {
    let database = without_autovacuum().await;
    run(&database, BOOKS).await;
    run(&database, "ANALYZE").await;

    assert_meant(&database, &[ORDERED, BY_CONDITION]).await;
}

/// What these tests are for: without the settings of the service, and by a condition that
/// other indexes have as well, something else is read.
#[tokio::test]
async fn a_statement_that_leaves_the_index_open_is_found() {
    let database = without_autovacuum().await;
    let by_id = "SELECT body FROM contacts.contacts WHERE owner_id = $1 AND id = $2";
    let by_part = "SELECT body FROM contacts.contacts WHERE owner_id = $1 AND display_key = $2
                   ORDER BY family_key LIMIT 1";

    let mut db = as_service(&database).await;
    assert_ne!(plan(&mut db, by_id).await, ["contacts_pkey"]);
    run(&database, BOOKS).await;
    assert_ne!(plan(&mut db, by_part).await, ["contacts_display"]);
}
