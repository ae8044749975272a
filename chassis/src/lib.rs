//! What both services stand on: settings, logs, the database, the server, and
//! the check of access tokens.

pub mod address_rate;
pub mod caller;
pub mod chores;
pub mod cli;
pub mod client_address;
pub mod clock;
pub mod config;
pub mod db;
pub mod deadline;
pub mod deletion_feed;
pub mod email;
pub mod identity;
pub mod key_feed;
pub mod keyring;
pub mod limits;
pub mod metrics;
pub mod page_token;
pub mod pool;
pub mod probe;
pub mod program;
pub mod rate;
pub mod rate_limits;
pub mod revocation_feed;
pub mod revocations;
pub mod secret_file;
pub mod server;
pub mod shutdown;
pub mod status;
pub mod telemetry;
pub mod text;
pub mod tls;
pub mod token;
pub mod trouble;
pub mod upstream;
pub mod user_id;

mod admission;
mod calls;
mod health;
mod verified;
mod workers;
