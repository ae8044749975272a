//! Administration: the checks of its callers, and the transaction of every change.
//!
//! An access token outlives the end of a role, a session or a service account by minutes.
//! Therefore each call checks in the database that its caller is an administrator now,
//! and each change checks it again in its own transaction, in which the result cannot
//! change.

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
use chassis::settings::keyring::KeyRing;
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

/// A call that makes a change.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The user or program of the token.
    pub caller: &'a Caller,
    /// The client's address.
    pub ip: &'a str,
    /// When it happened.
    pub now: DateTime<Utc>,
}

/// The key of the one queue in which the changes of all administrators wait.
const ALL_ACTS: Uuid = Uuid::nil();

/// The operations of administrators.
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
    /// Administers this database and the signing keys of `keeper`, for tokens with this
    /// audience. `ring` derives the secrets of service accounts.
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

    /// Refuses a token without the scope, and one that is valid at other services.
    fn ensure_token(&self, caller: &Caller) -> Result<()> {
        caller.ensure(ADMIN_SCOPE)?;
        if caller.audience == self.audience {
            Ok(())
        } else {
            Err(TokenError::InsufficientScope.into())
        }
    }

    /// Refuses a caller who is not an administrator now.
    pub async fn ensure_admin(&self, caller: &Caller, now: DateTime<Utc>) -> Result<()> {
        self.ensure_token(caller)?;
        let Some(session_id) = caller.session_id else {
            return ensure_scope(scopes_of(&self.db, caller).await?, ADMIN_SCOPE);
        };
        ensure_role(store::users::of_caller(&self.db, caller, session_id, now).await?)
    }

    /// Starts a change by an administrator, who cannot lose the role before it ends.
    /// Changes run one after the other: if two administrators remove each other, one
    /// remains.
    async fn begin<'a>(&self, call: Call<'a>) -> Result<Act<'a>> {
        Act::begin(self.open(call).await?, call).await
    }

    /// Opens the transaction of a change that locks other rows before users. Until it is
    /// this change's turn, it uses no database connection.
    async fn open(&self, call: Call<'_>) -> Result<Transaction> {
        self.ensure_token(call.caller)?;
        Ok(self.db.begin_in_turn(ALL_ACTS).await?)
    }
}

/// One transaction of an administrator.
struct Act<'a> {
    tx: Transaction,
    call: Call<'a>,
    /// The enabled administrators.
    administrators: Vec<UserId>,
}

impl<'a> Act<'a> {
    /// Starts in a transaction that has not locked users yet.
    async fn begin(mut tx: Transaction, call: Call<'a>) -> Result<Self> {
        // Locks the caller's row, too, if the caller is a user and not a program.
        let administrators = store::users::lock_administrators(&mut *tx).await?;
        ensure_still_admin(&mut tx, call.caller, call.now).await?;
        Ok(Self {
            tx,
            call,
            administrators,
        })
    }

    /// Refuses to remove the role from the caller or from the last administrator.
    fn ensure_another_admin_than(&self, id: UserId) -> Result<()> {
        if id == self.call.caller.user_id {
            return Err(Error::OwnAccount);
        }
        if self.administrators == [id] {
            return Err(Error::LastAdministrator);
        }
        Ok(())
    }

    /// Records the change, and who makes it.
    async fn record(&mut self, event: Event<'_>) -> Result<()> {
        let event = event.by(self.call.caller.user_id);
        store::audit::insert(&mut *self.tx, event, self.call.now).await
    }

    /// Revokes the existing tokens of a user or a service account; the last step before
    /// the commit, because tokens may have been issued while the call waited.
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
