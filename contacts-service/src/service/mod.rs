//! The RPCs: parse the request, call the rules, encode the response. No SQL, no rules.

mod access;
mod all_owners;
mod birthdays;
mod changes;
mod contacts;
mod creations;
mod duplicates;
mod exports;
mod imports;
mod labels;
mod lists;
mod merges;
mod photos;
mod purges;
mod revisions;
mod searches;
mod settings;
mod shares;
mod stats;
mod sync;
mod watches;

use std::sync::Arc;

use chassis::access::caller::RequireCaller;
use chassis::auth_client::identity::Identities;
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use tokio::sync::Semaphore;
use tokio::sync::watch::Receiver;

use crate::copies::Copies;
use crate::long_calls::LongCalls;
use crate::model::quota::Quota;
use crate::slots::Slots;
use crate::store::point_reads::PointReads;
use crate::watch::hub::Hub;

/// Serves `ContactsService` (`contacts.rs`), `LabelsService` (`labels.rs`) and `SharesService`
/// (`shares.rs`).
pub struct ContactsService {
    /// The database.
    pub db: Pool,
    /// Reads of single contacts.
    pub reads: PointReads,
    /// The clock.
    pub clock: Clock,
    /// Seals page tokens.
    pub sealer: Arc<Sealer>,
    /// The quota of one owner.
    pub quota: Quota,
    /// Permits for searches for duplicates, shared by all threads.
    pub finds: Arc<Semaphore>,
    /// Permits for checks of photos, shared by all threads.
    pub photo_checks: Arc<Semaphore>,
    /// Copies of searched address books, shared by all threads.
    pub copies: Arc<Copies>,
    /// Imports and exports run there.
    pub long_calls: LongCalls,
    /// Returns the caller's e-mail.
    pub identities: Identities,
    /// The running imports, shared by all threads.
    pub imports: Arc<Slots>,
    /// The running exports, shared by all threads.
    pub exports: Arc<Slots>,
    /// The watchers.
    pub hub: Arc<Hub>,
    /// Checks whether tokens are still valid.
    pub guard: RequireCaller,
    /// True when streams must end.
    pub stopping: Receiver<bool>,
}
