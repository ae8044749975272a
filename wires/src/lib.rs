//! gRPC-Web and the Connect protocol, translated to and from gRPC.
//!
//! A request of one of these protocols becomes a gRPC request, and the response to it one
//! of the caller's protocol again. Nothing else changes: whatever is done with gRPC calls
//! in between (limits, deadlines, access) is done with these, too. Messages of streams are
//! translated one by one, as they are read.
//!
//! Sources: the Connect protocol reference (connectrpc.com/docs/protocol), and PROTOCOL-WEB
//! and PROTOCOL-HTTP2 of gRPC.

mod codes;
mod encoding;
mod envelope;
mod error;
mod inbound;
mod json;
mod methods;
mod query;
mod refusal;
mod reply;
mod request;
mod response;
mod service;
mod stream;
mod text;
mod unread;
mod wire;

pub use crate::encoding::accepts_gzip;
pub use crate::inbound::Inbound;
pub use crate::methods::Wires;
pub use crate::reply::{Ending, Reply};
pub use crate::request::{Begun, Refused};
pub use crate::service::{Translated, WiresLayer};
pub use crate::unread::{Rest, Unread};
pub use crate::wire::{ACCEPTED, Codec, Wire};
