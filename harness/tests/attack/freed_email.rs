//! An e-mail that changes hands during a slow call of its former owner.

use proto::auth::v1::{ChangeEmailRequest, ChangePasswordRequest, TokenPair};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::pair::{Pair, Side, until};
use crate::user::{OTHER_PASSWORD, PASSWORD, bearer};

const VICTIMS_PASSWORD: &str = "marble-window-2207";

const WELCOME: &str = "Confirm your e-mail address";
const CONFIRM: &str = "Confirm your new e-mail address";

/// Attempts to hit the moment.
const ROUNDS: usize = 5;

/// The first auth service is busy: a new hash takes a third of a second or more, and
/// everything else waits for it.
const BUSY: [&[(&str, &str)]; 2] = [
    &[
        ("ARGON2_MEMORY_KIB", "19456"),
        ("ARGON2_ITERATIONS", "30"),
        ("HASHER_THREADS", "1"),
        // Generous, for a busy machine.
        ("REQUEST_TIMEOUT_SECONDS", "60"),
    ],
    &[],
];

fn change_email(side: &Side, of: &TokenPair, to: &str) -> JoinHandle<Result<(), Status>> {
    let request = ChangeEmailRequest {
        current_password: PASSWORD.into(),
        new_email: to.into(),
        code: String::new(),
    };
    let (mut account, request) = (side.account.clone(), bearer(request, &of.access_token));
    tokio::spawn(async move { account.change_email(request).await.map(drop) })
}

fn change_password(side: &Side, of: &TokenPair) -> JoinHandle<Result<(), Status>> {
    let request = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: OTHER_PASSWORD.into(),
    };
    let (mut account, request) = (side.account.clone(), bearer(request, &of.access_token));
    tokio::spawn(async move { account.change_password(request).await.map(drop) })
}

/// Waits for the failures that the throttle counted since the last `forget`.
async fn until_throttle(db: &PgPool, what: &str, sql: &'static str) {
    until(what, async || {
        let is_so: Option<bool> = sqlx::query_scalar(sql).fetch_one(db).await.unwrap();
        (is_so == Some(true)).then_some(())
    })
    .await;
}

async fn forget(db: &PgPool) {
    let truncate = sqlx::query("TRUNCATE auth.throttles").execute(db).await;
    truncate.unwrap();
}

/// The attacker's request for another e-mail; returns the token that is mailed there. The
/// mail takes longer than the slow call, so the request comes first.
async fn leave(pair: &Pair, attacker: &TokenPair, elsewhere: &str) -> String {
    let asked = change_email(&pair.sides[1], attacker, elsewhere).await;
    asked.unwrap().unwrap();
    pair.mailbox.token(elsewhere, CONFIRM).await
}

/// Frees the victim's address, which the attacker holds, and gives it to the victim.
/// False if the slow call ended before, which ends the request for another e-mail.
async fn hand_over(
    side: &Side,
    attacker: &TokenPair,
    token: String,
    victim: &str,
    slow: &JoinHandle<Result<(), Status>>,
) -> bool {
    if let Err(status) = side.verify_email(token, &attacker.access_token).await {
        assert!(slow.is_finished(), "{status:?}");
        return false;
    }
    side.sign_up_with(victim, VICTIMS_PASSWORD).await.unwrap();
    true
}

/// The victim has its account, and the attacker its own.
async fn each_has_its_own(pair: &Pair, victim: &str, elsewhere: &str) {
    for side in &pair.sides {
        // The busy one may refuse while hashes wait.
        let log_in = async |email: &str, password: &str| {
            until("there is room for a hash", async || {
                let tokens = side.log_in(email, password).await;
                let refused = tokens.as_ref().err().map(Status::code);
                (refused != Some(Code::ResourceExhausted)).then_some(tokens)
            })
            .await
        };
        let tokens = log_in(victim, VICTIMS_PASSWORD).await.unwrap();
        side.refresh(&tokens.refresh_token).await.unwrap();
        log_in(victim, OTHER_PASSWORD).await.unwrap_err();
        log_in(victim, PASSWORD).await.unwrap_err();
        log_in(elsewhere, PASSWORD).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_change_of_the_password_does_not_reach_the_next_owner() {
    let pair = Pair::start_with(BUSY).await;
    let db = PgPool::connect_with(pair.database.admin()).await.unwrap();
    let [busy, quick] = &pair.sides;
    for round in 0..ROUNDS {
        let [victim, elsewhere] = addresses(round);
        let attacker = quick.user(&victim).await;
        // The sender counts its mails.
        pair.mailbox.token(&victim, WELCOME).await;
        let token = leave(&pair, &attacker, &elsewhere).await;
        forget(&db).await;

        let slow = change_password(busy, &attacker);
        // Correct: the account's bucket is deleted, the address's stays.
        let checked = "SELECT count(*) = 1 AND max(failures) = 0 FROM auth.throttles";
        until_throttle(&db, "the password is checked", checked).await;
        if !hand_over(quick, &attacker, token, &victim, &slow).await {
            continue;
        }
        let was_slow = !slow.is_finished();
        let changed = slow.await.unwrap();

        each_has_its_own(&pair, &victim, &elsewhere).await;
        changed.unwrap_err();
        if was_slow {
            return;
        }
    }
    panic!("the change was never slow enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_change_of_the_email_does_not_move_the_next_owners_account() {
    let pair = Pair::start_with(BUSY).await;
    let db = PgPool::connect_with(pair.database.admin()).await.unwrap();
    let [busy, quick] = &pair.sides;
    for round in 0..ROUNDS {
        let [victim, elsewhere] = addresses(round);
        let attacker = quick.user(&victim).await;
        let decoy = format!("{round}.decoy@example.com");
        busy.sign_up(&decoy).await.unwrap();
        for address in [&victim, &decoy] {
            pair.mailbox.token(address, WELCOME).await;
        }
        let token = leave(&pair, &attacker, &elsewhere).await;
        forget(&db).await;

        let ahead = {
            let (side, decoy) = (busy.clone(), decoy.clone());
            tokio::spawn(async move { side.log_in(&decoy, PASSWORD).await })
        };
        let counted = "SELECT count(*) >= 2 FROM auth.throttles";
        until_throttle(&db, "the log-in is looked at", counted).await;
        let slow = change_email(busy, &attacker, &format!("{round}.thief@example.com"));
        let waits = "SELECT count(*) >= 4 FROM auth.throttles";
        until_throttle(&db, "the change of the e-mail waits", waits).await;
        if !hand_over(quick, &attacker, token, &victim, &slow).await {
            continue;
        }
        let was_slow = !ahead.is_finished() && !slow.is_finished();
        let changed = slow.await.unwrap();
        ahead.await.unwrap().unwrap();

        each_has_its_own(&pair, &victim, &elsewhere).await;
        changed.unwrap_err();
        if was_slow {
            return;
        }
    }
    panic!("the change was never slow enough");
}

/// The victim's address, and the one that the attacker switches to.
fn addresses(round: usize) -> [String; 2] {
    ["victim", "elsewhere"].map(|name| format!("{round}.{name}@example.com"))
}
