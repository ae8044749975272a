//! Makes calls at either replica, records them, and repeats those whose outcome is unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::labels_service_client::LabelsServiceClient;
use proto::contacts::v1::shares_service_client::SharesServiceClient;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::history::{Event, History, Outcome, Refusal};
use super::stage::Side;
use crate::error::Result;

/// The deadline of an attempt.
const DEADLINE: Duration = Duration::from_secs(4);

/// An attempt whose response does not arrive is given up after this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a call may take with all repetitions, which is longer than any fault.
const CALL_MAX: Duration = Duration::from_mins(2);

/// The first and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Clients of one replica of each service.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub(super) auth: AuthServiceClient<Channel>,
    pub(super) account: AccountServiceClient<Channel>,
    pub(super) book: ContactsServiceClient<Channel>,
    pub(super) labels: LabelsServiceClient<Channel>,
    pub(super) shares: SharesServiceClient<Channel>,
}

impl Clients {
    /// They connect with the first call.
    pub(super) fn of(side: &Side) -> Result<Self> {
        let channel = |address| -> Result<Channel> {
            let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
            Ok(endpoint
                .connect_timeout(Duration::from_secs(2))
                .http2_keep_alive_interval(Duration::from_secs(2))
                .keep_alive_timeout(Duration::from_secs(2))
                .connect_lazy())
        };
        let auth = channel(side.to_auth.address())?;
        let contacts = channel(side.to_contacts.address())?;
        Ok(Self {
            auth: AuthServiceClient::new(auth.clone()),
            account: AccountServiceClient::new(auth),
            book: ContactsServiceClient::new(contacts.clone()),
            labels: LabelsServiceClient::new(contacts.clone()),
            shares: SharesServiceClient::new(contacts),
        })
    }
}

/// What an attempt returned.
pub(super) enum Answer<T> {
    Done(T),
    Refused(Refusal),
    Unknown,
}

/// Makes the calls of one user.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) history: Arc<History>,
    pub(super) owner: usize,
    sides: [Clients; 2],
    /// Attempts go to one replica and the other in turn.
    turn: Arc<AtomicUsize>,
}

/// The answer to a repeated call, and whether an earlier attempt may have been executed.
pub(super) struct Settled<T> {
    pub(super) answer: Answer<T>,
    pub(super) was_unknown: bool,
}

impl Caller {
    pub(super) fn new(history: &Arc<History>, owner: usize, sides: &[Clients; 2]) -> Self {
        Self {
            history: Arc::clone(history),
            owner,
            sides: sides.clone(),
            turn: Arc::new(AtomicUsize::new(owner)),
        }
    }

    /// The replica of the next attempt.
    pub(super) fn next_side(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed) % 2
    }

    /// Makes one attempt at a replica.
    pub(super) async fn attempt<T, F>(
        &self,
        side: usize,
        call: &'static str,
        about: &str,
        make: impl FnOnce(Clients) -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let began = Instant::now();
        // Boxed, because the future of a call is large, and is part of all that await it.
        let response = Box::pin(make(self.sides[side].clone()));
        let response = timeout(PATIENCE, response).await;
        let (outcome, answer) = match response {
            Ok(Ok(response)) => (Outcome::Done, Answer::Done(response.into_inner())),
            Ok(Err(status)) => {
                let outcome = Outcome::from(&status);
                let answer = match &outcome {
                    Outcome::Refused(refusal) => Answer::Refused(refusal.clone()),
                    _ => Answer::Unknown,
                };
                (outcome, answer)
            }
            Err(_) => (Outcome::Unknown(Refusal::timed_out()), Answer::Unknown),
        };
        self.history.record(Event {
            owner: self.owner,
            call,
            about: about.to_owned(),
            side,
            began,
            ended: Instant::now(),
            outcome,
        });
        answer
    }

    /// Makes one attempt, and repeats it only while it is refused for the moment.
    pub(super) async fn once<T, F>(
        &self,
        call: &'static str,
        about: &str,
        make: impl Fn(Clients) -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            match self.attempt(self.next_side(), call, about, &make).await {
                Answer::Refused(refusal) if refusal.is_passing() && began.elapsed() < CALL_MAX => {
                    sleep(pause).await;
                    pause = (2 * pause).min(PAUSES.1);
                }
                answer => return answer,
            }
        }
    }

    /// Repeats an attempt until its outcome is known.
    pub(super) async fn settle<T, F>(
        &self,
        call: &'static str,
        about: &str,
        make: impl Fn(Clients) -> F,
    ) -> Settled<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        let mut was_unknown = false;
        loop {
            let answer = self.once(call, about, &make).await;
            if !matches!(answer, Answer::Unknown) || began.elapsed() > CALL_MAX {
                if matches!(answer, Answer::Unknown) {
                    let text = format!("{call} had no outcome within {CALL_MAX:?}");
                    self.history.violate("availability", about, text);
                }
                return Settled {
                    answer,
                    was_unknown,
                };
            }
            was_unknown = true;
            sleep(pause).await;
            pause = (2 * pause).min(PAUSES.1);
        }
    }
}

/// A request with a deadline, and with an access token unless that is empty.
pub(super) fn signed<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    if let Ok(bearer) = format!("Bearer {token}").parse()
        && !token.is_empty()
    {
        request.metadata_mut().insert("authorization", bearer);
    }
    request
}
