//! Faults in a running system: cancelled calls, wrong clocks, a route to a standby,
//! its promotion, poolers, balancers, unread responses.

mod balancer;
mod cancelled;
mod clocks;
mod crowd;
mod large_batch;
mod pooler;
mod promotion;
mod read_only;
mod recovered;
mod restored;
mod route;
mod standby;
mod unread;
mod writer;
