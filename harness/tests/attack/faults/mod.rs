//! Faults under the running pair: callers who give up, clocks that are wrong, routes that
//! lead to a standby, poolers in between, answers that nobody reads.

mod cancelled;
mod clocks;
mod crowd;
mod large_batch;
mod pooler;
mod restored;
mod route;
mod standby;
mod unread;
