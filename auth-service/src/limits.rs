//! How often who may call what, unless the operator says otherwise.
//!
//! Generous: an office that shares one address, and a phone network that shares a few, call
//! within them. The throttle protects the single account.

use chassis::access::rate::Rate;
use chassis::access::rate_limits::{Asked, Group};

/// The name of the limits of programs, also where they call for users.
pub const PROGRAMS: &str = "program";

/// The groups of RPCs. `GetJwks` and `GetServerInfo` are in none: they answer
/// from memory.
pub const GROUPS: [Group; 8] = [
    // A hash, and rows for ever; and an answer that shows whether an e-mail has an account.
    Group {
        name: "sign_up",
        rpcs: &["AuthService/SignUp", "AccountService/ChangeEmail"],
        ip: Some(Rate::per_hour(300)),
        user: Some(Rate::per_hour(30)),
        asked: Asked::Before,
    },
    // A hash.
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
        asked: Asked::Before,
    },
    // A client of a dead token has to learn that, or it would come back for ever.
    Group {
        name: "refresh",
        rpcs: &["AuthService/RefreshToken"],
        ip: Some(Rate::per_minute(6000)),
        user: Some(Rate::per_minute(120)),
        asked: Asked::ByHandler,
    },
    // Fills the mailboxes of others.
    Group {
        name: "mail",
        rpcs: &[
            "AuthService/SendEmailVerification",
            "AuthService/RequestPasswordReset",
        ],
        ip: Some(Rate::per_hour(100)),
        user: None,
        asked: Asked::Before,
    },
    Group {
        name: "account",
        rpcs: &["AuthService/LogOut", "AccountService/*"],
        ip: Some(Rate::per_minute(6000)),
        user: Some(Rate::per_minute(600)),
        asked: Asked::Before,
    },
    // By whoever knows no secret, too. The user is the program with the secret that the call
    // brings, so that nobody else uses up what it may.
    Group {
        name: "service_token",
        rpcs: &["ServiceTokenService/IssueServiceToken"],
        ip: Some(Rate::per_minute(600)),
        user: Some(Rate::per_minute(60)),
        asked: Asked::Before,
    },
    // A gateway may ask about every token that it sees.
    Group {
        name: PROGRAMS,
        rpcs: &["ServiceTokenService/*"],
        ip: Some(Rate::per_second(2000)),
        user: Some(Rate::per_second(2000)),
        asked: Asked::Before,
    },
    Group {
        name: "admin",
        rpcs: &["AdminService/*"],
        ip: None,
        user: Some(Rate::per_minute(1200)),
        asked: Asked::Before,
    },
];
