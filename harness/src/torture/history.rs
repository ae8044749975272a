//! What happened: every attempt of a call with its outcome, and what was wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::fault::Fault;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was acknowledged.
    Done,
    /// It was refused, and nothing was changed.
    Refused(Refusal),
    /// It may have been executed.
    Unknown(Refusal),
}

/// Why an attempt was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    /// `ErrorInfo.reason`; empty if the error is not the service's but the connection's.
    pub(super) reason: String,
    has_retry_info: bool,
}

impl Refusal {
    fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        Self {
            code: status.code(),
            reason: details
                .error_info()
                .map_or_else(String::new, |info| info.reason.clone()),
            has_retry_info: details.retry_info().is_some(),
        }
    }

    /// An attempt that did not end in time.
    pub(super) fn timed_out() -> Self {
        Self {
            code: Code::DeadlineExceeded,
            reason: String::new(),
            has_retry_info: false,
        }
    }

    /// Whether nothing was done, and the same attempt may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        match &*self.reason {
            "STORE_BUSY" => true,
            "STORE_TOO_SLOW" => self.code == Code::DeadlineExceeded,
            _ => {
                self.has_retry_info && matches!(self.code, Code::ResourceExhausted | Code::Aborted)
            }
        }
    }

    /// Whether the attempt may have been executed.
    fn is_unknown(&self) -> bool {
        let may_be = matches!(self.code, Code::Unavailable | Code::DeadlineExceeded);
        self.reason.is_empty() || (may_be && !self.is_passing())
    }

    /// Whether no service returns this, not even during faults.
    fn is_fault(&self) -> bool {
        let codes = [
            Code::Internal,
            Code::Unknown,
            Code::Cancelled,
            Code::DataLoss,
            Code::Unimplemented,
        ];
        !self.reason.is_empty() && codes.contains(&self.code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = if self.reason.is_empty() {
            "(connection)"
        } else {
            &self.reason
        };
        write!(f, "{:?} {reason}", self.code)
    }
}

impl From<&Status> for Outcome {
    fn from(status: &Status) -> Self {
        let refusal = Refusal::of(status);
        if refusal.is_unknown() {
            Self::Unknown(refusal)
        } else {
            Self::Refused(refusal)
        }
    }
}

/// One attempt of a call.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) owner: usize,
    pub(super) call: &'static str,
    /// The rows that it is about, separated by spaces.
    pub(super) about: String,
    /// The replica.
    pub(super) side: usize,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) outcome: Outcome,
}

/// Something that must never happen.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    pub(super) rule: &'static str,
    /// The row that it is about.
    pub(super) about: String,
    pub(super) text: String,
    /// When it was found.
    pub(super) at: Instant,
}

/// Everything that was recorded, in the order of the attempts' ends.
#[derive(Debug)]
pub(super) struct History {
    began: Instant,
    events: Mutex<Vec<Event>>,
    violations: Mutex<Vec<Violation>>,
    checked: Mutex<BTreeMap<&'static str, u64>>,
    breaks: Mutex<Vec<Break>>,
}

/// A fault that was injected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Break {
    pub(super) fault: Fault,
    pub(super) at: &'static str,
    began: Instant,
    ended: Instant,
}

/// After a fault, calls may fail for so long: the database recovers, programs start, and
/// connections are found to be dead.
const AFTERMATH: Duration = Duration::from_secs(15);

