//! What is removed when the owner of a mailbox takes over an account that somebody else
//! may have set up.

use chassis::database::pool::Transaction;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::mfa;
use crate::model::audit::Kind;
use crate::store;
use crate::store::audit::Event;

/// Removes the second factor of an account whose row the transaction has locked. The
/// caller handles sessions and the password.
pub(crate) async fn take_over(
    tx: &mut Transaction,
    user_id: UserId,
    ip: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    mfa::turn_off(tx, user_id, now).await?;
    let event = Event::new(user_id, Kind::AccountClaimed, ip);
    store::audit::insert(&mut **tx, event, now).await
}
