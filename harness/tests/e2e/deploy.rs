//! The files for operators name metrics, sections and settings that exist.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::documents::read;
use crate::links::anchors;
use crate::stack::{Stack, workspace};

const ALERTS: &str = "deploy/prometheus/alerts.yml";
const RECORDING: &str = "deploy/prometheus/recording.yml";
const DASHBOARD: &str = "deploy/grafana/addressbook.json";

/// The names in the manual's table of metrics, without `addressbook_`.
fn documented() -> BTreeSet<String> {
    let manual = read("docs/OPERATIONS.md");
    let (_, table) = manual
        .split_once("| metric, after `addressbook_` |")
        .unwrap();
    let rows = table.lines().take_while(|line| !line.is_empty());
    let columns = rows.filter(|row| row.starts_with("| `"));
    columns
        .flat_map(|row| {
            row.split(" | ")
                .next()
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .map(|name| name.split('{').next().unwrap().to_owned())
        .collect()
}

/// The metrics that a service has, by the same names.
fn served(address: &str) -> Vec<String> {
    let mut socket = TcpStream::connect(address).unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    socket.write_all(request).unwrap();
    let mut page = String::new();
    socket.read_to_string(&mut page).unwrap();
    let types = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE addressbook_"));
    types
        .map(|line| match line.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, _) => name.to_owned(),
        })
        .collect()
}

#[test]
fn the_manual_lists_the_metrics_that_the_services_have() {
    let stack = Stack::start(&["--metrics-addr", "127.0.0.1:0"]);

    let mut all = BTreeSet::new();
    for service in ["auth", "contacts"] {
        let file = stack.folder().join(format!("{service}.address"));
        let addresses = fs::read_to_string(file).unwrap();
        all.extend(served(addresses.lines().nth(1).unwrap()));
    }

    assert_eq!(all, documented());
}

/// The words of a file that name a metric; those with a colon are recorded ones.
fn named(file: &str) -> BTreeSet<String> {
    let text = read(file);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !is_part(c));
    words
        .filter(|word| word.contains("addressbook_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn rules_and_dashboard_read_metrics_that_exist() {
    let (documented, recording) = (documented(), read(RECORDING));
    let exists = |name: &str| {
        if name.contains(':') {
            return recording.contains(&format!("record: {name}\n"));
        }
        let name = name.strip_prefix("addressbook_").unwrap();
        documented.contains(name) || documented.contains(name.trim_end_matches("_bucket"))
    };

    let names: BTreeSet<_> = [ALERTS, RECORDING, DASHBOARD]
        .into_iter()
        .flat_map(named)
        .collect();

    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(exists(&name), "{name}");
    }
}

#[test]
fn the_dashboard_shows_every_metric() {
    let shown = named(DASHBOARD);
    let recorded = named(RECORDING);

    for name in documented() {
        let name = format!("addressbook_{name}");
        let is_in = |names: &BTreeSet<String>| {
            names.contains(&name) || names.contains(&format!("{name}_bucket"))
        };
        assert!(is_in(&shown) || is_in(&recorded), "{name}");
    }
}

#[test]
fn every_alert_has_a_section_that_says_what_to_do() {
    let alerts = read(ALERTS);
    let manual = read("docs/OPERATIONS.md");
    let sections: Vec<_> = anchors(&workspace().join("docs/OPERATIONS.md")).collect();

    let alerts: Vec<_> = alerts.split("- alert: ").skip(1).collect();

    assert!(alerts.len() > 10);
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        let (_, section) = alert
            .split_once("runbook: docs/OPERATIONS.md#")
            .unwrap_or_else(|| panic!("{name} has none"));
        let section = section.lines().next().unwrap();
        assert!(
            sections.iter().any(|known| known == section),
            "{name}: {section}"
        );
        assert!(manual.contains(&format!("`{name}`")), "{name}");
    }
}

/// The variables that a file sets for the services.
fn variables(file: &str) -> Vec<String> {
    let text = read(file);
    let names = text.lines().filter_map(|line| {
        let line = line.trim_start_matches([' ', '#', '-', '{']);
        let line = line.strip_prefix("Environment=").unwrap_or(line);
        let line = line.strip_prefix("name: ").unwrap_or(line);
        let (name, _) = line.split_once(['=', ':', ','])?;
        let is_name =
            name.contains('_') && !name.contains(|c: char| c != '_' && !c.is_ascii_uppercase());
        is_name.then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn every_variable_that_is_set_is_a_setting() {
    let settings = read("docs/CONFIGURATION.md");
    let balancer = read("deploy/haproxy/haproxy.cfg");
    let is_known = |name: &str| {
        settings.contains(&format!("`{name}`"))
            || balancer.contains(&format!("${{{name}}}"))
            || name.starts_with("POSTGRES_")
    };

    for file in [
        "docker-compose.yml",
        "docker-compose.replicas.yml",
        "docker-compose.tls.yml",
        "deploy/kubernetes/addressbook.yaml",
        "deploy/systemd/addressbook-auth.service",
        "deploy/systemd/addressbook-contacts.service",
        "deploy/systemd/addressbook-migrate.service",
        "deploy/systemd/auth.env",
        "deploy/systemd/contacts.env",
        "deploy/systemd/migrate.env",
    ] {
        let variables = variables(file);
        assert!(!variables.is_empty(), "{file}");
        for name in variables {
            assert!(is_known(&name), "{file}: {name}");
        }
    }
}

#[test]
fn the_chart_installs_this_version() {
    let chart = read("deploy/helm/addressbook/Chart.yaml");
    let version = env!("CARGO_PKG_VERSION");

    for line in [
        format!("version: {version}\n"),
        format!("appVersion: \"{version}\"\n"),
    ] {
        assert!(chart.contains(&line), "{line}");
    }
}
