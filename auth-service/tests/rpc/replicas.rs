//! Two services on one database.

use proto::auth::v1::GetJwksRequest;

use crate::app::{App, PASSWORD};

#[tokio::test]
async fn replicas_accept_each_others_tokens() {
    let app = App::start().await;
    let replica = app.replica().await;
    app.sign_up("ada@example.org").await.unwrap();

    let first = replica.log_in("ada@example.org", PASSWORD).await.unwrap();
    let second = app
        .refresh(&first.refresh_token)
        .await
        .unwrap()
        .tokens
        .unwrap();
    let again = replica.refresh(&first.refresh_token).await.unwrap();

    app.get_me(&first.access_token).await.unwrap();
    replica.get_me(&second.access_token).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.tokens.unwrap().refresh_token, second.refresh_token);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_that_start_at_once_use_one_key() {
    let app = App::start().await;
    app.sql("DELETE FROM auth.signing_keys").await;

    let (a, b, c, d) = tokio::join!(app.replica(), app.replica(), app.replica(), app.replica());

    let mut kids = Vec::new();
    for replica in [a, b, c, d] {
        let keys = replica
            .auth
            .clone()
            .get_jwks(GetJwksRequest {})
            .await
            .unwrap()
            .into_inner()
            .keys;
        kids.extend(keys.into_iter().map(|key| key.kid));
    }
    assert_eq!(kids.len(), 4);
    kids.dedup();
    assert_eq!(kids.len(), 1);
}
