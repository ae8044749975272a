//! Guesses that are meant to lock an owner out, and two calls that reveal something when
//! repeated.

use proto::auth::v1::{ChangeEmailRequest, LogInRequest, SignUpRequest};
use tokio::task::JoinSet;
use tonic::Status;

use crate::pair::{Pair, Side};
use crate::user::{PASSWORD, bearer, reason, refusal};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// Returns the device's next token.
async fn log_in(side: &Side, password: &str, device_token: &str) -> Result<String, Status> {
    let request = LogInRequest {
        email: ADA.into(),
        password: password.into(),
        device_token: device_token.into(),
        ..LogInRequest::default()
    };
    let answer = side.auth.clone().log_in(request).await?;
    Ok(answer.into_inner().device_token)
}

/// The number of guesses that are checked, of a hundred at once over both sides.
async fn looked_at(pair: &Pair, device_token: &str) -> usize {
    let mut guesses = JoinSet::new();
    for number in 0..100 {
        let (side, token) = (pair.side(number), device_token.to_owned());
        let guess = format!("harbour-lantern-{}", 1000 + number);
        guesses.spawn(async move { refusal(log_in(&side, &guess, &token).await) });
    }
    let answers = guesses.join_all().await;
    let looked_at = answers.iter().filter(|is| *is == "INVALID_CREDENTIALS");
    looked_at.count()
}

/// The number of such events in the audit log.
async fn audited(pair: &Pair, kind: &str) -> i64 {
    let db = sqlx::PgPool::connect_with(pair.database.admin()).await;
    let sql = "SELECT count(*) FROM auth.audit_events WHERE kind = $1";
    let query = sqlx::query_scalar(sql).bind(kind.to_owned());
    query.fetch_one(&db.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_lock_a_known_device_out_and_a_stolen_token_gains_three_guesses() {
    let pair = Pair::start().await;
    pair.side(0).sign_up(ADA).await.unwrap();
    let device = log_in(&pair.side(0), PASSWORD, "").await.unwrap();
    let stolen = log_in(&pair.side(1), PASSWORD, "").await.unwrap();

    for token in ["", &stolen] {
        let count = looked_at(&pair, token).await;
        assert!((1..=3).contains(&count), "{count}");
        let right = log_in(&pair.side(0), PASSWORD, token).await;
        assert_eq!(refusal(right), "LOG_IN_THROTTLED");
    }

    log_in(&pair.side(1), PASSWORD, &device).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn change_email_tells_one_user_of_five_emails_and_is_written_down() {
    let pair = Pair::start().await;
    let access = pair.side(0).user(ADA).await.access_token;
    pair.side(0).sign_up(BOB).await.unwrap();

    let mut answers = Vec::new();
    for number in 0..20 {
        let request = ChangeEmailRequest {
            current_password: PASSWORD.into(),
            new_email: BOB.into(),
            code: String::new(),
        };
        let mut account = pair.side(number).account;
        let answer = account.change_email(bearer(request, &access)).await;
        answers.push(reason(&answer.unwrap_err()));
    }

    let (told, refused) = answers.split_at(5);
    assert!(told.iter().all(|is| is == "EMAIL_TAKEN"), "{answers:?}");
    let throttled = |is: &String| is == "EMAIL_CHANGE_THROTTLED" || is == "RATE_LIMITED";
    assert!(refused.iter().all(throttled), "{answers:?}");
    assert_eq!(audited(&pair, "email_change_taken").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_of_a_sign_up_are_guesses_like_any_other() {
    let pair = Pair::start().await;
    let sign_up = SignUpRequest {
        email: ADA.into(),
        password: PASSWORD.into(),
        display_name: "Ada".into(),
        request_id: "01980b5e-6f1c-7cde-9a3b-2f7d6c1e8a90".into(),
    };
    pair.side(0).auth.sign_up(sign_up.clone()).await.unwrap();

    let mut repeats = JoinSet::new();
    for number in 0..100 {
        let mut auth = pair.side(number).auth;
        let guess = SignUpRequest {
            password: format!("harbour-lantern-{}", 1000 + number),
            ..sign_up.clone()
        };
        repeats.spawn(async move { reason(&auth.sign_up(guess).await.unwrap_err()) });
    }
    let answers = repeats.join_all().await;

    let count = |what: &str| answers.iter().filter(|is| *is == what).count();
    let looked_at = count("REQUEST_ID_REUSED");
    assert!((1..=3).contains(&looked_at), "{answers:?}");
    assert_eq!(looked_at + count("LOG_IN_THROTTLED"), 100, "{answers:?}");
    assert_eq!(
        audited(&pair, "sign_up_failed").await,
        i64::try_from(looked_at).unwrap()
    );
    let request_id = SignUpRequest {
        request_id: "1".into(),
        ..sign_up
    };
    let refused = pair.side(1).auth.sign_up(request_id).await;
    assert_eq!(refusal(refused), "REQUEST_ID_INVALID");
}