impl History {
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            events: Mutex::default(),
            violations: Mutex::default(),
            checked: Mutex::default(),
            breaks: Mutex::default(),
        }
    }

    /// Adds an attempt.
    pub(super) fn record(&self, event: Event) {
        if let Outcome::Refused(refusal) | Outcome::Unknown(refusal) = &event.outcome
            && refusal.is_fault()
        {
            self.violate("codes", &event.about, format!("{}: {refusal}", event.call));
        }
        locked(&self.events).push(event);
    }

    /// Adds something that must never happen.
    pub(super) fn violate(&self, rule: &'static str, about: &str, text: impl Into<String>) {
        locked(&self.violations).push(Violation {
            rule,
            about: about.to_owned(),
            text: text.into(),
            at: Instant::now(),
        });
    }

    /// Checks a rule, and counts that it was checked.
    pub(super) fn check(
        &self,
        rule: &'static str,
        holds: bool,
        about: &str,
        text: impl FnOnce() -> String,
    ) {
        *locked(&self.checked).entry(rule).or_default() += 1;
        if !holds {
            self.violate(rule, about, text());
        }
    }

    /// Adds a fault that has just ended.
    pub(super) fn broke(&self, fault: Fault, at: &'static str, began: Instant) {
        locked(&self.breaks).push(Break {
            fault,
            at,
            began,
            ended: Instant::now(),
        });
    }

    pub(super) fn breaks(&self) -> Vec<Break> {
        locked(&self.breaks).clone()
    }

    /// Without a fault every call has an answer.
    pub(super) fn check_calm(&self) {
        let breaks = self.breaks();
        let is_caused = |event: &Event| {
            let explains =
                |it: &Break| it.began < event.ended && event.began < it.ended + AFTERMATH;
            breaks.iter().any(explains)
        };
        let unknown = |event: &&Event| matches!(event.outcome, Outcome::Unknown(_));
        for event in self.events().iter().filter(unknown) {
            self.check("availability", is_caused(event), &event.about, || {
                format!("{} failed without a fault: {:?}", event.call, event.outcome)
            });
        }
    }

    /// The faults at a time, each with its own time, as text.
    pub(super) fn breaks_at(&self, (from, until): (Instant, Instant)) -> String {
        let is_then = |it: &Break| it.began < until && from < it.ended;
        let text = |it: Break| {
            let (began, ended) = (self.seconds(it.began), self.seconds(it.ended));
            format!("{} {} {began:.1} - {ended:.1} s", it.fault, it.at)
        };
        let breaks = self.breaks().into_iter().filter(is_then).map(text);
        breaks.collect::<Vec<_>>().join(", ")
    }

    /// Since the run began.
    pub(super) fn seconds(&self, at: Instant) -> f64 {
        at.duration_since(self.began).as_secs_f64()
    }

    pub(super) fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        locked(&self.events)
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        locked(&self.violations).clone()
    }

    /// How often each rule was checked.
    pub(super) fn checked(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.checked).clone()
    }

    /// The attempts that are about a row, as lines.
    pub(super) fn of(&self, about: &str) -> Vec<String> {
        let events = self.events();
        let is_about = |event: &&Event| event.about.split(' ').any(|row| row == about);
        let line = |event: &Event| {
            let outcome = match &event.outcome {
                Outcome::Done => "done".to_owned(),
                Outcome::Refused(refusal) => format!("refused: {refusal}"),
                Outcome::Unknown(refusal) => format!("unknown: {refusal}"),
            };
            format!(
                "{:8.3} - {:8.3} s  owner {} replica {} {}: {outcome}",
                self.seconds(event.began),
                self.seconds(event.ended),
                event.owner,
                event.side,
                event.call,
            )
        };
        events.iter().filter(is_about).map(line).collect()
    }

    /// The longest time in which calls of one service were made and none was acknowledged, from
    /// when and until when.
    pub(super) fn longest_gap(&self, is_its: impl Fn(&str) -> bool) -> (Instant, Instant) {
        let mut last = self.began;
        let mut asked = None;
        let mut longest = (last, last);
        for event in self.events().iter().filter(|event| is_its(event.call)) {
            let first = event.began.min(asked.unwrap_or(event.began));
            asked = Some(first);
            if event.outcome == Outcome::Done {
                let from = first.max(last);
                if event.ended.saturating_duration_since(from) > longest.1 - longest.0 {
                    longest = (from, event.ended);
                }
                last = last.max(event.ended);
                asked = None;
            }
        }
        longest
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
