//! A leaked signing key.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proto::auth::v1::{GetMeRequest, ListSigningKeysRequest, RevokeSigningKeyRequest};

use crate::admin::Admin;
use crate::pair::{Pair, until};
use crate::user::{bearer, refusal};

/// The `kid` of an access token.
fn kid(access_token: &str) -> String {
    let (header, _) = access_token.split_once('.').unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_only_key_is_revoked_and_both_services_serve_on() {
    let pair = Pair::start().await;
    let ada = pair.side(1).user("ada@example.com").await;
    let admin = Admin::new(&pair, 0, "admin@example.com").await;
    let keys = admin.asks(ListSigningKeysRequest::default());
    let keys = admin.client().list_signing_keys(keys).await.unwrap();
    assert_eq!(keys.into_inner().keys.len(), 1);
    let stolen = kid(&ada.access_token);
    for side in &pair.sides {
        side.list(&ada.access_token).await.unwrap();
    }

    let request = admin.asks(RevokeSigningKeyRequest {
        kid: stolen.clone(),
    });
    admin.client().revoke_signing_key(request).await.unwrap();

    // The replica that revoked the key neither signs with it nor accepts it after the
    // response.
    let here = pair.side(0);
    let me = bearer(GetMeRequest {}, &ada.access_token);
    let me = here.account.clone().get_me(me).await;
    assert_eq!(refusal(me), "TOKEN_INVALID");
    let fresh = here.refresh(&ada.refresh_token).await.unwrap();
    let fresh = fresh.tokens.unwrap().access_token;
    assert_ne!(kid(&fresh), stolen);
    // Other replicas follow soon: the published keys may be cached for five minutes,
    // which is longer than this waits.
    for side in &pair.sides {
        until("contacts takes a token of the new key", async || {
            side.list(&fresh).await.ok()
        })
        .await;
        assert_eq!(refusal(side.list(&ada.access_token).await), "TOKEN_INVALID");
    }
    let there = pair.side(1);
    until("the other replica signs with the new key", async || {
        let signed = there.log_in("ada@example.com", crate::user::PASSWORD).await;
        (kid(&signed.unwrap().access_token) != stolen).then_some(())
    })
    .await;
}
