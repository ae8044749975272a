//! The default rate limits.
//!
//! Generous enough for an office that shares one address, and a phone network that shares
//! a few. The throttle protects the single account.

use chassis::access::rate::Rate;
use chassis::access::rate_limits::{CheckedAt, Group};

/// The name of the limits of programs, also for their calls for users.
pub const PROGRAMS: &str = "program";

/// The groups of RPCs. `GetJwks` and `GetServerInfo` are in none, because they respond
/// from memory.
pub const GROUPS: [Group; 8] = [
    // Costs a hash and permanent rows, and reveals whether an e-mail has an account.
    Group {
        name: "sign_up",
        rpcs: &["AuthService/SignUp", "AccountService/ChangeEmail"],
        ip: Some(Rate::per_hour(300)),
        user: Some(Rate::per_hour(30)),
        checked_at: CheckedAt::Layer,
    },
    // Hashes a password.
    Group {
        name: "log_in",
        rpcs: &[
            "AuthService/LogIn",
            "AuthService/CompleteMfa",
            "AuthService/VerifyEmail",
            "AuthService/ResetPassword",
            "AccountService/ChangePassword",
            "AccountService/DeleteMe",
            "AccountService/EnrollTotp",
            "AccountService/DisableTotp",
            "AccountService/RegenerateRecoveryCodes",
        ],
        ip: Some(Rate::per_minute(600)),
        user: Some(Rate::per_minute(60)),
        checked_at: CheckedAt::Layer,
    },
    // A client with an invalid token must learn that, otherwise it would retry for ever.
    Group {
        name: "refresh",
        rpcs: &["AuthService/RefreshToken"],
        ip: Some(Rate::per_minute(6000)),
        user: Some(Rate::per_minute(120)),
        checked_at: CheckedAt::Handler,
    },
    // Fills the mailboxes of others.
    Group {
        name: "mail",
        rpcs: &[
            "AuthService/SendEmailVerification",
            "AuthService/RequestPasswordReset",
            "AccountService/SendShareNotice",
        ],
        ip: Some(Rate::per_hour(100)),
        user: None,
        checked_at: CheckedAt::Layer,
    },
    Group {
        name: "account",
        rpcs: &["AuthService/LogOut", "AccountService/*"],
        ip: Some(Rate::per_minute(6000)),
        user: Some(Rate::per_minute(600)),
        checked_at: CheckedAt::Layer,
    },
    // Anyone can call it. The user limit counts by the id and the secret in the call, so
    // that callers with a wrong secret do not use up the limit of the right one.
    Group {
        name: "service_token",
        rpcs: &["ServiceTokenService/IssueServiceToken"],
        ip: Some(Rate::per_minute(600)),
        user: Some(Rate::per_minute(60)),
        checked_at: CheckedAt::Layer,
    },
    // A gateway may introspect every token that it receives.
    Group {
        name: PROGRAMS,
        rpcs: &["ServiceTokenService/*"],
        ip: Some(Rate::per_second(2000)),
        user: Some(Rate::per_second(2000)),
        checked_at: CheckedAt::Layer,
    },
    Group {
        name: "admin",
        rpcs: &["AdminService/*"],
        ip: Some(Rate::per_minute(6000)),
        user: Some(Rate::per_minute(1200)),
        checked_at: CheckedAt::Layer,
    },
];
