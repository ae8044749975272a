//! What the auth service revokes stops working at the contacts service, too.

use std::time::{Duration, Instant};

use proto::auth::v1::admin_service_client::AdminServiceClient;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{
    DisableUserRequest, LogInRequest, LogOutRequest, SignUpRequest, TokenPair, log_in_response,
};
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::{ListContactsRequest, WatchContactsRequest, WatchContactsResponse};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::stack::Stack;

pub(crate) const PASSWORD: &str = "the otter naps at noon";
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Both services.
pub(crate) struct Clients {
    auth: AuthServiceClient<Channel>,
    admin: AdminServiceClient<Channel>,
    pub(crate) book: ContactsServiceClient<Channel>,
}

impl Clients {
    pub(crate) fn of(stack: &Stack) -> Self {
        let channel = |address: &str| {
            let endpoint = Endpoint::from_shared(format!("http://{address}"));
            endpoint.unwrap().connect_lazy()
        };
        Self {
            auth: AuthServiceClient::new(channel(&stack.auth)),
            admin: AdminServiceClient::new(channel(&stack.auth)),
            book: ContactsServiceClient::new(channel(&stack.contacts)),
        }
    }

    async fn log_in(&mut self, email: &str) -> TokenPair {
        self.log_in_for(email, &[]).await
    }

