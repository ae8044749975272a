//! The settings of each part, from the operator's: schedules, rules, lifetimes, threads.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use chassis::access::token::{KeySet, TokenRules, Verifier};
use chassis::clock::Clock;
use chassis::settings::keyring::KeyRing;
use chrono::TimeDelta;

use crate::accounts::AccountRules;
use crate::config::Config;
use crate::passwords::hasher::{Capacity, Hasher};
use crate::passwords::pepper::Peppers;
use crate::passwords::phc::Recipe;
use crate::run_error::RunError;
use crate::sessions::TokenSettings;
use crate::sessions::grant::own_audience;
use crate::signing_keys::Schedule;

pub(crate) fn schedule(config: &Config) -> Schedule {
    Schedule {
        algorithm: config.signing_algorithm,
        rotation: config.signing_key_rotation,
        cache: config.signing_key_cache,
        token_life: config.access_token_ttl + config.token_leeway,
    }
}

pub(crate) fn verifier(config: &Config, keys: KeySet, clock: &Clock) -> Verifier {
    let rules = TokenRules {
        issuer: config.issuer.clone(),
        audiences: vec![config.audience.clone(), own_audience(&config.audience)],
        leeway: config.token_leeway,
    };
    Verifier::new(&rules, keys, clock.clone())
}

fn peppers(config: &Config) -> Result<Peppers, RunError> {
    let Some(file) = &config.password_pepper_file else {
        return Ok(Peppers::default());
    };
    let ring = KeyRing::read(file).map_err(RunError::PepperFile)?;
    Ok(Peppers::new(&ring, config.password_pepper_kid)?)
}

pub(crate) fn hasher(config: &Config) -> Result<Hasher, RunError> {
    let peppers = peppers(config)?;
    let recipe = Recipe::new(
        config.argon2_memory_kib,
        config.argon2_iterations,
        config.argon2_parallelism,
    )
    .and_then(|recipe| recipe.with(peppers))
    .map_err(RunError::Recipe)?;
    // All processors, because hashing has a lower priority than other calls.
    let all = || available_parallelism().map_or(1, NonZero::get);
    let capacity = Capacity {
        threads: config.hasher_threads.map_or_else(all, usize::from),
        queue: usize::from(config.hasher_queue),
    };
    Ok(Hasher::start(&recipe, capacity)?)
}

pub(crate) fn account_rules(config: &Config) -> AccountRules {
    AccountRules {
        sign_up_enabled: config.sign_up_enabled,
        email_verification_required: config.email_verification_required,
    }
}

pub(crate) fn token_settings(config: &Config) -> TokenSettings {
    TokenSettings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        admin_authentication: delta(config.admin_authentication),
        access_ttl: delta(config.access_token_ttl),
        idle_ttl: delta(config.refresh_idle_ttl),
        absolute_ttl: delta(config.refresh_absolute_ttl),
        grace: delta(config.refresh_grace),
        sessions_per_user: config.sessions_per_user.into(),
    }
}

/// The same duration in the type that is added to dates; settings are at most years.
pub(crate) fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}
