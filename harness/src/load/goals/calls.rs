//! The cost and throughput of calls, compared with pgbench and other stacks.

use std::sync::Arc;

use super::{Goal, copy, median};
use crate::error::Result;
use crate::load::config::LoadConfig;
use crate::load::drive::Load;
use crate::load::pgbench::Pgbench;
use crate::load::report::Run;
use crate::load::scenario::Scenario;
use crate::load::stage::Stage;
use crate::load::subject::Subject;
use crate::print::say;

const OURS: &str = "addressbook";
const PGBENCH: &str = "pgbench";
const GO: &str = "go-grpc";
const FASTAPI: &str = "fastapi-sync";

/// Half of the time that a write took while there was an index of trigrams.
const UPDATE_US: f64 = 458.0;

/// The number of calls in flight with which both processors are busy all the time.
const DEEP: u32 = 16;

pub(super) async fn measure(
    config: &LoadConfig,
    stage: &Stage,
    runs: &mut Vec<Run>,
) -> Result<Vec<Goal>> {
    let load = config.load();
    let deep = Load {
        in_flight: DEEP,
        ..load
    };
    let scenarios = [
        (Scenario::Empty, load),
        (Scenario::Get, deep),
        (Scenario::List50, load),
        (Scenario::Create, load),
        (Scenario::Update, load),
        (Scenario::BatchCreate, load),
        (Scenario::Refresh, deep),
    ];
    for round in 1..=config.rounds {
        for (scenario, load) in scenarios {
            for subject in &stage.subjects {
                if let Some(run) = subject.run(scenario, load).await? {
                    say(format_args!("round {round}: {run}"));
                    runs.push(run);
                }
            }
        }
    }
    let mut goals = reads(runs);
    goals.push(search(config, stage, runs).await?);
    goals.extend(writes(runs));
    goals.extend(batches(stage, runs).await?);
    Ok(goals)
}

fn reads(runs: &[Run]) -> Vec<Goal> {
    let mut goals = Vec::new();
    let get = |subject| median(runs, Scenario::Get, subject);
    if let (Some(ours), Some(bare)) = (get(OURS), get(PGBENCH)) {
        let both = |run: &Run| run.postgres_cpu_us + run.client_cpu_us;
        goals.push(Goal::at_most(
            "K: CPU of service and PostgreSQL for a GetContact, to that of pgbench and \
             PostgreSQL for the same read",
            ours.server_cpu_us() / both(&bare),
            1.0,
            &format!("{:.1} us to {:.1} us", ours.server_cpu_us(), both(&bare)),
        ));
        goals.push(rate("GetContact/s to pgbench -c 8", &ours, &bare, 0.9));
        if let Some(go) = get(GO) {
            goals.push(rate("GetContact/s to grpc-go and pgx", &ours, &go, 2.5));
        }
        if let Some(fastapi) = get(FASTAPI) {
            let what = "GetContact/s to FastAPI and SQLAlchemy";
            goals.push(rate(what, &ours, &fastapi, 20.0));
            goals.push(Goal::at_most(
                "CPU of service and PostgreSQL for a GetContact, to FastAPI's (1/24)",
                ours.server_cpu_us() / fastapi.server_cpu_us(),
                1.0 / 24.0,
                &format!(
                    "{:.1} us to {:.1} us, 1/{:.0}",
                    ours.server_cpu_us(),
                    fastapi.server_cpu_us(),
                    fastapi.server_cpu_us() / ours.server_cpu_us()
                ),
            ));
        }
    }
    let list = |subject| median(runs, Scenario::List50, subject);
    for (subject, most) in [(GO, 0.25), (FASTAPI, 0.03)] {
        if let (Some(ours), Some(peer)) = (list(OURS), list(subject)) {
            goals.push(Goal::at_most(
                &format!("service CPU for ListContacts(50), to {subject}'s"),
                ours.service_cpu_us / peer.service_cpu_us,
                most,
                &format!(
                    "{:.0} us to {:.0} us",
                    ours.service_cpu_us, peer.service_cpu_us
                ),
            ));
        }
    }
    let of = |goal: Goal| {
        let scenario = if goal.what.contains("List") {
            Scenario::List50
        } else {
            Scenario::Get
        };
        goal.of(scenario)
    };
    goals.into_iter().map(of).collect()
}

