//! Imports that break off, because a client or the service is killed in the middle.

use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt, stream};
use proto::auth::v1::TokenPair;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::import_contacts_request::Part;
use proto::contacts::v1::import_contacts_response::Event;
use proto::contacts::v1::{
    ExportContactsRequest, ExportFormat, ImportContactsRequest, ImportContactsResponse,
    ImportHeader, ImportSummary,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use tonic_types::StatusExt;

use crate::outage::{sign_in, with_token};
use crate::stack::Stack;

const CARDS: usize = 3_000;
const PIECE_BYTES: usize = 4_000;

/// A file of people, of which every other one has a uid.
fn file() -> String {
    let cards = (0..CARDS).map(|number| {
        let uid = if number % 2 == 0 {
            format!("UID:urn:x:{number}\r\n")
        } else {
            String::new()
        };
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Person {number:04}\r\n{uid}END:VCARD\r\n")
    });
    cards.collect()
}

fn messages() -> impl Stream<Item = ImportContactsRequest> + Send {
    let header = Part::Header(ImportHeader {
        import_id: "the first phone".into(),
        ..ImportHeader::default()
    });
    let file = file();
    let pieces: Vec<Part> = file
        .as_bytes()
        .chunks(PIECE_BYTES)
        .map(|piece| Part::Chunk(piece.to_vec()))
        .collect();
    let parts = std::iter::once(header).chain(pieces);
    stream::iter(parts.map(|part| ImportContactsRequest { part: Some(part) }))
}

/// The first messages; the others never come.
fn first_messages(count: usize) -> impl Stream<Item = ImportContactsRequest> + Send {
    assert!(count < file().len() / PIECE_BYTES);
    messages().take(count).chain(stream::pending())
}

/// A client of one user, which connects again by itself.
struct User {
    book: ContactsServiceClient<Channel>,
    tokens: TokenPair,
}

impl User {
    async fn new(stack: &Stack, email: &str) -> Self {
        let mut auth = AuthServiceClient::connect(format!("http://{}", stack.auth))
            .await
            .unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{}", stack.contacts));
        Self {
            book: ContactsServiceClient::new(endpoint.unwrap().connect_lazy()),
            tokens: sign_in(&mut auth, email).await,
        }
    }

    /// An import that goes on after its first part only if `messages` do.
    async fn begin(
        &self,
        messages: impl Stream<Item = ImportContactsRequest> + Send + 'static,
    ) -> Streaming<ImportContactsResponse> {
        let request = with_token(&self.tokens, messages);
        let answers = self.book.clone().import_contacts(request).await;
        let mut answers = answers.unwrap().into_inner();
        while !matches!(
            answers.message().await.unwrap().unwrap().event,
            Some(Event::Progress(_))
        ) {}
        answers
    }

    /// The summary of a whole import.
    async fn import(&self) -> Result<ImportSummary, Status> {
        let request = with_token(&self.tokens, messages());
        let mut answers = self
            .book
            .clone()
            .import_contacts(request)
            .await?
            .into_inner();
        let mut summary = None;
        while let Some(answer) = answers.message().await? {
            if let Some(Event::Summary(last)) = answer.event {
                summary = Some(last);
            }
        }
        Ok(summary.unwrap())
    }

    /// The summary of an import after the service has been restarted.
    async fn import_when_served(&self) -> ImportSummary {
        let began = Instant::now();
        loop {
            match self.import().await {
                Ok(summary) => return summary,
                Err(status) => assert!(is_of_connection(&status), "{status:?}"),
            }
            assert!(began.elapsed() < Duration::from_mins(1), "no service");
        }
    }

    /// A table of the contacts, sorted: it shows neither ids nor versions. The uids of cards
    /// without one depend on the owner.
    async fn table(&self) -> Vec<String> {
        let file = self.export(ExportFormat::GoogleCsv).await;
        let without_made_uid = |line: &str| match line.split_once("urn:uuid:") {
            Some((before, after)) => format!("{before}{}", &after[36..]),
            None => line.to_owned(),
        };
        let mut lines: Vec<String> = file.lines().map(without_made_uid).collect();
        lines.sort_unstable();
        lines
    }

    async fn export(&self, format: ExportFormat) -> String {
        let request = ExportContactsRequest {
            format: format.into(),
            ..ExportContactsRequest::default()
        };
        let request = with_token(&self.tokens, request);
        let pieces = self.book.clone().export_contacts(request).await.unwrap();
        let pieces: Vec<_> = pieces.into_inner().collect().await;
        let bytes = pieces.into_iter().flat_map(|piece| piece.unwrap().chunk);
        String::from_utf8(bytes.collect()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_killed_twice_ends_like_one_that_was_not() {
    // Whatever else the machine does.
    let patient = [
        "REQUEST_MESSAGE_SECONDS",
        "REQUEST_TIMEOUT_SECONDS",
        "ANSWER_SECONDS",
    ];
    let stack = Stack::start_with(&[], &patient.map(|name| (name, "300")));
    let calm = User::new(&stack, "calm@example.com").await;
    let clean = calm.import().await.unwrap();
    assert_eq!(clean.created, i64::try_from(CARDS).unwrap());

    let user = User::new(&stack, "ada@example.com").await;
    // The client vanishes before it has sent everything.
    drop(user.begin(first_messages(20)).await);
    let mut answers = user.begin(first_messages(40)).await;
    stack.kill("contacts-service");
    while let Ok(Some(_)) = answers.message().await {}
    let summary = user.import_when_served().await;

    assert_eq!(summary.failed, 0);
    assert_eq!(summary.created + summary.skipped, clean.created);
    assert!(summary.created > 0 && summary.skipped > 0, "{summary:?}");
    assert!(user.table().await == calm.table().await);
    let before = user.export(ExportFormat::JsonLines).await;
    let again = user.import().await.unwrap();
    assert_eq!(again.skipped, clean.created);
    // With versions and times.
    assert!(user.export(ExportFormat::JsonLines).await == before);
}

/// Whether no service answered: tonic's client reports a broken connection by several codes, and
/// an error of a service has details.
fn is_of_connection(status: &Status) -> bool {
    status.get_details_error_info().is_none()
}
