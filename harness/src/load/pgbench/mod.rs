//! The lower bound of our services' cost: pgbench runs the same statements on the same
//! data, without a service in between.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono::{Datelike, Days};
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use super::cpu::Processes;
use super::drive::{self, Load, Seen};
use super::scenario::{QUERIES, Scenario};
use super::world::World;
use crate::clock;
use crate::error::{Error, OrPath, Result};
use crate::up::Database;

/// The number of clients: as many as PostgreSQL on two processors can keep busy.
pub(super) const CLIENTS: u32 = 8;

/// The settings that the service uses on its connections.
const SETTINGS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off";

/// The fraction of transactions whose time is logged.
const SAMPLED: f64 = 0.05;

/// The program, and the data for its scripts.
pub(super) struct Pgbench {
    program: PathBuf,
    url: String,
    keys: usize,
}

impl Pgbench {
    /// Creates tables of keys to choose from.
    pub(super) async fn prepare(database: &Database, world: &World) -> Result<Self> {
        let (Some((url, _)), Some(program)) =
            (database.own_as("addressbook"), database.program("pgbench"))
        else {
            return Err(Error::NotOwn);
        };
        // Sessions for the refreshes, one for each client.
        for _ in 0..CLIENTS {
            world.log_in(&world.users[0].email).await?;
        }
        let mut db = PgConnection::connect(&url).await?;
        sqlx::raw_sql(
            "DROP TABLE IF EXISTS load_keys, load_queries;
             CREATE TABLE load_keys (n int PRIMARY KEY, owner uuid NOT NULL, id uuid NOT NULL);
             CREATE TABLE load_queries (n int PRIMARY KEY, longest text, patterns text[],
                                        digits text);
             CREATE TABLE IF NOT EXISTS load_sessions AS
             SELECT row_number() OVER (ORDER BY id DESC)::int AS n, user_id, id,
                    cur_hash AS hash
             FROM auth.sessions",
        )
        .execute(&mut db)
        .await?;
        let owners: Vec<&str> = world.users.iter().map(|user| user.id.as_str()).collect();
        let keys = sqlx::query(
            "INSERT INTO load_keys
             SELECT row_number() OVER (ORDER BY owner_id, id), owner_id, id
             FROM contacts.contacts
             WHERE owner_id = ANY($1::text[]::uuid[])",
        )
        .bind(&owners)
        .execute(&mut db)
        .await?;
        for (n, query) in (1..).zip(QUERIES) {
            let patterns: Vec<String> = query.split(' ').map(|word| format!("%{word}%")).collect();
            let is_number = query.bytes().all(|byte| byte.is_ascii_digit());
            sqlx::query("INSERT INTO load_queries VALUES ($1, $2, $3, $4)")
                .bind::<i32>(n)
                .bind(patterns.iter().max_by_key(|pattern| pattern.len()))
                .bind(&patterns)
                .bind(is_number.then(|| format!("%{query}%")))
                .execute(&mut db)
                .await?;
        }
        sqlx::raw_sql("ANALYZE load_keys, load_queries, load_sessions")
            .execute(&mut db)
            .await?;
        db.close().await?;
        Ok(Self {
            program,
            url,
            keys: usize::try_from(keys.rows_affected()).unwrap_or(usize::MAX),
        })
    }

