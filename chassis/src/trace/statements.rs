//! A span for each SQL statement, made of the event that sqlx logs at its end. So every
//! statement of a call has one, however it is run, and no query has to do anything.

use std::fmt::Debug;
use std::time::Duration;

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use super::{for_each, summary, tracer};
use crate::clock::Clock;

/// The target of sqlx's events. They contain the text of statements, which can contain
/// secrets (a password in `ALTER ROLE`), so no log shows them.
pub(crate) const TARGET: &str = "sqlx::query";

/// Makes spans of sqlx's events.
struct Statements;

/// The layer that makes spans of sqlx's events.
pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Statements.with_filter(Targets::new().with_target(TARGET, LevelFilter::DEBUG))
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _context: layer::Context<'_, S>) {
        for_each(|context| {
            if context.span().span_context().is_sampled() {
                let mut statement = Statement::default();
                event.record(&mut statement);
                statement.add_to(context);
            }
        });
    }
}

/// What sqlx's event says of a statement.
#[derive(Default)]
struct Statement {
    sql: String,
    seconds: f64,
    rows: u64,
}

impl Visit for Statement {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            // The beginning of the text, or all of a short one, which the next field then
            // does not repeat.
            "summary" if self.sql.is_empty() => value.clone_into(&mut self.sql),
            "db.statement" if !value.is_empty() => value.clone_into(&mut self.sql),
            _ => {}
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}

impl Statement {
    /// Adds the span of a statement that has just ended.
    fn add_to(self, parent: &Context) {
        let Some(tracer) = tracer() else { return };
        let summary = summary::of(&self.sql);
        let end = Clock::System.now();
        let took = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let rows = i64::try_from(self.rows).unwrap_or(i64::MAX);
        let mut attributes = vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.query.summary", summary.text.clone()),
            KeyValue::new("db.response.returned_rows", rows),
        ];
        if let Some(operation) = summary.operation {
            attributes.push(KeyValue::new("db.operation.name", operation));
        }
        let span = SpanBuilder::from_name(summary.text)
            .with_kind(SpanKind::Client)
            .with_start_time(end - took)
            .with_attributes(attributes);
        let mut span = span.start_with_context(tracer, parent);
        span.end_with_timestamp(end.into());
    }
}
