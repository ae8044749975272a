//! Administration: who may do it, and the frame of every act.
//!
//! An access token outlives the end of a role, a session or a service account by minutes. So
//! each call asks the database whether its caller is an administrator now, and each
//! act does so in its own transaction, in which the answer cannot change.

mod audit;
mod keys;
mod operator;
mod secrets;
mod service_accounts;
mod users;

use std::sync::Arc;

use chassis::access::caller::Caller;
use chassis::access::token::TokenError;
use chassis::clock::Clock;
use chassis::database::pool::{Pool, Transaction};
use chassis::start::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::operator::{MakeAdminError, make_admin};
use self::secrets::Secrets;
pub use self::service_accounts::{NewServiceAccount, is_built_in};
pub use self::users::RolesChange;
use crate::error::{Error, Result};
use crate::mfa::Mfa;
use crate::model::roles;
use crate::model::user::User;
use crate::service_accounts::{ensure_scope, scopes_of};
use crate::sessions::grant::ADMIN_SCOPE;
use crate::signing_keys::Keeper;
use crate::store;
use crate::store::audit::Event;
use crate::throttle::Throttle;

/// A call that asks for an act.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Whose token it was.
    pub caller: &'a Caller,
    /// Where it came from.
    pub ip: &'a str,
    /// When.
    pub now: DateTime<Utc>,
}

/// The one queue in which acts wait for each other.
const ALL_ACTS: Uuid = Uuid::nil();

/// What administrators can do.
pub struct Administration {
    db: Pool,
    keeper: Keeper,
    audience: String,
    secrets: Secrets,
    throttle: Arc<Throttle>,
    mfa: Arc<Mfa>,
    clock: Clock,
}

impl Administration {
    /// Administers this database, and the signing keys that `keeper` keeps, for tokens of
    /// this audience. The secrets of service accounts are derived by `ring`.
    #[must_use]
    pub fn new(
        db: Pool,
        keeper: Keeper,
        audience: String,
        ring: &KeyRing,
        throttle: Arc<Throttle>,
        mfa: Arc<Mfa>,
        clock: Clock,
    ) -> Self {
        Self {
            db,
            keeper,
            audience,
            secrets: Secrets::new(ring),
            throttle,
            mfa,
            clock,
        }
    }

    /// Refuses a token that does not allow it, and one that other services see.
    fn ensure_token(&self, caller: &Caller) -> Result<()> {
        caller.ensure(ADMIN_SCOPE)?;
        if caller.audience == self.audience {
            Ok(())
        } else {
            Err(TokenError::InsufficientScope.into())
        }
    }

    /// Refuses a caller who is not an administrator at this moment.
    pub async fn ensure_admin(&self, caller: &Caller, now: DateTime<Utc>) -> Result<()> {
        self.ensure_token(caller)?;
        let Some(session_id) = caller.session_id else {
            return ensure_scope(scopes_of(&self.db, caller).await?, ADMIN_SCOPE);
        };
        ensure_role(store::users::of_caller(&self.db, caller, session_id, now).await?)
    }

    /// Begins an act of an administrator, who stays one until it is over. Acts follow
    /// each other: two that take the role from each other's callers leave one.
    async fn begin<'a>(&self, call: Call<'a>) -> Result<Act<'a>> {
        Act::begin(self.open(call).await?, call).await
    }

    /// Opens the transaction of an act that takes other rows before users. Acts wait for
    /// each other without a connection.
    async fn open(&self, call: Call<'_>) -> Result<Transaction> {
        self.ensure_token(call.caller)?;
        Ok(self.db.begin_in_turn(ALL_ACTS).await?)
    }
}

/// One transaction of an administrator.
struct Act<'a> {
    tx: Transaction,
    call: Call<'a>,
    /// Those who are not disabled.
    administrators: Vec<UserId>,
}

impl<'a> Act<'a> {
    /// Begins in a transaction that holds no user yet.
    async fn begin(mut tx: Transaction, call: Call<'a>) -> Result<Self> {
        // The caller is one of them, where it is a user and an administrator.
        let administrators = store::users::lock_administrators(&mut *tx).await?;
        ensure_still_admin(&mut tx, call.caller, call.now).await?;
        Ok(Self {
            tx,
            call,
            administrators,
        })
    }

    /// Refuses an act that takes the role from the caller itself, or from the last one.
    fn ensure_another_admin_than(&self, id: UserId) -> Result<()> {
        if id == self.call.caller.user_id {
            return Err(Error::OwnAccount);
        }
        if self.administrators == [id] {
            return Err(Error::LastAdministrator);
        }
        Ok(())
    }

    /// Writes down what is done, and who does it.
    async fn record(&mut self, event: Event<'_>) -> Result<()> {
        let event = event.by(self.call.caller.user_id);
        store::audit::insert(&mut *self.tx, event, self.call.now).await
    }

    /// Revokes the tokens that a user or a service account has until now; the last thing before
    /// the commit. The call may have waited since it began, and tokens were made
    /// meanwhile.
    async fn revoke_all(&mut self, id: UserId, clock: &Clock) -> Result<()> {
        store::revocations::insert_user(&mut *self.tx, id, clock.now()).await
    }

    async fn commit(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }
}

async fn ensure_still_admin(
    tx: &mut Transaction,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(session_id) = caller.session_id else {
        let (name, id) = (&caller.client_id, caller.user_id);
        let scopes =
            store::service_accounts::keep(&mut **tx, name, id, caller.issue_time()).await?;
        return ensure_scope(scopes, ADMIN_SCOPE);
    };
    ensure_role(store::users::of_caller(&mut **tx, caller, session_id, now).await?)
}

fn ensure_role(user: Option<User>) -> Result<()> {
    let user = user.ok_or(TokenError::Revoked)?;
    if user.disabled {
        return Err(Error::AccountDisabled);
    }
    if roles::make_admin(&user.roles) {
        Ok(())
    } else {
        Err(TokenError::InsufficientScope.into())
    }
}
