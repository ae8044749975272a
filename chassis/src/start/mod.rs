//! What a program needs to start and stop: its command line, limits, chores and health
//! probe.

pub mod chores;
pub mod cli;
pub mod lag;
pub mod limits;
pub mod probe;
pub mod shutdown;
pub mod traces;
