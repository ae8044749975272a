//! Many guesses at once.

use tokio::task::JoinSet;

use crate::pair::Pair;
use crate::user::reason;

#[tokio::test(flavor = "multi_thread")]
async fn of_200_guesses_at_once_over_both_services_at_most_three_are_looked_at() {
    let pair = Pair::start().await;
    pair.side(0).sign_up("ada@example.com").await.unwrap();

    for email in ["ada@example.com", "nobody@example.com"] {
        let mut guesses = JoinSet::new();
        for number in 0..200 {
            let side = pair.side(number);
            let guess = format!("harbour-lantern-{}", 1000 + number);
            guesses.spawn(async move { side.log_in(email, &guess).await.unwrap_err() });
        }
        let answers = guesses.join_all().await;

        let reasons: Vec<_> = answers.iter().map(reason).collect();
        let count = |what: &str| reasons.iter().filter(|reason| *reason == what).count();
        let looked_at = count("INVALID_CREDENTIALS");
        assert!((1..=3).contains(&looked_at), "{looked_at} of {email}");
        assert_eq!(looked_at + count("LOG_IN_THROTTLED"), 200, "{reasons:?}");
    }
}