    /// Runs the statements of a scenario, if it has any.
    pub(super) async fn run(
        &self,
        scenario: Scenario,
        clients: u32,
        load: Load,
        processes: &Processes,
    ) -> Result<Option<Seen>> {
        let Some(script) = script(scenario) else {
            return Ok(None);
        };
        let dir = tempfile::tempdir().or_path("make", Path::new("a folder"))?;
        let file = dir.path().join("script.sql");
        fs::write(&file, script).or_path("write", &file)?;
        let today = clock::today();
        let month_day = |day: chrono::NaiveDate| day.month() * 100 + day.day();
        let variables = [
            "ready=0".to_owned(),
            format!("keys={}", self.keys),
            format!("queries={}", QUERIES.len()),
            format!("clients={clients}"),
            format!("first={}", month_day(today)),
            format!("last={}", month_day(today + Days::new(7))),
        ];
        let mut command = Command::new(&self.program);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--log"])
            .arg(format!("--sampling-rate={SAMPLED}"))
            .arg(format!("--client={clients}"))
            .arg(format!("--jobs={}", clients.min(2)))
            .arg(format!("--time={}", load.time.as_secs().max(1)))
            .arg("--file")
            .arg(&file)
            .args(
                variables
                    .iter()
                    .map(|variable| format!("--define={variable}")),
            )
            .arg(&self.url)
            .env("PGOPTIONS", SETTINGS)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let (before, began) = (processes.used(), Instant::now());
        let output = command.output().await.or_path("run", &self.program)?;
        let elapsed = began.elapsed();
        let text = String::from_utf8_lossy(&output.stdout);
        let calls: Option<u64> = number(&text, "number of transactions actually processed: ");
        let tps: Option<f64> = number(&text, "tps = ");
        let (Some(calls), Some(tps)) = (calls, tps) else {
            return Err(Error::Failed {
                program: "pgbench",
                status: output.status,
                output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        };
        let mut seen = Seen::new();
        seen.calls = calls;
        seen.errors = number(&text, "number of failed transactions: ").unwrap_or(0);
        seen.latencies = latencies(dir.path())?;
        seen.used = processes.used() - before;
        // Excludes the time to connect.
        seen.elapsed = Duration::from_secs_f64(count(calls) / tps).min(elapsed);
        Ok(Some(seen))
    }
}

fn script(scenario: Scenario) -> Option<&'static str> {
    Some(match scenario {
        Scenario::Get => include_str!("get.sql"),
        Scenario::List50 => include_str!("list50.sql"),
        Scenario::Search => include_str!("search.sql"),
        Scenario::Birthdays => include_str!("birthdays.sql"),
        Scenario::Create => include_str!("create.sql"),
        Scenario::Update => include_str!("update.sql"),
        Scenario::Refresh => include_str!("refresh.sql"),
        Scenario::Empty
        | Scenario::BatchCreate
        | Scenario::BatchUpdate
        | Scenario::BatchDelete
        | Scenario::Stats
        | Scenario::Labels
        | Scenario::Mixed
        | Scenario::SearchOne
        | Scenario::Sync
        | Scenario::Duplicates
        | Scenario::LogIn => return None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "no run makes 2^52 calls")]
fn count(calls: u64) -> f64 {
    calls as f64
}

/// The number after `label`.
fn number<T: FromStr>(text: &str, label: &str) -> Option<T> {
    let (_, behind) = text.split_once(label)?;
    let end = behind
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(behind.len());
    behind[..end].parse().ok()
}

/// The third field of each line of the logs is a time in microseconds.
fn latencies(dir: &Path) -> Result<hdrhistogram::Histogram<u64>> {
    let mut latencies = drive::microseconds();
    for entry in fs::read_dir(dir).or_path("read", dir)? {
        let path = entry.or_path("read", dir)?.path();
        let is_log = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"pgbench_log"));
        if is_log {
            let text = fs::read_to_string(&path).or_path("read", &path)?;
            let times = text
                .lines()
                .filter_map(|line| line.split(' ').nth(2)?.parse().ok());
            times.for_each(|time| latencies.saturating_record(time));
        }
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_what_pgbench_prints() {
        let text = "number of failed transactions: 0 (0.000%)\n\
                    tps = 41424.25 (without initial connection time)\n";
        assert_eq!(number(text, "tps = "), Some(41424.25));
        assert_eq!(number(text, "number of failed transactions: "), Some(0));
        assert_eq!(number::<f64>(text, "latency average = "), None);
    }
}
