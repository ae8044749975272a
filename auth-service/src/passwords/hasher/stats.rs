//! Metrics of the hasher.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::Block;
use chassis::metrics::{Metrics, Times, count};

use super::queue::Shared;

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Stats {
    /// Refused jobs.
    refused: AtomicUsize,
    /// Skipped jobs of clients that disconnected.
    skipped: AtomicUsize,
    /// The memory that the threads hold, in blocks.
    blocks: AtomicUsize,
    /// Completed jobs.
    times: Times,
}

impl Stats {
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn skipped(&self, count: usize) {
        self.skipped.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn done(&self, took: Duration) {
        self.times.add(took);
    }

    /// Records a change of the blocks that a thread holds.
    pub(super) fn holds(&self, before: usize, now: usize) {
        let difference = now.wrapping_sub(before);
        self.blocks.fetch_add(difference, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn blocks(&self) -> usize {
        self.blocks.load(Ordering::Relaxed)
    }
}

/// Registers metrics of the queue and of the threads.
pub(super) fn publish(shared: &Arc<Shared>, metrics: &Metrics) {
    let read = |read: fn(&Shared) -> usize| {
        let shared = Arc::clone(shared);
        move || count(read(&shared))
    };
    let times = &shared.stats.times;
    metrics.times("hash_seconds", "Duration of a password hash", times);
    let help = "Passwords that wait to be hashed";
    metrics.gauge("hasher_waiting", help, read(|shared| shared.load().0));
    let help = "Passwords that are being hashed";
    metrics.gauge("hasher_running", help, read(|shared| shared.load().1));
    let help = "Passwords that were not hashed, because too many were waiting";
    let refused = |shared: &Shared| shared.stats.refused.load(Ordering::Relaxed);
    metrics.counter("hasher_refused", help, read(refused));
    let help = "Passwords that were not hashed, because the client had gone";
    let skipped = |shared: &Shared| shared.stats.skipped.load(Ordering::Relaxed);
    metrics.counter("hasher_skipped", help, read(skipped));
    let help = "Memory held for hashing";
    metrics.gauge("hasher_memory_bytes", help, read(memory));
}

fn memory(shared: &Shared) -> usize {
    shared.stats.blocks.load(Ordering::Relaxed) * Block::SIZE
}
