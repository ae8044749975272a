//! Logs failures of repeated work: at the start, whenever the cause changes, and at the
//! end.

use std::error::Error;

use tonic::Status;

/// An error and its causes, in one line, without repetition.
#[must_use]
pub fn cause(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = match error.downcast_ref::<Status>() {
            // The text of a status contains the `Debug` form of its first cause, so it is
            // not used.
            Some(status) => format!("{:?}: {}", status.code(), status.message()),
            // Its own text is always "transport error".
            None if error.is::<tonic::transport::Error>() => String::new(),
            None => error.to_string(),
        };
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = line + ": " + &text;
        }
        next = error.source();
    }
    line
}

/// Repeated work, which succeeds or fails.
#[derive(Debug)]
pub struct Trouble {
    what: &'static str,
    /// The causes logged since the start of the failure.
    causes: Vec<String>,
}

/// The maximum number of logged causes, because some differ each time.
const CAUSES_MAX: usize = 8;

impl Trouble {
    /// Creates it in the good state. `what` is the log line of a failure.
    #[must_use]
    pub fn new(what: &'static str) -> Self {
        Self {
            what,
            causes: Vec::new(),
        }
    }

    /// Records a failure. Logs the cause, unless it was logged since the last success.
    pub fn failed(&mut self, error: &(dyn Error + 'static)) {
        let cause = cause(error);
        if self.causes.len() < CAUSES_MAX && !self.causes.contains(&cause) {
            tracing::warn!(cause, "{}", self.what);
            self.causes.push(cause);
        }
    }

    /// Records a success.
    pub fn is_over(&mut self) {
        if !self.causes.is_empty() {
            tracing::info!("over: {}", self.what);
            self.causes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Link(&'static str, #[source] Option<Box<Link>>);

    fn links(texts: &[&'static str]) -> Link {
        let (first, rest) = texts.split_first().unwrap();
        let next = (!rest.is_empty()).then(|| Box::new(links(rest)));
        Link(first, next)
    }

    #[test]
    fn a_chain_of_causes_is_logged_to_its_end() {
        let refused = links(&["tcp connect error", "connection refused (os error 111)"]);
        let text = "tcp connect error: connection refused (os error 111)";
        assert_eq!(cause(&refused), text);

        let status = Status::from_error(Box::new(links(&["transport error", text])));
        assert_eq!(cause(&status), format!("Unknown: transport error: {text}"));
    }

    #[test]
    fn text_that_a_cause_repeats_is_logged_once() {
        let repeats = links(&["no answer: too slow", "too slow", "the network is down"]);
        assert_eq!(cause(&repeats), "no answer: too slow: the network is down");
    }

    #[test]
    fn trouble_is_logged_when_it_begins_and_when_its_cause_changes() {
        let mut trouble = Trouble::new("cannot ask");
        for cause in ["refused", "refused", "away", "refused", "away"] {
            trouble.failed(&links(&[cause]));
        }
        assert_eq!(trouble.causes, ["refused", "away"]);
        trouble.is_over();
        assert!(trouble.causes.is_empty());
    }
}