fn rate(what: &str, ours: &Run, other: &Run, least: f64) -> Goal {
    let (ours, other) = (ours.per_second, other.per_second);
    let from = format!("{ours:.0}/s to {other:.0}/s");
    Goal::at_least(what, ours / other, least, &from)
}

/// Measures one caller at a time, with a book of 10,000 contacts, and the bare statement.
async fn search(config: &LoadConfig, stage: &Stage, runs: &mut Vec<Run>) -> Result<Goal> {
    let alone = Load {
        connections: 1,
        in_flight: 1,
        ..config.load()
    };
    let pair = stage.pair();
    let user = pair.world.sign_up(10_000).await?;
    let mut pair = pair.clone();
    pair.world = Arc::new(pair.world.of(vec![user]));
    let system = stage.system()?;
    system.database.analyze().await?;
    let pgbench = Pgbench::prepare(&system.database, &pair.world).await?;
    let subjects = [
        Subject::Pair(pair.clone()),
        Subject::Pgbench(pgbench, pair.contacts.without_service()),
    ];
    for round in 1..=config.rounds {
        for subject in &subjects {
            if let Some(run) = subject.run(Scenario::Search, alone).await? {
                say(format_args!("round {round}: {run}"));
                runs.push(run);
            }
        }
    }
    let p50 =
        |subject| median(runs, Scenario::Search, subject).map_or(0, |run| run.quantile_us(0.5));
    let (ours, bare) = (p50(OURS), p50(PGBENCH));
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    let ratio = ours as f64 / bare.max(1) as f64;
    let what = "SearchContacts at an owner of 10,000, p50 to the bare query's";
    let goal = Goal::at_most(what, ratio, 0.5, &format!("{ours} us to {bare} us"));
    Ok(goal.of(Scenario::Search))
}

fn writes(runs: &[Run]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (scenario, what, least) in [
        (
            Scenario::Create,
            "CreateContact/s to pgbench of the same transaction",
            0.95,
        ),
        (
            Scenario::Refresh,
            "RefreshToken/s to pgbench of its UPDATE",
            0.7,
        ),
    ] {
        let run = |subject| median(runs, scenario, subject);
        if let (Some(ours), Some(bare)) = (run(OURS), run(PGBENCH)) {
            goals.push(rate(what, &ours, &bare, least).of(scenario));
        }
    }
    let create = |subject| median(runs, Scenario::Create, subject);
    if let (Some(ours), Some(go)) = (create(OURS), create(GO)) {
        let what = "CreateContact/s to the plain INSERT of grpc-go and pgx";
        goals.push(rate(what, &ours, &go, 1.0).of(Scenario::Create));
    }
    if let Some(update) = median(runs, Scenario::Update, OURS) {
        let from = format!(
            "service {:.0} us, PostgreSQL {:.0} us",
            update.service_cpu_us, update.postgres_cpu_us
        );
        let what = "CPU of service and PostgreSQL for an UpdateContact, in us";
        let goal = Goal::at_most(what, update.server_cpu_us(), UPDATE_US, &from);
        goals.push(goal.of(Scenario::Update));
    }
    goals
}

/// Rows that are stored in batches, compared with single ones, and with PostgreSQL alone.
async fn batches(stage: &Stage, runs: &[Run]) -> Result<Vec<Goal>> {
    let run = |scenario| median(runs, scenario, OURS);
    let (Some(batch), Some(single)) = (run(Scenario::BatchCreate), run(Scenario::Create)) else {
        return Ok(Vec::new());
    };
    let rows = batch.per_second * f64::from(Scenario::BATCH);
    let single = single.per_second;
    let copied = copy::rows_per_second(&stage.system()?.database).await?;
    let goal = |what, other, least| {
        let from = format!("{rows:.0}/s to {other:.0}/s");
        Goal::at_least(what, rows / other, least, &from).of(Scenario::BatchCreate)
    };
    Ok(vec![
        goal(
            "rows/s of BatchCreateContacts(500) to single creates",
            single,
            10.0,
        ),
        goal(
            "rows/s of BatchCreateContacts(500) to COPY of such rows",
            copied,
            0.25,
        ),
    ])
}
