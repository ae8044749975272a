//! The rights of each role. The table below is complete.

use chassis::database;
use chassis::settings::config::RolePasswords;
use embedded_postgres::TestDatabase;
use sqlx::{AssertSqlSafe, Connection};

use crate::database::{config, connect, migrated, texts};

/// Role, table, verbs.
const GRANTS: &str = "
auth_service     auth.audit_events        SELECT INSERT UPDATE
auth_service     auth.deleted_users       SELECT INSERT UPDATE
auth_service     auth.email_tokens        SELECT INSERT UPDATE DELETE
auth_service     auth.emails              SELECT INSERT UPDATE DELETE
auth_service     auth.mfa_challenges      SELECT INSERT UPDATE DELETE
auth_service     auth.outbox              SELECT INSERT UPDATE DELETE
auth_service     auth.recovery_codes      SELECT INSERT DELETE
auth_service     auth.revocations         SELECT INSERT UPDATE DELETE
auth_service     auth.service_accounts    SELECT INSERT UPDATE DELETE
auth_service     auth.service_secrets     SELECT INSERT UPDATE DELETE
auth_service     auth.sessions            SELECT INSERT UPDATE DELETE
auth_service     auth.signing_keys        SELECT INSERT UPDATE
auth_service     auth.throttles           SELECT INSERT UPDATE DELETE
auth_service     auth.totp_secrets        SELECT INSERT UPDATE DELETE
auth_service     auth.users               SELECT INSERT UPDATE DELETE
auth_service     public._sqlx_migrations  SELECT
contacts_service contacts.contacts        SELECT INSERT UPDATE DELETE
contacts_service contacts.feeds           SELECT INSERT UPDATE
contacts_service contacts.ignored_duplicates SELECT INSERT DELETE
contacts_service contacts.labels          SELECT INSERT UPDATE DELETE
contacts_service contacts.merges          SELECT INSERT UPDATE DELETE
contacts_service contacts.owner_state     SELECT INSERT UPDATE DELETE
contacts_service contacts.photo_uses      SELECT INSERT UPDATE DELETE
contacts_service contacts.photos          SELECT INSERT DELETE
contacts_service contacts.requests        SELECT INSERT UPDATE DELETE
contacts_service contacts.revisions       SELECT INSERT UPDATE DELETE
contacts_service contacts.shares          SELECT INSERT UPDATE DELETE
contacts_service contacts.tombstones      SELECT INSERT DELETE
contacts_service public._sqlx_migrations  SELECT
";

const SERVICES: [&str; 2] = ["auth_service", "contacts_service"];

/// Runs a statement as a role; returns the SQLSTATE of its refusal.
async fn refusal(database: &TestDatabase, role: &str, sql: &str) -> Option<String> {
    let mut db = connect(database, role).await;
    let mut transaction = db.begin().await.unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *transaction)
        .await;
    match done {
        Ok(_) => None,
        Err(error) => {
            let error = error.into_database_error().unwrap();
            error.code().map(String::from)
        }
    }
}

/// The grants, including those by column, through another role, or to everyone.
async fn grants(database: &TestDatabase) -> Vec<String> {
    let mut db = connect(database, "postgres").await;
    let grants = texts(
        &mut db,
        "SELECT format('%s %s %s', r.rolname, format('%s.%s', n.nspname, c.relname),
                       string_agg(v.verb, ' ' ORDER BY v.place))
         FROM pg_roles AS r
         CROSS JOIN pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
                                 'REFERENCES', 'TRIGGER']) WITH ORDINALITY AS v (verb, place)
         WHERE r.rolname IN ('auth_service', 'contacts_service')
           AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
           AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
           AND (has_table_privilege(r.oid, c.oid, v.verb)
                OR v.verb IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                   AND has_any_column_privilege(r.oid, c.oid, v.verb))
         GROUP BY r.rolname, n.nspname, c.relname
         ORDER BY r.rolname, n.nspname, c.relname",
    );
    grants.await
}

/// The grants of the table above.
fn wanted() -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    GRANTS.trim().lines().map(words).collect()
}

#[tokio::test]
async fn the_grants_are_those_of_the_table() {
    let database = migrated().await;

    assert_eq!(grants(&database).await, wanted());
}

#[tokio::test]
async fn whatever_is_taken_away_is_given_again_by_migrating_once_more() {
    let database = migrated().await;
    let take = "REVOKE ALL ON ALL TABLES IN SCHEMA auth, contacts, public
                    FROM auth_service, contacts_service;
                REVOKE ALL (ip) ON auth.audit_events FROM auth_service;
                REVOKE ALL ON SCHEMA auth, contacts, public FROM auth_service, contacts_service;
                GRANT ALL ON SCHEMA public TO PUBLIC";
    let mut db = connect(&database, "postgres").await;
    sqlx::raw_sql(take).execute(&mut db).await.unwrap();
    assert_eq!(grants(&database).await, [""; 0]);

    let owner = config(database.url("postgres"));
    database::migrate(&owner, &RolePasswords::default())
        .await
        .unwrap();

    assert_eq!(grants(&database).await, wanted());
    for role in SERVICES {
        let make = "CREATE TABLE public.mine (id int)";
        let refused = refusal(&database, role, make).await;
        assert_eq!(refused.as_deref(), Some("42501"), "{role}");
    }
}

#[tokio::test]
async fn rights_that_cannot_be_given_are_an_error() {
    let database = migrated().await;
    let take = "CREATE ROLE not_the_owner LOGIN CREATEROLE;
                GRANT SELECT, INSERT ON public._sqlx_migrations TO not_the_owner;
                GRANT USAGE, CREATE ON SCHEMA public TO not_the_owner;
                REVOKE SELECT ON auth.users FROM auth_service";
    let mut db = connect(&database, "postgres").await;
    sqlx::raw_sql(take).execute(&mut db).await.unwrap();

    let stranger = config(database.url("not_the_owner"));
    let refused = database::migrate(&stranger, &RolePasswords::default()).await;

    assert!(refused.is_err());
}

