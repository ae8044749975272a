//! The auth service over a real socket and a real database: a file per topic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test should panic where it fails"
)]

mod admin;
mod admin_access;
mod admin_audit;
mod admin_keys;
mod admin_last;
mod admin_programs;
mod admin_users;
mod app;
mod at_once;
mod at_rest;
mod authenticator;
mod behavior;
mod binary;
mod caller;
mod change_email;
mod change_password;
mod console;
mod database_away;
mod deleted_users;
mod deletion;
mod deletion_by_admin;
mod device_token;
mod email_verification;
mod expiry;
mod export;
mod grants;
mod hasher;
mod hostile;
mod jwks;
mod killed;
mod limits;
mod log_in;
mod log_out;
mod mail;
mod mail_budget;
mod mail_server;
mod make_admin;
mod me;
mod metrics;
mod mfa;
mod mfa_at_rest;
mod mfa_log_in;
mod mfa_notices;
mod mfa_throttle;
mod new_email;
mod password_reset;
mod pepper;
mod programs;
mod purge;
mod refresh_races;
mod refresh_token;
mod repeats;
mod replicas;
mod revocation_times;
mod revocations;
mod revoked_keys;
mod session_limits;
mod sessions;
mod share_notices;
mod sign_up;
mod signing_keys;
mod squatting;
mod stream_ends;
mod throttle;
