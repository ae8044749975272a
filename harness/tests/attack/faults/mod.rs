//! Faults under the running pair: callers who give up, clocks that are wrong.

mod cancelled;
mod clocks;
mod crowd;
mod restored;
