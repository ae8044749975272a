//! The calls of a load to a peer.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderValue, Method, Uri};
use memchr::memmem;
use prost::Message;
use uuid::Uuid;

use super::drive::{Caller, Load};
use super::peers::{PeerUser, Peers, Stack};
use super::scenario::Scenario;
use super::world::bearer;
use super::{grpc, http as http1};
use crate::error::Result;

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct GetContactRequest {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct ListContactsRequest {
    #[prost(int32, tag = "1")]
    page_size: i32,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct CreateContactRequest {
    #[prost(message, optional, tag = "1")]
    contact: Option<Contact>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Contact {
    #[prost(string, tag = "2")]
    given_name: String,
    #[prost(string, tag = "3")]
    family_name: String,
    /// Required by some peers.
    #[prost(string, tag = "6")]
    birthday: String,
    /// Required by some peers, too.
    #[prost(string, tag = "7")]
    notes: String,
}

enum Line {
    Grpc(grpc::Connection, Uri),
    Http(http1::Connection),
}

/// One caller of a peer.
pub(super) struct PeerCaller {
    line: Line,
    scenario: Scenario,
    contacts: Vec<Uuid>,
    random: fastrand::Rng,
}

/// The scenarios that peers serve.
pub(super) fn serves(scenario: Scenario) -> bool {
    matches!(
        scenario,
        Scenario::Get | Scenario::List50 | Scenario::Create
    )
}

/// The callers of a load. An HTTP/1.1 connection carries one call at a time, so those
/// peers get one for each caller.
pub(super) async fn callers(
    peers: &Arc<Peers>,
    (stack, address): (Stack, SocketAddr),
    scenario: Scenario,
    load: Load,
) -> Result<Vec<PeerCaller>> {
    let mut callers = Vec::new();
    for connection in 0..load.connections {
        let user = &peers.users[connection as usize % peers.users.len()];
        let bearer = bearer(&user.token)?;
        let mut shared = None;
        for slot in 0..load.in_flight {
            let line = match &shared {
                Some(opened) => Line::Grpc(Clone::clone(opened), method(address, scenario)?),
                None => line(stack, address, bearer.clone(), scenario).await?,
            };
            if let Line::Grpc(opened, _) = &line {
                shared = Some(opened.clone());
            }
            callers.push(PeerCaller {
                line,
                scenario,
                contacts: user.contacts.clone(),
                random: fastrand::Rng::with_seed(u64::from(connection) << 32 | u64::from(slot)),
            });
        }
    }
    Ok(callers)
}

async fn line(
    stack: Stack,
    address: SocketAddr,
    bearer: HeaderValue,
    scenario: Scenario,
) -> Result<Line> {
    Ok(if stack.is_http() {
        Line::Http(http1::Connection::open(address, bearer).await?)
    } else {
        let opened = grpc::Connection::open(address, Some(bearer)).await?;
        Line::Grpc(opened, method(address, scenario)?)
    })
}

fn method(address: SocketAddr, scenario: Scenario) -> Result<Uri, grpc::Failure> {
    let name = match scenario {
        Scenario::List50 => "ListContacts",
        Scenario::Create => "CreateContact",
        _ => "GetContact",
    };
    let uri = format!("http://{address}/perf.contacts.v1.ContactsService/{name}");
    uri.parse().map_err(|_| grpc::Failure::Answer)
}

/// Fifty contacts, at least as large as those that a load creates.
const PAGE_BYTES_MIN: usize = 50 * 60;

fn holds(expected: &str) -> impl Fn(&[u8]) -> bool {
    move |answer| memmem::find(answer, expected.as_bytes()).is_some()
}

impl PeerCaller {
    /// One call on a connection of its own.
    pub(super) async fn probe(stack: Stack, address: SocketAddr, user: &PeerUser) -> Result<()> {
        let scenario = Scenario::Get;
        let mut caller = Self {
            line: line(stack, address, bearer(&user.token)?, scenario).await?,
            scenario,
            contacts: user.contacts.clone(),
            random: fastrand::Rng::new(),
        };
        Ok(caller.call().await?)
    }

    async fn ask(
        &mut self,
        message: &impl Message,
        (verb, path, json): (Method, String, String),
        is_good: impl Fn(&[u8]) -> bool,
    ) -> Result<(), grpc::Failure> {
        let answer = match &mut self.line {
            Line::Grpc(connection, method) => {
                connection.call(method, &message.encode_to_vec()).await?
            }
            Line::Http(connection) => connection.call(verb, &path, json).await?,
        };
        is_good(&answer).then_some(()).ok_or(grpc::Failure::Answer)
    }
}

impl Caller for PeerCaller {
    async fn call(&mut self) -> Result<(), grpc::Failure> {
        let none = String::new;
        match self.scenario {
            Scenario::List50 => {
                let message = ListContactsRequest { page_size: 50 };
                let page = (Method::GET, "/contacts?page_size=50".to_owned(), none());
                self.ask(&message, page, |answer| answer.len() > PAGE_BYTES_MIN)
                    .await
            }
            Scenario::Create => {
                let given = format!("Given {}", self.random.u32(..));
                let contact = Contact {
                    given_name: given.clone(),
                    family_name: format!("Family {}", self.random.u32(..)),
                    birthday: "1990-02-03".to_owned(),
                    notes: "Met at the harbour.".to_owned(),
                };
                let json = serde_json::json!({
                    "given_name": contact.given_name,
                    "family_name": contact.family_name,
                    "birthday": contact.birthday,
                    "notes": contact.notes,
                });
                let message = CreateContactRequest {
                    contact: Some(contact),
                };
                let post = (Method::POST, "/contacts".to_owned(), json.to_string());
                self.ask(&message, post, holds(&given)).await
            }
            _ => {
                let id = self.contacts[self.random.usize(..self.contacts.len())].to_string();
                let get = (Method::GET, format!("/contacts/{id}"), none());
                let message = GetContactRequest { id: id.clone() };
                self.ask(&message, get, holds(&id)).await
            }
        }
    }
}
