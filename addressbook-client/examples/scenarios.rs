//! What every client of the address book does. Usage: `scenarios AUTH CONTACTS`, with two
//! addresses such as `127.0.0.1:50051`; see docs/CLIENTS.md.

#![allow(clippy::print_stdout, reason = "it prints how each scenario ended")]

use std::error::Error as AnyError;
use std::fmt::Debug;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use addressbook_client::proto::auth::v1::{GetMeRequest, SignUpRequest};
use addressbook_client::proto::contacts::v1::watch_contacts_response::Event;
use addressbook_client::proto::contacts::v1::{
    Contact, CreateContactRequest, Email, FindDuplicatesRequest, ImportFormat, ImportHeader,
    ListContactsRequest, WatchContactsRequest,
};
use addressbook_client::{
    Client, Error, ImportEvent, Kind, LogIn, Policy, Servers, Store, Watch, Watched,
};
use futures_util::future::try_join_all;
use tempfile::NamedTempFile;
use tokio::time::timeout;
use uuid::Uuid;

const PASSWORD: &str = "the otter naps at noon";
const NAMES: [&str; 5] = ["Ada", "Barbara", "Edsger", "Grace", "Tony"];

/// How many calls need a new token at the same time.
const AT_ONCE: usize = 8;

type Outcome = Result<(), Box<dyn AnyError>>;

struct Scenarios {
    client: Client,
    /// Has the same credentials, and repeats nothing.
    impatient: Client,
}

