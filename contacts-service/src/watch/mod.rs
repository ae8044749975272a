//! Tells of changes as they happen.
//!
//! A stream reads the feed when it is woken, and sleeps when it has told all: it
//! holds a part of the feed at most, whatever its reader does, and a lost wake-up
//! costs time and nothing else. One poller for all streams of a replica wakes them
//! within a second; hints of those who write are faster.

pub mod hints;
pub mod hub;
pub mod poll;
pub mod stream;
