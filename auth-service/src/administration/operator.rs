//! The first administrator, who cannot be made over the network: the `make-admin`
//! sub-command.

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::database::{Database, DbError};
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};

use super::users::change_of_roles;
use crate::config::MakeAdminConfig;
use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::email::Email;
use crate::model::roles::{self, ADMIN};
use crate::store;
use crate::store::audit::Event;

/// Why the account was not made an administrator.
#[derive(Debug, thiserror::Error)]
pub enum MakeAdminError {
    /// The text is not an e-mail address.
    #[error("the value of --email is not an e-mail address")]
    Email,
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Nobody signed up with it.
    #[error("no account has this e-mail; sign up with it first")]
    Unknown,
    /// A disabled account cannot administer.
    #[error("the account with this e-mail is disabled")]
    Disabled,
    /// Anybody can sign up with somebody else's address.
    #[error(
        "this e-mail is not verified, so anyone may have signed up with it; \
         verify it first, or add --unverified"
    )]
    Unverified,
    /// A database call failed.
    #[error("cannot make an administrator")]
    Failed(#[source] Error),
}

/// Makes the account with this e-mail an administrator, and prints the result.
pub async fn make_admin(config: MakeAdminConfig, clock: Clock) -> Result<(), MakeAdminError> {
    let email = Email::parse(&config.email).map_err(|_| MakeAdminError::Email)?;
    let database = Database::new(&config.database, &[])?;
    let clock = clock.of_database();
    database.ensure_usable(&clock).await?;
    let made = give_role(
        &database.background(),
        &email,
        config.unverified,
        clock.now(),
    )
    .await;
    let made = made.map_err(|error| match error {
        Error::UserNotFound => MakeAdminError::Unknown,
        Error::AccountDisabled => MakeAdminError::Disabled,
        Error::EmailNotVerified => MakeAdminError::Unverified,
        error => MakeAdminError::Failed(error),
    })?;
    say(made);
    Ok(())
}

/// The new administrator.
#[derive(Clone, Copy)]
struct Made {
    user_id: UserId,
    already: bool,
}

async fn give_role(db: &Pool, email: &Email, unverified: bool, now: DateTime<Utc>) -> Result<Made> {
    let known = store::emails::get(db, email.as_str()).await?;
    let user_id = known.ok_or(Error::UserNotFound)?.user_id;
    let mut tx = db.begin().await?;
    let user = store::users::lock_for_change(&mut *tx, user_id).await?;
    // The e-mail may belong to another account by now.
    let user = user.filter(|user| user.email == email.as_str());
    let user = user.ok_or(Error::UserNotFound)?;
    if user.disabled {
        return Err(Error::AccountDisabled);
    }
    if !user.email_verified && !unverified {
        return Err(Error::EmailNotVerified);
    }
    let already = roles::make_admin(&user.roles);
    if !already {
        let mut new = user.roles.clone();
        new.push(ADMIN.to_owned());
        new.sort();
        store::users::set_roles(&mut *tx, user_id, &new, now).await?;
        let detail = change_of_roles(&user.roles, &new);
        let event = Event::new(user_id, Kind::UserRolesSet, "");
        let event = event.by_operator().detail(&detail);
        store::audit::insert(&mut *tx, event, now).await?;
        tx.commit().await?;
    }
    Ok(Made { user_id, already })
}

#[expect(clippy::print_stdout, reason = "the operator runs this in a terminal")]
fn say(made: Made) {
    let user_id = made.user_id;
    if made.already {
        println!("user {user_id} is an administrator already");
    } else {
        println!("user {user_id} can administer: log in and ask for the scope auth.admin");
    }
}
