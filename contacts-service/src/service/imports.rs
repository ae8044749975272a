//! Imports: parses the header, and encodes what became of the cards.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use card_formats::{Column, Format, is_column_field};
use chassis::access::caller::Caller;
use chassis::serve::while_allowed::while_allowed;
use chassis::text;
use futures_util::{Stream, StreamExt};
use prost::Message;
use proto::contacts::v1::import_contacts_request::Part;
use proto::contacts::v1::import_contacts_response as response;
use proto::contacts::v1::{
    ImportColumn, ImportConflict, ImportContactsRequest, ImportContactsResponse, ImportFormat,
    ImportHeader, ImportOutcome, ImportProgress, ImportRow, ImportSummary,
};
use tonic::{Request, Status, Streaming};

use super::ContactsService;
use super::access::WRITE;
use crate::book::import::OnConflict;
use crate::book::settings::region_of_call;
use crate::contact::parse_uuid;
use crate::contact::phone::DefaultRegion;
use crate::error::{Error, Result};
use crate::import::error::ImportError;
use crate::import::{Event, Outcome, Session, Settings, Tools, any_id};
use crate::pace::{Pace, read_in_time};

/// The most columns and labels of a header.
const COLUMNS_MAX: usize = 200;
const LABELS_MAX: usize = 20;
/// The longest import id, in characters.
const IMPORT_ID_CHARS_MAX: usize = 64;
/// The longest label, and name or field of a column.
const NAME_CHARS_MAX: usize = 100;

/// The responses to an import.
pub(super) type Answers =
    Pin<Box<dyn Stream<Item = Result<ImportContactsResponse, Status>> + Send>>;

impl ContactsService {
    /// What becomes of the cards of a file, as long as the caller's token is valid.
    pub(super) async fn import(
        &self,
        request: Request<Streaming<ImportContactsRequest>>,
    ) -> Result<Answers, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let mut messages = request.into_inner();
        let first = messages.message().await?.and_then(|message| message.part);
        let Some(Part::Header(header)) = first else {
            return Err(Error::from(ImportError::Header).into());
        };
        if !header.owner_id.is_empty() {
            parse_uuid("header.owner_id", &header.owner_id)?;
        }
        let owner = self.written(&caller, &header.owner_id).await?;
        let db = self.share_of(caller.user_id);
        let region = DefaultRegion::parse_in("header.default_region", &header.default_region)?;
        let region = if header.default_region.is_empty() {
            region_of_call(&db, owner, "").await?
        } else {
            region
        };
        let settings = Settings {
            region,
            ..settings(&header)?
        };
        let slot = self.imports.take(caller.user_id);
        let slot = slot.ok_or(Error::from(ImportError::TooMany))?;
        let session = Session::new(
            Tools {
                db: self.long_calls.share_of(caller.user_id),
                hub: Arc::clone(&self.hub),
                clock: self.clock.clone(),
                quota: self.quota,
                photo_checks: Arc::clone(&self.photo_checks),
            },
            (owner, caller.user_id),
            settings,
        );
        let guard = self.guard.clone();
        let check = async move || {
            guard
                .check(&caller)
                .map_err(|error| Error::from(error).into())
        };
        let events = self.long_calls.thread.stream(events(session, messages));
        let events = slot.held_by(events);
        let events = while_allowed(events, Duration::ZERO, check);
        let too_slow = || Error::from(ImportError::TooSlow).into();
        Ok(Box::pin(read_in_time(
            events,
            ImportContactsResponse::encoded_len,
            too_slow,
        )))
    }
}

/// An import, and the file that its client sends.
struct Import {
    session: Session,
    messages: Streaming<ImportContactsRequest>,
    pace: Pace,
    file: File,
}

/// How much of the file is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    Open,
    Whole,
    Imported,
}

impl Import {
    /// What happens next; `None` after the end.
    async fn advance(&mut self) -> Result<Option<Vec<Event>>, Status> {
        while self.file != File::Imported {
            if let Some(events) = self.session.step().await? {
                return Ok(Some(events));
            }
            if self.file == File::Whole {
                self.file = File::Imported;
                return Ok(Some(self.session.end().await?));
            }
            let sent = tokio::select! {
                sent = self.pace.wait_for(self.messages.message()) => sent,
                events = self.session.stored() => return Ok(Some(events?)),
            };
            self.take(sent.map_err(|slow| Error::from(ImportError::from(slow)))??)?;
        }
        Ok(None)
    }

    /// Takes the next message, or the end of the file.
    fn take(&mut self, sent: Option<ImportContactsRequest>) -> Result<()> {
        match sent.map(|message| message.part) {
            Some(Some(Part::Chunk(bytes))) => {
                self.pace.count(bytes.len());
                self.session.push(&bytes);
                Ok(())
            }
            Some(_) => Err(ImportError::Header.into()),
            None => {
                self.session.finish();
                self.file = File::Whole;
                Ok(())
            }
        }
    }
}

