//! The common base of both services: settings, logs, the database, the server, and the
//! check of access tokens.

pub mod access;
pub mod auth_client;
pub mod clock;
pub mod database;
pub mod email;
pub mod long_work;
pub mod metrics;
pub mod page_token;
pub mod paging;
pub mod serve;
pub mod settings;
pub mod sha256;
pub mod start;
pub mod status;
pub mod telemetry;
pub mod text;
pub mod tls;
pub mod trace;
pub mod trouble;
pub mod user_id;

mod process;
