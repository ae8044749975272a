//! Builds the wings: the parts of the service that the handlers of a thread call, such as
//! accounts, sessions and mail. Each has database connections and other handles of its
//! own.

use std::sync::Arc;

use chassis::database::pool::Pool;

use crate::accounts::Accounts;
use crate::administration::Administration;
use crate::mail::Mail;
use crate::mfa::Mfa;
use crate::passwords::Passwords;
use crate::service_accounts::ServiceAccounts;
use crate::sessions::Sessions;
use crate::sessions::grant::own_audience;
use crate::throttle::Throttle;
use crate::{Parts, settings};

/// What the handlers of one thread call.
pub(crate) struct Wings {
    pub(crate) mail: Arc<Mail>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) mfa: Arc<Mfa>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) administration: Administration,
    pub(crate) service_accounts: ServiceAccounts,
}

impl Wings {
    /// Builds the wings of one thread. A wing is built before those that use it.
    pub(crate) fn new(parts: &Parts) -> Self {
        let db = parts.database.calls();
        let settings = settings::token_settings(&parts.config);
        let throttle = Arc::new(throttle(parts, &db));
        let mail = Arc::new(Mail::new(
            db.clone(),
            Arc::clone(&throttle),
            parts.outbox.clone(),
        ));
        let passwords = Arc::new(Passwords::new(
            db.clone(),
            Arc::clone(&parts.hasher),
            Arc::clone(&throttle),
            &parts.ring,
        ));
        let sessions = Arc::new(Sessions::new(
            db.clone(),
            Arc::clone(&parts.codec),
            parts.keeper.keys(),
            settings.clone(),
            parts.clock.clone(),
        ));
        let mfa = Arc::new(Mfa::new(
            db.clone(),
            Arc::clone(&parts.ring),
            parts.config.totp_issuer.clone(),
            Arc::clone(&throttle),
            Arc::clone(&passwords),
            Arc::clone(&mail),
            Arc::clone(&sessions),
        ));
        let accounts = Arc::new(Accounts::new(
            db.clone(),
            settings::account_rules(&parts.config),
            Arc::clone(&throttle),
            passwords,
            Arc::clone(&mail),
            Arc::clone(&sessions),
            Arc::clone(&parts.exports),
        ));
        let administration = Administration::new(
            db.clone(),
            parts.keeper.clone(),
            own_audience(&settings.audience),
            &parts.ring,
            throttle,
            Arc::clone(&mfa),
            parts.clock.clone(),
        );
        let keys = parts.keeper.keys();
        Self {
            service_accounts: ServiceAccounts::new(db, keys, Arc::clone(&parts.verifier), settings),
            mail,
            sessions,
            mfa,
            accounts,
            administration,
        }
    }
}

/// Slows guessing down, with the operator's limit for one address.
pub(crate) fn throttle(parts: &Parts, db: &Pool) -> Throttle {
    let failures = parts.config.log_in_address_failures;
    Throttle::new(db.clone(), &parts.ring, failures)
}
