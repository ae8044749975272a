//! Logs to standard output, filtered by `RUST_LOG`.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::trace::statements;

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// A stranger can make these log a line for every frame, and their warnings do not help
/// an operator. If `RUST_LOG` names one of them, its level applies.
const QUIET: [&str; 3] = ["h2=error", "hyper=error", "rustls=error"];

fn filter(chosen: EnvFilter) -> EnvFilter {
    let directives = chosen.to_string();
    let is_named = |target: &str| {
        let mut directives = directives.split(',');
        directives.any(|directive| directive.starts_with(target))
    };
    let quiet = QUIET.into_iter();
    let quiet = quiet.filter(|quiet| !is_named(quiet.trim_end_matches("=error")));
    let quiet = quiet.filter_map(|quiet| quiet.parse().ok());
    quiet.fold(chosen, EnvFilter::add_directive)
}

fn chosen() -> EnvFilter {
    filter(
        EnvFilter::try_from_default_env()
            .unwrap_or_else(|_| EnvFilter::new("info,sqlx::postgres::notice=warn")),
    )
}

/// Starts logging; call once, first thing in `main`.
pub fn init(format: LogFormat) {
    let logs = fmt().with_env_filter(chosen());
    match format {
        LogFormat::Text => logs.with_ansi(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}

/// The same, and makes spans of SQL statements.
pub(crate) fn init_with_statements(format: LogFormat) {
    let filter = without_statements(chosen());
    let logs = match format {
        LogFormat::Text => fmt::layer().with_ansi(false).boxed(),
        LogFormat::Json => fmt::layer().json().boxed(),
    };
    let all = registry().with(logs.with_filter(filter));
    all.with(statements::layer()).init();
}

/// Logs no statements, whatever is chosen.
#[expect(clippy::expect_used, reason = "the directive is a constant")]
fn without_statements(filter: EnvFilter) -> EnvFilter {
    let none = format!("{}=off", statements::TARGET).parse();
    filter.add_directive(none.expect("a target with a level is a directive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directives(chosen: &str) -> Vec<String> {
        let filter = filter(EnvFilter::new(chosen)).to_string();
        let mut directives: Vec<_> = filter.split(',').map(str::to_owned).collect();
        directives.sort_unstable();
        directives
    }

    #[test]
    fn strangers_cannot_fill_the_log_unless_the_operator_asks_for_it() {
        let quiet = ["h2=error", "hyper=error", "info", "rustls=error"];
        assert_eq!(directives("info"), quiet);
        let quiet = ["debug", "h2=error", "hyper=error", "rustls=error"];
        assert_eq!(directives("debug"), quiet);
        let chosen = "info,sqlx::query=trace";
        let chosen = without_statements(EnvFilter::new(chosen)).to_string();
        assert!(chosen.contains("sqlx::query=off"), "{chosen}");
        let chosen = "info,h2=debug,hyper::proto=warn";
        assert_eq!(
            directives(chosen),
            ["h2=debug", "hyper::proto=warn", "info", "rustls=error"]
        );
    }
}
