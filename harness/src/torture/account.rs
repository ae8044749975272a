//! Signs up, logs in, refreshes and ends sessions: no refresh token works twice or is lost,
//! and nothing of an ended session is accepted.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use proto::auth::v1::{
    LogOutRequest, RefreshTokenRequest, RefreshTokenResponse, RevokeSessionRequest, TokenPair,
};
use proto::contacts::v1::GetSettingsRequest;
use tokio::time::{Instant, sleep};
use tonic::Code;
use uuid::Builder;

use super::calls::{Answer, Caller, Clients, signed};
use super::history::{History, Refusal};
use super::user::{log_in, sign_up};

const REFRESH: &str = "RefreshToken";

/// An access token whose session ended is refused after this time at the latest: the
/// silence after which contacts refuses all tokens, and what a busy machine takes.
const BOUND: Duration = Duration::from_secs(10);

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum End {
    LogOut,
    Revoke,
    Reuse,
    /// It stays until the end of the run.
    Not,
}

const ENDS: [End; 4] = [End::LogOut, End::Revoke, End::Reuse, End::Not];

/// Makes users with sessions, one after the other.
pub(super) struct Accounts {
    caller: Caller,
    rng: Rng,
    /// The sessions that did not end.
    alive: Vec<TokenPair>,
    made: u32,
}

impl Accounts {
    pub(super) fn new(caller: Caller, seed: u64) -> Self {
        let number = u64::try_from(caller.owner).unwrap_or_default();
        Self {
            caller,
            rng: Rng::with_seed(seed.wrapping_add(number)),
            alive: Vec::new(),
            made: 0,
        }
    }

    /// Lives until then.
    pub(super) async fn run(mut self, until: Instant) -> Self {
        while Instant::now() < until {
            self.live(until).await;
        }
        self
    }

    /// The sessions that were never ended must still be there.
    pub(super) async fn finish(mut self) {
        for tokens in std::mem::take(&mut self.alive) {
            self.refresh(&tokens).await;
        }
    }

    fn history(&self) -> &Arc<History> {
        &self.caller.history
    }

    /// One user from its sign-up to the end of its session.
    async fn live(&mut self, until: Instant) {
        self.made += 1;
        let email = format!("account{}x{}@example.com", self.caller.owner, self.made);
        let id = self.random_id();
        if sign_up(&self.caller, &email, &id).await.is_none() {
            return;
        }
        let Some(mut tokens) = log_in(&self.caller, &email).await else {
            return;
        };
        let mut spent = None;
        for _ in 0..self.rng.usize(1..8) {
            let Some(next) = self.refresh(&tokens).await else {
                return;
            };
            spent = Some(std::mem::replace(&mut tokens, next));
        }
        let end = if Instant::now() < until {
            ENDS[self.rng.usize(..ENDS.len())]
        } else {
            End::Not
        };
        let is_ended = match (end, spent) {
            (End::LogOut, _) => self.log_out(&tokens).await,
            (End::Revoke, _) => self.revoke(&tokens).await,
            (End::Reuse, Some(spent)) => self.reuse(&mut tokens, &spent).await,
            (End::Reuse | End::Not, _) => false,
        };
        if is_ended {
            self.is_over(&tokens).await;
        } else {
            self.alive.push(tokens);
        }
    }

    /// Refreshes once, or twice at the same time: both get the same successor.
    async fn refresh(&mut self, tokens: &TokenPair) -> Option<TokenPair> {
        let request_id = self.random_id();
        let is_twice = self.rng.u8(..3) == 0;
        let about = &tokens.session_id;
        let refresh = || self.repeat_refresh(tokens, &request_id);
        let next = if is_twice {
            let (first, second) = tokio::join!(refresh(), refresh());
            let (first, second) = (first?, second?);
            let are_same = first.refresh_token == second.refresh_token;
            self.history().check("refresh", are_same, about, || {
                "one refresh token had two successors".to_owned()
            });
            first
        } else {
            refresh().await?
        };
        let is_new = next.refresh_token != tokens.refresh_token;
        let is_it = is_new && next.session_id == tokens.session_id;
        self.history().check("refresh", is_it, about, || {
            "a refresh returned the same token, or another session".to_owned()
        });
        Some(next)
    }

    /// Repeats a refresh until it is acknowledged, which it must be.
    async fn repeat_refresh(&self, tokens: &TokenPair, request_id: &str) -> Option<TokenPair> {
        match self.try_refresh(tokens, request_id).await {
            Answer::Done(response) => response.tokens,
            Answer::Refused(refusal) => {
                let text = format!("a valid refresh token was refused: {refusal}");
                self.history().violate("refresh", &tokens.session_id, text);
                None
            }
            Answer::Unknown => None,
        }
    }

