//! A client of the address book: the generated clients of both services, over channels that
//! log in, refresh, and repeat what can be repeated.
//!
//! ```no_run
//! use addressbook_client::proto::contacts::v1::ListContactsRequest;
//! use addressbook_client::{Client, Error, LogIn, Servers, Store};
//!
//! # async fn run() -> Result<(), Error> {
//! let client = Client::new(&Servers::default(), Store::memory())?;
//! let log_in = client.log_in("ada@example.com", "the otter naps at noon", "tour").await?;
//! assert!(matches!(log_in, LogIn::Done(_)));
//! let request = ListContactsRequest::default();
//! let page = client.contacts().list_contacts(request).await?.into_inner();
//! # Ok(())
//! # }
//! ```
//!
//! [`Client`] says what the channels do with a call.

mod client;
mod clock;
mod credentials;
mod error;
mod export;
mod import;
mod json;
mod log_in;
mod methods;
mod photo;
mod retry;
mod servers;
mod session;
mod store;
mod trace;
mod transport;
mod watch;

pub use client::Client;
pub use credentials::{Credentials, Profile};
pub use error::{Error, Failure, Kind, Violation};
pub use export::{Export, Exported};
pub use import::ImportEvent;
pub use json::{from_json, to_json};
pub use log_in::{Challenge, Code, LogIn};
/// The fields that a response has, or that an update changes.
pub use prost_reflect::prost_types::FieldMask;
/// A time in a message.
pub use prost_reflect::prost_types::Timestamp;
/// The generated messages and clients.
pub use proto;
pub use retry::Policy;
pub use servers::Servers;
pub use session::AccessToken;
pub use store::Store;
pub use transport::Transport;
pub use watch::{Watch, Watched};
