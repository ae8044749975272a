//! Calls of the contacts service for its users: one user cannot use up the limit of
//! others, and only a program can set the client's address.

use proto::auth::v1::GetMeRequest;
use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::contacts::v1::ListSharedWithMeRequest;
use proto::contacts::v1::shares_service_client::SharesServiceClient;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::pair::{Pair, Program, until};
use crate::user::{bearer, reason};

/// A low limit for one address.
const FEW: (&str, &str) = ("RATE_LIMITS", "account:ip=20/m,account:user=off");
const MALLORY: &str = "198.51.100.7";
const ADA: &str = "203.0.113.5";

/// A contacts service that calls `auth`, and trusts this client's address headers.
async fn contacts(
    pair: &Pair,
    name: &str,
    auth: &Program,
    more: &[(&'static str, &str)],
) -> (Program, Channel) {
    let url = format!("http://{}", auth.address());
    let mut settings = vec![("TRUSTED_PROXIES", "127.0.0.0/8"), ("AUTH_URL", &*url)];
    settings.extend(more);
    let (contacts, channel) = pair.further(name, &settings).await;
    until("it serves", async || {
        contacts.is_serving().await.then_some(())
    })
    .await;
    (contacts, channel)
}

async fn shared(contacts: &Channel, access: &str, from: &str) -> Result<(), Status> {
    let mut request = bearer(ListSharedWithMeRequest::default(), access);
    let from = from.parse().unwrap();
    request.metadata_mut().insert("x-forwarded-for", from);
    let mut shares = SharesServiceClient::new(contacts.clone());
    shares.list_shared_with_me(request).await.map(drop)
}

/// Calls until it is refused; returns the reason.
async fn hammer(call: impl AsyncFn(u8) -> Result<(), Status>) -> String {
    for number in 1..=100 {
        if let Err(status) = call(number).await {
            return reason(&status);
        }
    }
    panic!("a hundred calls are let through")
}

#[tokio::test]
async fn one_user_does_not_turn_sharing_off_for_others() {
    let pair = Pair::start().await;
    let mallory = pair.side(0).user("mallory@example.com").await.access_token;
    let ada = pair.side(1).user("ada@example.com").await.access_token;
    let (auth, _) = pair.further("auth-service-2", &[FEW]).await;
    let (_known, channel) = contacts(&pair, "contacts-service-2", &auth, &[]).await;

    let refused = hammer(async |_| shared(&channel, &mallory, MALLORY).await).await;
    assert_eq!(refused, "RATE_LIMITED");

    for _ in 0..5 {
        shared(&channel, &ada, ADA).await.unwrap();
    }
}

#[tokio::test]
async fn a_contacts_service_without_a_secret_shares_as_well() {
    let pair = Pair::start().await;
    let ada = pair.side(1).user("ada@example.com").await.access_token;
    let (auth, _) = pair.further("auth-service-2", &[FEW]).await;
    let nobody = [("AUTH_SECRET_FILE", "")];
    let (_unknown, channel) = contacts(&pair, "contacts-service-2", &auth, &nobody).await;

    shared(&channel, &ada, ADA).await.unwrap();
}

#[tokio::test]
async fn whoever_is_no_program_does_not_say_where_it_calls_from() {
    let pair = Pair::start().await;
    let mallory = pair.side(0).user("mallory@example.com").await.access_token;
    let (_auth, channel) = pair.further("auth-service-2", &[FEW]).await;

    for pretended in [mallory.as_str(), "abs1_none", ""] {
        let refused = hammer(async |number| {
            let mut request: Request<_> = bearer(GetMeRequest {}, &mallory);
            let metadata = request.metadata_mut();
            let program = format!("Bearer {pretended}").parse().unwrap();
            metadata.insert("x-program-authorization", program);
            let address = format!("198.51.100.{number}").parse().unwrap();
            metadata.insert("x-client-address", address);
            let mut account = AccountServiceClient::new(channel.clone());
            account.get_me(request).await.map(drop)
        })
        .await;
        assert_eq!(refused, "RATE_LIMITED");
    }
}