    async fn try_refresh(
        &self,
        tokens: &TokenPair,
        request_id: &str,
    ) -> Answer<RefreshTokenResponse> {
        let request = RefreshTokenRequest {
            refresh_token: tokens.refresh_token.clone(),
            request_id: request_id.to_owned(),
            ..RefreshTokenRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed("", request.clone());
            async move { to.auth.refresh_token(request).await }
        };
        let about = &tokens.session_id;
        self.caller.settle(REFRESH, about, make).await.answer
    }

    async fn log_out(&self, tokens: &TokenPair) -> bool {
        let request = LogOutRequest {
            refresh_token: tokens.refresh_token.clone(),
        };
        let make = |mut to: Clients| {
            let request = signed("", request.clone());
            async move { to.auth.log_out(request).await }
        };
        let about = &tokens.session_id;
        let settled = self.caller.settle("LogOut", about, make).await;
        self.is_done("LogOut", about, &settled.answer)
    }

    async fn revoke(&self, tokens: &TokenPair) -> bool {
        let request = RevokeSessionRequest {
            session_id: tokens.session_id.clone(),
        };
        let make = |mut to: Clients| {
            let request = signed(&tokens.access_token, request.clone());
            async move { to.account.revoke_session(request).await }
        };
        let about = &tokens.session_id;
        let settled = self.caller.settle("RevokeSession", about, make).await;
        match settled.answer {
            // The first attempt revoked the token of the second one.
            Answer::Refused(refusal)
                if settled.was_unknown && refusal.code == Code::Unauthenticated =>
            {
                true
            }
            answer => self.is_done("RevokeSession", about, &answer),
        }
    }

    fn is_done<T>(&self, call: &str, about: &str, answer: &Answer<T>) -> bool {
        if let Answer::Refused(refusal) = answer {
            let text = format!("{call} was refused: {refusal}");
            self.history().violate("accounts", about, text);
        }
        matches!(answer, Answer::Done(_))
    }

    /// Presents a token whose successor was spent: that ends the session.
    async fn reuse(&mut self, tokens: &mut TokenPair, spent: &TokenPair) -> bool {
        let Some(next) = self.refresh(tokens).await else {
            return false;
        };
        *tokens = next;
        let id = self.random_id();
        let answer = self.try_refresh(spent, &id).await;
        self.is_refused("a spent refresh token", &tokens.session_id, &answer)
    }

    fn is_refused<T>(&self, what: &str, about: &str, answer: &Answer<T>) -> bool {
        let is_refused = |refusal: &Refusal| refusal.code == Code::Unauthenticated;
        let holds = matches!(answer, Answer::Refused(refusal) if is_refused(refusal));
        let is_unknown = matches!(answer, Answer::Unknown);
        self.history()
            .check("refresh", holds || is_unknown, about, || {
                format!("{what} was accepted")
            });
        holds
    }

    /// The session has ended: its refresh token is refused at once, and its access token
    /// after the bound at the latest, by each replica.
    async fn is_over(&mut self, tokens: &TokenPair) {
        let ended = Instant::now();
        let id = self.random_id();
        let answer = self.try_refresh(tokens, &id).await;
        self.is_refused("the token of an ended session", &tokens.session_id, &answer);
        for side in 0..2 {
            self.refuses(side, tokens, ended).await;
        }
    }

    async fn refuses(&self, side: usize, tokens: &TokenPair, ended: Instant) {
        let about = &tokens.session_id;
        let give_up = ended + 3 * BOUND;
        while Instant::now() < give_up {
            let began = Instant::now();
            let make = |mut to: Clients| {
                let request = signed(&tokens.access_token, GetSettingsRequest::default());
                async move { to.book.get_settings(request).await }
            };
            let answer = self.caller.attempt(side, "GetSettings", about, make).await;
            let in_time = began < ended + BOUND;
            match answer {
                Answer::Refused(refusal) if refusal.code == Code::Unauthenticated => {
                    return self.history().check("revocation", true, about, String::new);
                }
                Answer::Done(_) if !in_time => {
                    let text = format!("replica {side} accepts a token {BOUND:?} after its end");
                    return self.history().violate("revocation", about, text);
                }
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn random_id(&mut self) -> String {
        let bytes = self.rng.u128(..).to_be_bytes();
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}
