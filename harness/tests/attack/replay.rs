//! Replayed tokens.

use crate::pair::{Pair, Side, until};
use crate::user::{PASSWORD, reason, refusal};

/// Waits until the contacts service refuses the token; returns the reason.
async fn refused(side: &Side, access_token: &str) -> String {
    until("the token is refused", async || {
        let status = side.list(access_token).await.err()?;
        Some(reason(&status))
    })
    .await
}

#[tokio::test]
async fn an_access_token_ends_with_its_session_on_every_service() {
    let pair = Pair::start().await;
    let ada = pair.side(0).user("ada@example.com").await;
    let other = pair.side(1).log_in("ada@example.com", PASSWORD).await;
    let other = other.unwrap();
    for side in &pair.sides {
        side.list(&ada.access_token).await.unwrap();
    }

    pair.side(0).log_out(&ada.refresh_token).await;

    for side in &pair.sides {
        assert_eq!(refused(side, &ada.access_token).await, "TOKEN_REVOKED");
        side.list(&other.access_token).await.unwrap();
        let again = side.refresh(&ada.refresh_token).await;
        assert_eq!(refusal(again), "SESSION_REVOKED");
    }
}

#[tokio::test]
async fn an_old_refresh_token_ends_the_session_of_thief_and_owner() {
    let pair = Pair::start().await;
    let stolen = pair.side(0).user("ada@example.com").await;
    let mut owner = stolen.clone();
    for number in 0..2 {
        let answer = pair.side(number).refresh(&owner.refresh_token).await;
        owner = answer.unwrap().tokens.unwrap();
    }

    let thief = pair.side(0).refresh(&stolen.refresh_token).await;

    assert_eq!(refusal(thief), "REFRESH_TOKEN_REUSED");
    let next = pair.side(1).refresh(&owner.refresh_token).await;
    assert_eq!(refusal(next), "SESSION_REVOKED");
    for side in &pair.sides {
        for token in [&stolen.access_token, &owner.access_token] {
            assert_eq!(refused(side, token).await, "TOKEN_REVOKED");
        }
    }
}
