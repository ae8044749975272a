//! Request ids, with which clients can repeat calls.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chassis::text::single_line;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::predictable::is_counted_up;
use chassis::sha256::sha256;

/// A request id, with which a client can repeat a call; stored as SHA-256. Whoever knows
/// it can get the response again, so it must not be guessable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub [u8; 32]);

impl RequestId {
    /// The shortest id, in characters: 128 bits in base64. A UUID has 36.
    pub const CHARS_MIN: usize = 22;
    /// The longest id, in characters.
    pub const CHARS_MAX: usize = 64;
    /// An id with fewer different characters is not random: of 22 random digits one in
    /// two million has fewer, of UUIDs none.
    const DIFFERENT_CHARS_MIN: usize = 5;

    /// Parses an id; `None` for the empty text.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let invalid = |problem| Error::invalid("REQUEST_ID_INVALID", "request_id", problem);
        let text = single_line(text, Self::CHARS_MAX).map_err(|problem| invalid(problem.into()))?;
        if text.is_empty() {
            return Ok(None);
        }
        let different: BTreeSet<char> = text.chars().collect();
        let is_short = text.chars().count() < Self::CHARS_MIN;
        if is_short || different.len() < Self::DIFFERENT_CHARS_MIN || is_counted_up(&text) {
            let problem = "can be guessed; send a random UUID, or 22 to 64 random characters";
            return Err(invalid(Cow::from(problem)));
        }
        if is_made_of_time(&text) {
            let problem = "is a UUID made from the time and the machine, which can be guessed; \
                           send a random one (version 4)";
            return Err(invalid(Cow::from(problem)));
        }
        Ok(Some(Self(sha256(text.as_bytes()))))
    }
}

/// Whether this is a UUID of version 1, 2 or 6: it contains the time, so it can be
/// guessed. Text without hyphens is not checked, because any 32 digits look like a UUID.
fn is_made_of_time(text: &str) -> bool {
    let id = Uuid::try_parse(text).ok().filter(|_| text.contains('-'));
    id.is_some_and(|id| matches!(id.get_version_num(), 1 | 2 | 6))
}
