//! What ends when the owner of a mailbox takes over an account that somebody else may have
//! set up.

use chassis::database::pool::Transaction;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::model::audit::Kind;
use crate::model::user::User;
use crate::store;
use crate::store::audit::Event;

/// Ends the second factor of an account whose row the transaction holds. Sessions and the
/// password are another matter of those who call.
pub(crate) async fn take_over(
    tx: &mut Transaction,
    user_id: UserId,
    ip: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    end_second_factor(tx, user_id, now).await?;
    let event = Event::new(user_id, Kind::AccountClaimed, ip);
    store::audit::insert(&mut **tx, event, now).await
}

/// Turns the second factor off and forgets all that belongs to it, also where it is not
/// in use yet; returns the user, where it was on.
pub(crate) async fn end_second_factor(
    tx: &mut Transaction,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = store::users::set_mfa_enabled(&mut **tx, user_id, false, now).await?;
    store::mfa::forget_user(tx, user_id).await?;
    Ok(user)
}
