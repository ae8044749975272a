//! Streams changes as they happen.
//!
//! A stream reads the feed when it is woken, and waits when it has caught up: it holds at
//! most a part of the feed, whatever its reader does, and a lost wake-up only costs time.
//! One poller for all streams of a replica wakes them within a second; notifications of
//! writers are faster.

pub mod hints;
pub mod hub;
pub mod poll;
pub mod stream;