/// Reads no further while nobody reads the responses.
fn events(
    session: Session,
    messages: Streaming<ImportContactsRequest>,
) -> impl Stream<Item = Result<ImportContactsResponse, Status>> {
    let mut import = Import {
        session,
        messages,
        pace: Pace::default(),
        file: File::Open,
    };
    let answers = try_stream! {
        loop {
            let next = import.advance().await;
            // What was stored is reported before the error that ends the import.
            let (events, error) = match next {
                Ok(None) => break,
                Ok(Some(events)) => (events, None),
                Err(error) => (import.session.so_far().await, Some(error)),
            };
            for event in events {
                yield event;
            }
            if let Some(error) = error {
                Err(error)?;
            }
        }
    };
    answers.map(|event: Result<Event, Status>| event.map(encode))
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::invalid("FIELD_INVALID", field, problem)
}

fn line(field: &str, text: &str, chars_max: usize) -> Result<String> {
    text::single_line(text, chars_max).map_err(|problem| invalid(field, &problem))
}

fn columns(columns: &[ImportColumn]) -> Result<Vec<Column>> {
    let columns = columns.iter().enumerate().map(|(at, column)| {
        let field = |name| format!("header.columns[{at}].{name}");
        Ok(Column {
            header: line(&field("header"), &column.header, NAME_CHARS_MAX)?,
            field: line(&field("field"), &column.field, NAME_CHARS_MAX)?,
        })
    });
    columns.collect()
}

/// The format of a table with this map of its columns.
fn mapped(columns: Vec<Column>) -> Result<Format> {
    let unknown = columns.iter().position(|one| !is_column_field(&one.field));
    if let Some(at) = unknown {
        let Column { header, field } = &columns[at];
        let problem = format!(
            "is {field:?} for the column {header:?}, but must be the path of a field, \
             such as emails[0].address"
        );
        return Err(invalid(&format!("header.columns[{at}].field"), &problem));
    }
    Ok(Format::MappedCsv(columns))
}

fn settings(header: &ImportHeader) -> Result<Settings> {
    if header.columns.len() > COLUMNS_MAX {
        return Err(invalid("header.columns", "has more than 200 elements"));
    }
    if header.labels.len() > LABELS_MAX {
        return Err(invalid("header.labels", "has more than 20 elements"));
    }
    let labels = header.labels.iter().enumerate();
    let labels = labels
        .map(|(at, label)| line(&format!("header.labels[{at}]"), label, NAME_CHARS_MAX))
        .collect::<Result<_>>()?;
    let columns = columns(&header.columns)?;
    let format = match ImportFormat::try_from(header.format) {
        Ok(ImportFormat::Unspecified) => Format::Auto,
        Ok(ImportFormat::Vcard) => Format::VCard,
        Ok(ImportFormat::GoogleCsv) => Format::GoogleCsv,
        Ok(ImportFormat::OutlookCsv) => Format::OutlookCsv,
        Ok(ImportFormat::MappedCsv) => mapped(columns)?,
        Ok(ImportFormat::Jscontact) => Format::JsContact,
        Ok(ImportFormat::JsonLines) => Format::JsonLines,
        Err(_) => return Err(invalid("header.format", "is not a known format")),
    };
    let on_conflict = match ImportConflict::try_from(header.on_conflict) {
        Ok(ImportConflict::Unspecified | ImportConflict::Skip) => OnConflict::Skip,
        Ok(ImportConflict::Update) => OnConflict::Update,
        Ok(ImportConflict::Merge) => OnConflict::Merge,
        Ok(ImportConflict::Duplicate) => OnConflict::Duplicate,
        Err(_) => return Err(invalid("header.on_conflict", "is not a known rule")),
    };
    let import_id = line("header.import_id", &header.import_id, IMPORT_ID_CHARS_MAX)?;
    Ok(Settings {
        format,
        on_conflict,
        validate_only: header.validate_only,
        region: DefaultRegion::NONE,
        import_id: if import_id.is_empty() {
            any_id()
        } else {
            import_id
        },
        labels,
    })
}

fn encode(event: Event) -> ImportContactsResponse {
    let event = match event {
        Event::Row(row) => {
            let contact_id = row.outcome.contact().map(|id| id.to_string());
            let (outcome, status) = match row.outcome {
                Outcome::Created(_) => (ImportOutcome::Created, None),
                Outcome::Updated(_) => (ImportOutcome::Updated, None),
                Outcome::Skipped(_) | Outcome::Unchanged(_) => (ImportOutcome::Skipped, None),
                Outcome::Failed(error) => (ImportOutcome::Failed, Some(error.into())),
            };
            response::Event::Row(ImportRow {
                index: count(row.place.index),
                line: count(row.place.line),
                byte_offset: count(row.place.byte_offset),
                outcome: outcome.into(),
                contact_id: contact_id.unwrap_or_default(),
                status,
                warnings: row.place.warnings,
                excerpt: row.place.excerpt,
            })
        }
        Event::Progress { rows, bytes } => response::Event::Progress(ImportProgress {
            rows: count(rows),
            bytes: count(bytes),
        }),
        Event::Summary(counts) => response::Event::Summary(ImportSummary {
            created: count(counts.created),
            updated: count(counts.updated),
            skipped: count(counts.skipped),
            failed: count(counts.failed),
        }),
    };
    ImportContactsResponse { event: Some(event) }
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
