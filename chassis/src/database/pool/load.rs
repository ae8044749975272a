//! How busy a pool is, and who waits for it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How busy a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Connections in use.
    pub in_use: usize,
    /// Connections that are open and not in use.
    pub idle: usize,
    /// Those who wait for a connection.
    pub waiting: usize,
}

/// Counts someone who waits; also until it gives up.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    pub(super) fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
