//! The pauses of the buckets.

use crate::store::throttles::Step;

/// The seconds of a minute and of an hour.
const MINUTE: i32 = 60;
const HOUR: i32 = 60 * MINUTE;

/// The steps of an account; a success resets its failures.
pub(super) const ACCOUNT: [Step; 5] = [
    Step::below(3, 0),
    Step::below(9, 3),
    Step::below(25, 5),
    Step::below(100, 10),
    Step::last(15 * MINUTE),
];

/// The steps of an authenticator app's codes, of which three in a million are valid:
/// guessing for a year with the password finds one with a probability below 1 %.
pub(super) const TOTP: [Step; 5] = [
    Step::below(3, 0),
    Step::below(4, 30),
    Step::below(6, MINUTE),
    Step::below(8, 5 * MINUTE),
    Step::last(4 * HOUR),
];

/// The steps of an address, which a whole office may share; `free` failures cause no
/// pause. A success removes only its own attempt, otherwise an attacker could reset the
/// failures by logging in to an account of its own.
pub(super) fn of_address(free: i32) -> [Step; 5] {
    [
        Step::below(free, 0),
        Step::below(free.saturating_mul(2), 3),
        Step::below(free.saturating_mul(4), 10),
        Step::below(free.saturating_mul(8), MINUTE),
        Step::last(15 * MINUTE),
    ]
}

/// The budget of requested mails to one e-mail address, and of mails about shares: three,
/// then one an hour.
pub(super) const MAIL: [Step; 2] = [Step::below(3, 0), Step::last(HOUR)];

/// The additional budget of password resets, for when the budget of all mails is used up:
/// two, then one an hour.
pub(super) const RESETS: [Step; 2] = [Step::below(2, 0), Step::last(HOUR)];

/// The budget of notices of one kind to one e-mail address: five, then one an hour.
pub(super) const NOTICES: [Step; 2] = [Step::below(5, 0), Step::last(HOUR)];

/// The budget of a user's mails about shares, to any addresses: twenty, then one an hour.
pub(super) const SHARE_NOTICES: [Step; 2] = [Step::below(20, 0), Step::last(HOUR)];

/// The budget of a user's changes of the e-mail, each of which reveals whether an e-mail
/// has an account: five, then one an hour.
pub(super) const EMAIL_CHANGES: [Step; 2] = [Step::below(5, 0), Step::last(HOUR)];

/// The budget of entries that strangers cause in the audit log of an account: ten, then
/// one an hour.
pub(super) const STRANGERS_ENTRIES: [Step; 2] = [Step::below(10, 0), Step::last(HOUR)];

/// The budget of mails that one client address requests.
pub(super) const MAIL_ASKER: [Step; 3] =
    [Step::below(50, 0), Step::below(500, 10), Step::last(MINUTE)];