    async fn log_in_for(&mut self, email: &str, scopes: &[&str]) -> TokenPair {
        let request = LogInRequest {
            email: email.into(),
            password: PASSWORD.into(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..LogInRequest::default()
        };
        let answer = self.auth.log_in(request).await.unwrap().into_inner();
        match answer.result.unwrap() {
            log_in_response::Result::Tokens(tokens) => tokens,
            log_in_response::Result::MfaChallenge(_) => unreachable!("no second factor"),
        }
    }

    /// Makes an account; returns its id.
    async fn sign_up(&mut self, email: &str) -> String {
        let request = SignUpRequest {
            email: email.into(),
            password: PASSWORD.into(),
            ..SignUpRequest::default()
        };
        let answer = self.auth.sign_up(request).await.unwrap();
        answer.into_inner().user.unwrap().id
    }

    async fn user(&mut self, email: &str) -> TokenPair {
        self.user_with_id(email).await.1
    }

    /// Makes an account and logs in.
    pub(crate) async fn user_with_id(&mut self, email: &str) -> (String, TokenPair) {
        (self.sign_up(email).await, self.log_in(email).await)
    }

    async fn disable(&mut self, by: &TokenPair, user_id: &str) {
        let user_id = user_id.to_owned();
        let mut request = Request::new(DisableUserRequest { user_id });
        let bearer = format!("Bearer {}", by.access_token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        self.admin.disable_user(request).await.unwrap();
    }

    async fn log_out(&mut self, tokens: &TokenPair) {
        let refresh_token = tokens.refresh_token.clone();
        self.auth
            .log_out(LogOutRequest { refresh_token })
            .await
            .unwrap();
    }

    /// Whether contacts reports that it receives revocations.
    async fn hears(&self, stack: &Stack) -> bool {
        let url = format!("http://{}", stack.contacts);
        let channel = Endpoint::from_shared(url).unwrap().connect_lazy();
        let service = "addressbook.revocations".to_owned();
        let request = HealthCheckRequest { service };
        let answer = HealthClient::new(channel).check(request).await.unwrap();
        answer.into_inner().status() == ServingStatus::Serving
    }

    /// Subscribes, and waits until everything was sent.
    async fn watch(&mut self, tokens: &TokenPair) -> Streaming<WatchContactsResponse> {
        let mut request = Request::new(WatchContactsRequest::default());
        let bearer = format!("Bearer {}", tokens.access_token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        let mut events = self
            .book
            .watch_contacts(request)
            .await
            .unwrap()
            .into_inner();
        assert!(events.message().await.unwrap().is_some());
        events
    }

    pub(crate) async fn list(&mut self, tokens: &TokenPair) -> Result<(), Status> {
        let mut request = Request::new(ListContactsRequest::default());
        let bearer = format!("Bearer {}", tokens.access_token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        self.book.list_contacts(request).await.map(drop)
    }

    /// Lists until it is refused permanently; returns the reason, and the time taken.
    pub(crate) async fn refused(&mut self, tokens: &TokenPair) -> (String, Duration) {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < PATIENCE, "the token still works");
            let answer = self.list(tokens).await;
            // Without a reason it is an error of the transport: the service is
            // restarting.
            let info = answer
                .as_ref()
                .err()
                .and_then(Status::get_details_error_info);
            match info {
                Some(info) if info.reason.starts_with("TOKEN_") => {
                    return (info.reason, began.elapsed());
                }
                _ => tokio::task::yield_now().await,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_stops_the_access_token_everywhere_and_outlives_crashes() {
    let stack = Stack::start(&[]);
    let mut clients = Clients::of(&stack);
    let ada = clients.user("ada@example.com").await;
    let other = clients.log_in("ada@example.com").await;
    clients.list(&ada).await.unwrap();
    assert!(clients.hears(&stack).await);

    clients.log_out(&ada).await;

    let (reason, after) = clients.refused(&ada).await;
    assert_eq!(reason, "TOKEN_REVOKED");
    println!("refused after {after:?}");
    clients.list(&other).await.unwrap();

    // A new service knows what was revoked before its start.
    stack.kill("contacts-service");
    assert_eq!(clients.refused(&ada).await.0, "TOKEN_REVOKED");

    // And an interrupted feed resumes where it was.
    stack.kill("auth-service");
    let bob = loop {
        if clients
            .auth
            .get_server_info(proto::auth::v1::GetServerInfoRequest {})
            .await
            .is_ok()
        {
            break clients.user("bob@example.com").await;
        }
    };
    clients.list(&bob).await.unwrap();
    clients.log_out(&bob).await;
    assert_eq!(clients.refused(&bob).await.0, "TOKEN_REVOKED");
    assert_eq!(clients.refused(&ada).await.0, "TOKEN_REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_users_access_token_stops_everywhere() {
    let stack = Stack::start(&[]);
    let mut clients = Clients::of(&stack);
    clients.sign_up("ada@example.com").await;
    stack.make_admin("ada@example.com");
    let admin = clients.log_in_for("ada@example.com", &["auth.admin"]).await;
    let ada = clients.log_in("ada@example.com").await;
    let id = clients.sign_up("bob@example.com").await;
    let bob = clients.log_in("bob@example.com").await;
    clients.list(&bob).await.unwrap();

    clients.disable(&admin, &id).await;

    let (reason, after) = clients.refused(&bob).await;
    assert_eq!(reason, "TOKEN_REVOKED");
    println!("refused after {after:?}");
    clients.list(&ada).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_ends_the_streams_of_the_session_and_no_others() {
    let stack = Stack::start(&[]);
    let mut clients = Clients::of(&stack);
    let ada = clients.user("ada@example.com").await;
    let other = clients.log_in("ada@example.com").await;
    let mut ending = clients.watch(&ada).await;
    let mut lasting = clients.watch(&other).await;

    clients.log_out(&ada).await;
    let began = Instant::now();

    let end = loop {
        match timeout(PATIENCE, ending.message()).await.unwrap() {
            Ok(event) => assert!(event.is_some(), "ended without an error"),
            Err(status) => break status,
        }
    };
    println!("ended after {:?}", began.elapsed());
    let info = end.get_details_error_info().unwrap();
    assert_eq!(info.reason, "TOKEN_REVOKED");
    clients.list(&other).await.unwrap();
    assert!(
        timeout(Duration::from_secs(2), lasting.message())
            .await
            .is_err()
    );
}
