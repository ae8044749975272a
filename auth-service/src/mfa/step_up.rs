//! The code for a change of an account with a second factor.

use chassis::database::pool::Transaction;

use super::{Call, Mfa, MfaCode};
use crate::error::{Error, Result};
use crate::model::user::User;
use crate::throttle::CountedCode;

/// The proof of a call in addition to the password.
pub struct StepUp<'a> {
    mfa: &'a Mfa,
    code: Option<MfaCode>,
    call: Call<'a>,
}

/// A code that was counted as a guess, if one was required.
pub(crate) struct Counted(Option<CountedCode>);

impl<'a> StepUp<'a> {
    /// A call with this code, if any.
    #[must_use]
    pub fn new(mfa: &'a Mfa, code: Option<MfaCode>, call: Call<'a>) -> Self {
        Self { mfa, code, call }
    }

    /// Counts the code, if the account requires one.
    pub(crate) async fn count(&self, user: &User) -> Result<Counted> {
        if !user.mfa_enabled {
            return Ok(Counted(None));
        }
        let code = self.code.as_ref().ok_or_else(Error::mfa_code_missing)?;
        let counted = self.mfa.count_of(user.id, code, self.call.now).await?;
        Ok(Counted(Some(counted)))
    }

    /// Uses up the code, if the account requires one. The transaction has locked the
    /// user's row, given here.
    pub(crate) async fn spend(
        &self,
        tx: &mut Transaction,
        user: &User,
        counted: &Counted,
    ) -> Result<()> {
        if !user.mfa_enabled {
            return Ok(());
        }
        let (Some(code), Some(counted)) = (&self.code, counted.0) else {
            // The second factor was enabled while the password was checked.
            return Err(Error::mfa_code_missing());
        };
        self.mfa.spend(tx, user.id, code, &self.call).await?;
        self.mfa.throttle.code_succeeded(tx, counted).await
    }

    /// Records that a code was wrong, after the transaction that checked it; returns the
    /// outcome unchanged.
    pub(crate) async fn noted<T>(&self, done: Result<T>, user: &User) -> Result<T> {
        self.mfa.noted(done, user.id, &self.call).await
    }
}