#[tokio::main]
async fn main() -> ExitCode {
    let addresses: Vec<_> = std::env::args().skip(1).collect();
    let [auth, contacts] = &*addresses else {
        println!("usage: scenarios AUTH CONTACTS");
        return ExitCode::FAILURE;
    };
    match run(auth, contacts).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many scenarios failed.
async fn run(auth: &str, contacts: &str) -> Result<u32, Error> {
    let servers = Servers {
        auth: format!("http://{auth}"),
        contacts: format!("http://{contacts}"),
        ..Servers::default()
    };
    let store = Store::memory();
    // A service that was killed may take a while to be back.
    let patient = Policy {
        attempts: 20,
        ..Policy::default()
    };
    let impatient = Policy {
        attempts: 1,
        ..Policy::default()
    };
    let scenarios = Scenarios {
        client: Client::with_policy(&servers, store.clone(), patient)?,
        impatient: Client::with_policy(&servers, store, impatient)?,
    };
    let outcomes = [
        told("sign_up", scenarios.sign_up().await),
        told("refresh", scenarios.refresh().await),
        told("pages", scenarios.pages().await),
        told("errors", scenarios.errors().await),
        told("retry", scenarios.retry().await),
        told("deadline", scenarios.deadline().await),
        told("watch", scenarios.watch().await),
        told("import_file", scenarios.import_file().await),
    ];
    Ok(outcomes.iter().sum())
}

/// Prints how a scenario ended; 1 if it failed.
fn told(name: &str, outcome: Outcome) -> u32 {
    match outcome {
        Ok(()) => println!("ok {name}"),
        Err(error) => {
            println!("failed {name}: {error}");
            return 1;
        }
    }
    0
}

fn expect<T: PartialEq + Debug>(actual: &T, expected: &T) -> Outcome {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{actual:?} is not {expected:?}").into())
}

/// A creation that can be repeated, because it has a request id.
fn new_contact(name: &str) -> CreateContactRequest {
    CreateContactRequest {
        contact: Some(Contact {
            given_name: name.to_owned(),
            ..Contact::default()
        }),
        request_id: Uuid::new_v4().to_string(),
        ..CreateContactRequest::default()
    }
}

impl Scenarios {
    async fn sign_up(&self) -> Outcome {
        let email = format!("{}@example.com", Uuid::new_v4());
        let request = SignUpRequest {
            email: email.clone(),
            password: PASSWORD.to_owned(),
            request_id: Uuid::new_v4().to_string(),
            ..SignUpRequest::default()
        };
        self.client.auth().sign_up(request).await?;
        let log_in = self.client.log_in(&email, PASSWORD, "scenarios").await?;
        let LogIn::Done(user) = log_in else {
            return Err("a second factor is required".into());
        };
        expect(&user.email, &email)
    }

    /// The server revokes the session of a client that refreshes twice with one token.
    async fn refresh(&self) -> Outcome {
        // The token of the log-in is near its end: it expires in seconds.
        self.get_me_at_once().await?;

        // The next one is used until a server refuses it.
        let first = self.client.access_token().await?;
        while self.client.access_token().await? == first {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.get_me_at_once().await?;
        }
        Ok(())
    }

    async fn get_me_at_once(&self) -> Result<(), Error> {
        let get_me = |_| async {
            let mut account = self.client.account();
            account.get_me(GetMeRequest::default()).await
        };
        try_join_all((0..AT_ONCE).map(get_me)).await?;
        Ok(())
    }

    async fn pages(&self) -> Outcome {
        let mut book = self.client.contacts();
        for name in NAMES {
            book.create_contact(new_contact(name)).await?;
        }
        let mut request = ListContactsRequest {
            page_size: 2,
            order_by: "given_name".to_owned(),
            ..ListContactsRequest::default()
        };
        let mut pages = Vec::new();
        loop {
            let page = book.list_contacts(request.clone()).await?.into_inner();
            let names = page.contacts.into_iter().map(|contact| contact.given_name);
            pages.push(names.collect::<Vec<_>>());
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let expected: Vec<_> = NAMES.chunks(2).collect();
        expect(&format!("{pages:?}"), &format!("{expected:?}"))
    }

    async fn errors(&self) -> Outcome {
        let email = Email {
            address: "nowhere".to_owned(),
            ..Email::default()
        };
        let request = CreateContactRequest {
            contact: Some(Contact {
                emails: vec![email],
                ..Contact::default()
            }),
            ..CreateContactRequest::default()
        };
        let created = self.client.contacts().create_contact(request).await;
        let error = created.err().map(Error::from);
        let error = error.ok_or("an invalid address was accepted")?;
        expect(&error.kind, &Kind::Invalid)?;
        expect(&&*error.reason, &"FIELD_INVALID")?;
        let fields = error.violations.iter().map(|violation| &*violation.field);
        expect(
            &fields.collect::<Vec<_>>(),
            &vec!["contact.emails[0].address"],
        )
    }

    async fn retry(&self) -> Outcome {
        let request = FindDuplicatesRequest::default;
        let mut impatient = self.impatient.contacts();
        // Until the limit of a minute.
        let error = loop {
            if let Err(status) = impatient.find_duplicates(request()).await {
                break Error::from(status);
            }
        };
        expect(&&*error.reason, &"RATE_LIMITED")?;
        expect(&error.retry_after.is_some(), &true)?;
        // The client waits as long as the server asks it to.
        for _ in 0..2 {
            self.client.contacts().find_duplicates(request()).await?;
        }
        Ok(())
    }

    /// The timeout of a request ends with the beginning of the response; that of a stream is a
    /// timeout of this side.
    async fn deadline(&self) -> Outcome {
        let watching = async {
            let request = WatchContactsRequest::default();
            let events = self.client.contacts().watch_contacts(request).await?;
            let mut events = events.into_inner();
            while events.message().await?.is_some() {}
            Ok::<_, Error>(())
        };
        match timeout(Duration::from_millis(200), watching).await {
            Err(_) => Ok(()),
            // The next stream gets another token.
            Ok(Err(error)) if error.reason == "TOKEN_EXPIRED" => Box::pin(self.deadline()).await,
            Ok(ended) => Err(format!("the stream ended by itself: {ended:?}").into()),
        }
    }

    async fn watch(&self) -> Outcome {
        let mut watch = self.client.watch(WatchContactsRequest::default());
        while !matches!(next(&mut watch).await?, Some(Event::CaughtUp(_))) {}
        println!("ready to be killed");
        while next(&mut watch).await?.is_some() {}
        let wanda = new_contact("Wanda");
        self.client.contacts().create_contact(wanda).await?;
        loop {
            if let Some(Event::Changed(contact)) = next(&mut watch).await? {
                return expect(&&*contact.given_name, &"Wanda");
            }
        }
    }

    async fn import_file(&self) -> Outcome {
        let header = ImportHeader {
            format: ImportFormat::Vcard.into(),
            ..ImportHeader::default()
        };
        // The second card says nothing.
        let cards = ["FN:Alan\r\n", "", "FN:Kurt\r\n"]
            .map(|name| format!("BEGIN:VCARD\r\nVERSION:4.0\r\n{name}END:VCARD\r\n"));
        let mut refused = Vec::new();
        let on_event = |event| {
            if let ImportEvent::Row(row) = event {
                let reason = row
                    .status
                    .as_ref()
                    .map(|why| Error::from(why).reason.clone());
                refused.push((row.index, reason));
            }
        };
        let mut file = NamedTempFile::new()?;
        file.write_all(cards.concat().as_bytes())?;
        let summary = self.client.import(header, file.path(), on_event).await?;
        expect(&refused, &vec![(1, Some("CARD_EMPTY".to_owned()))])?;
        expect(&(summary.created, summary.failed), &(2, 1))
    }
}

/// The next event; `None` where the connection broke, and is resumed.
async fn next(watch: &mut Watch) -> Result<Option<Event>, Error> {
    loop {
        match watch.next().await? {
            Watched::Event(response) => return Ok(response.event),
            // The token has expired, not the connection.
            Watched::Interrupted(error) if error.kind == Kind::Unauthenticated => {}
            Watched::Interrupted(_) => return Ok(None),
        }
    }
}
