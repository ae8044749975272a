//! What the check of an access token costs once the token is known.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chassis::access::caller::RequireCaller;
use chassis::access::token::{KeySet, TokenRules, Verifier};
use chassis::auth_client::key_feed;
use chassis::auth_client::upstream::{ClientFiles, Upstream};
use chassis::clock::Clock;
use tonic::Request;
use tonic::service::Interceptor;

use super::Goal;
use crate::error::Result;
use crate::load::stage::Stage;
use crate::load::world::bearer;

const CALLS: u32 = 200_000;

pub(super) async fn measure(stage: &Stage) -> Result<Vec<Goal>> {
    let world = &stage.pair().world;
    let tokens = world.log_in(&world.users[0].email).await?;
    let url = format!("http://{}", world.at.auth);
    let auth = Upstream::new(&url, ClientFiles::default(), true)?;
    let keys = KeySet::default();
    let follow = tokio::spawn(key_feed::follow(auth, keys.clone()));
    // It ends only when its sender, which is here, is dropped.
    let _ = keys.loaded().wait_for(|loaded| *loaded).await;
    follow.abort();
    let rules = TokenRules {
        issuer: "addressbook".to_owned(),
        audiences: vec!["addressbook".to_owned()],
        leeway: Duration::from_secs(30),
    };
    let verifier = Verifier::new(&rules, keys, Clock::System);
    let mut guard = RequireCaller::new(verifier.into());
    let bearer = bearer(&tokens.access_token)?;
    let mut check = move || {
        let mut request = Request::new(());
        let headers = std::iter::once((http::header::AUTHORIZATION, bearer.clone())).collect();
        *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
        guard.call(request)
    };
    drop(check()?);
    let began = Instant::now();
    for _ in 0..CALLS {
        drop(black_box(check()?));
    }
    let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
    let what = "check of a known token, with its header, in us";
    let from = format!("{CALLS} checks on one thread");
    Ok(vec![Goal::at_most(what, each, 2.0, &from)])
}