#[tokio::test]
async fn the_services_see_their_own_schema() {
    let database = migrated().await;
    let mut db = connect(&database, "postgres").await;

    let schemas = texts(
        &mut db,
        "SELECT format('%s %s', r.rolname, n.nspname)
         FROM pg_roles AS r
         CROSS JOIN pg_namespace AS n
         WHERE r.rolname IN ('auth_service', 'contacts_service')
           AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
           AND has_schema_privilege(r.oid, n.oid, 'USAGE')
         ORDER BY 1",
    );

    let wanted = [
        "auth_service auth",
        "auth_service public",
        "contacts_service contacts",
        "contacts_service public",
    ];
    assert_eq!(schemas.await, wanted);
}

#[tokio::test]
async fn a_service_has_no_power_over_the_server() {
    let database = migrated().await;
    let mut db = connect(&database, "postgres").await;

    let powers = texts(
        &mut db,
        "SELECT rolname::text FROM pg_roles
         WHERE rolname IN ('auth_service', 'contacts_service')
           AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls
                OR rolinherit OR NOT rolcanlogin)
         UNION ALL
         SELECT format('%s in %s', m.member::regrole, m.roleid::regrole)
         FROM pg_auth_members AS m
         WHERE m.member::regrole::text IN ('auth_service', 'contacts_service')
         UNION ALL
         SELECT c.oid::regclass::text FROM pg_class AS c
         WHERE c.relowner::regrole::text IN ('auth_service', 'contacts_service')",
    );

    assert_eq!(powers.await, [""; 0]);
}

#[tokio::test]
async fn contacts_cannot_read_a_password_hash() {
    let database = migrated().await;

    for sql in [
        "SELECT password_hash FROM auth.emails",
        "SELECT count(*) FROM auth.emails",
        "SELECT private_key_sealed FROM auth.signing_keys",
        "SELECT cur_hash FROM auth.sessions",
        "UPDATE auth.emails SET password_hash = ''",
        "COPY auth.emails TO STDOUT",
        "SET ROLE auth_service",
        "SET SESSION AUTHORIZATION auth_service",
    ] {
        let refused = refusal(&database, "contacts_service", sql).await;
        assert_eq!(refused.as_deref(), Some("42501"), "{sql}");
    }
}

#[tokio::test]
async fn auth_cannot_read_a_contact() {
    let database = migrated().await;

    for sql in [
        "SELECT body FROM contacts.contacts",
        "SELECT count(*) FROM contacts.contacts",
        "SELECT response FROM contacts.requests",
        "DELETE FROM contacts.contacts",
        "SET ROLE contacts_service",
    ] {
        let refused = refusal(&database, "auth_service", sql).await;
        assert_eq!(refused.as_deref(), Some("42501"), "{sql}");
    }
}

#[tokio::test]
async fn the_audit_log_is_append_only_but_for_addresses() {
    let database = migrated().await;
    let addresses = "UPDATE auth.audit_events SET ip = ''";
    assert_eq!(refusal(&database, "auth_service", addresses).await, None);

    for sql in [
        "UPDATE auth.audit_events SET kind = ''",
        "UPDATE auth.audit_events SET user_id = gen_random_uuid()",
        "UPDATE auth.audit_events SET event_time = now()",
        "UPDATE auth.audit_events SET ip = '', session_id = NULL",
        "DELETE FROM auth.audit_events",
        "TRUNCATE auth.audit_events",
    ] {
        let refused = refusal(&database, "auth_service", sql).await;
        assert_eq!(refused.as_deref(), Some("42501"), "{sql}");
    }
}

#[tokio::test]
async fn a_service_makes_changes_and_drops_no_objects() {
    let database = migrated().await;

    for role in SERVICES {
        let own = role.trim_end_matches("_service");
        let table = match own {
            "auth" => "auth.users",
            _ => "contacts.contacts",
        };
        for sql in [
            format!("CREATE TABLE {own}.mine (id int)"),
            "CREATE TABLE public.mine (id int)".to_owned(),
            "CREATE TABLE mine (id int)".to_owned(),
            "CREATE SCHEMA mine".to_owned(),
            format!("CREATE VIEW {own}.mine AS SELECT 1"),
            format!("CREATE FUNCTION {own}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
            format!("CREATE SEQUENCE {own}.mine"),
            format!("CREATE TYPE {own}.mine AS ENUM ('a')"),
            format!("CREATE INDEX ON {table} (id)"),
            format!("ALTER TABLE {table} ADD COLUMN mine int"),
            format!("DROP TABLE {table}"),
            format!("TRUNCATE {table}"),
            "CREATE EXTENSION citext".to_owned(),
            "CREATE ROLE mine".to_owned(),
            "CREATE DATABASE mine".to_owned(),
            "ALTER SYSTEM SET fsync = off".to_owned(),
            "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
            "SELECT pg_read_file('/etc/passwd')".to_owned(),
            "UPDATE public._sqlx_migrations SET checksum = ''".to_owned(),
            "SELECT rolpassword FROM pg_authid".to_owned(),
        ] {
            let refused = refusal(&database, role, &sql).await;
            // CREATE DATABASE and ALTER SYSTEM first check whether they are in a
            // transaction.
            let wanted = ["42501", "25001"];
            assert!(
                refused
                    .as_deref()
                    .is_some_and(|state| wanted.contains(&state)),
                "{role}: {sql}: {refused:?}"
            );
        }
    }
}
