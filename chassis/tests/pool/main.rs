//! The pool against a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod cancelled;
mod pool;
mod reuse;
mod vanished;
