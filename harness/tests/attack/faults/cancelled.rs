//! Callers that cancel at random points, while their statements wait too long for locks.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use proto::auth::v1::{
    ChangePasswordRequest, GetMeRequest, ListSessionsRequest, RevokeOtherSessionsRequest,
    UpdateMeRequest, User,
};
use proto::contacts::v1::{
    BatchCreateContactsRequest, BatchUpdateContactsRequest, Contact, CreateContactRequest,
    DeleteContactRequest, ListContactsRequest, PurgeContactsRequest, UndeleteContactRequest,
    UpdateContactRequest,
};
use sqlx::{ConnectOptions, PgConnection, raw_sql};
use tokio::time::timeout;
use tonic::{Code, Status};

use crate::pair::{Pair, Side, until};
use crate::user::{PASSWORD, ada, bearer};

/// The calls of a caller that cancels.
const ROUNDS: usize = 60;
const CALLERS: usize = 4;
const CONTACTS: usize = 40;

/// Statements wait half a second for a lock.
const SETTINGS: &[(&str, &str)] = &[("DATABASE_STATEMENT_SECONDS", "1")];

/// A user with contacts.
struct Person {
    side: Side,
    token: String,
    ids: Vec<String>,
}

impl Person {
    async fn new(side: Side, email: &str) -> Self {
        let token = side.user(email).await.access_token;
        let create = |_| CreateContactRequest {
            contact: Some(ada()),
            ..CreateContactRequest::default()
        };
        let request = BatchCreateContactsRequest {
            requests: (0..CONTACTS).map(create).collect(),
            ..BatchCreateContactsRequest::default()
        };
        let mut book = side.book.clone();
        let created = book.batch_create_contacts(bearer(request, &token)).await;
        let results = created.unwrap().into_inner().results;
        let ids = results.into_iter().map(|result| match result.result {
            Some(proto::contacts::v1::batch_contact_result::Result::Contact(contact)) => contact.id,
            other => panic!("no contact but {other:?}"),
        });
        let ids = ids.collect();
        Self { side, token, ids }
    }

    fn change(&self, random: &mut Rng) -> UpdateContactRequest {
        let contact = Contact {
            id: random.choice(&self.ids).unwrap().clone(),
            notes: random.u64(..).to_string(),
            ..Contact::default()
        };
        UpdateContactRequest {
            contact: Some(contact),
            ..UpdateContactRequest::default()
        }
    }

    /// Makes a writing call to one of the services.
    async fn write(&self, random: &mut Rng) -> Result<(), Status> {
        if random.u8(..10) < 7 {
            self.write_contacts(random).await
        } else {
            self.write_account(random).await
        }
    }

    async fn write_contacts(&self, random: &mut Rng) -> Result<(), Status> {
        let (mut book, token) = (self.side.book.clone(), &self.token);
        let id = random.choice(&self.ids).unwrap().clone();
        match random.u8(..6) {
            0 => {
                let mut ids = HashSet::new();
                let mut requests: Vec<_> = (0..20).map(|_| self.change(random)).collect();
                requests.retain(|request| ids.insert(request.contact.as_ref().unwrap().id.clone()));
                let request = BatchUpdateContactsRequest {
                    requests,
                    ..BatchUpdateContactsRequest::default()
                };
                book.batch_update_contacts(bearer(request, token)).await?;
            }
            1 => {
                let request = self.change(random);
                book.update_contact(bearer(request, token)).await?;
            }
            2 => {
                let request = CreateContactRequest {
                    contact: Some(ada()),
                    request_id: uuid::Uuid::new_v4().to_string(),
                    ..CreateContactRequest::default()
                };
                book.create_contact(bearer(request, token)).await?;
            }
            3 => {
                let request = DeleteContactRequest {
                    id,
                    ..DeleteContactRequest::default()
                };
                book.delete_contact(bearer(request, token)).await?;
            }
            4 => {
                let request = UndeleteContactRequest {
                    id,
                    ..UndeleteContactRequest::default()
                };
                book.undelete_contact(bearer(request, token)).await?;
            }
            _ => {
                let request = PurgeContactsRequest {
                    ids: vec![id],
                    ..PurgeContactsRequest::default()
                };
                book.purge_contacts(bearer(request, token)).await?;
            }
        }
        Ok(())
    }

    async fn write_account(&self, random: &mut Rng) -> Result<(), Status> {
        let (mut account, token) = (self.side.account.clone(), &self.token);
        match random.u8(..3) {
            0 => {
                let user = User {
                    display_name: random.u64(..).to_string(),
                    ..User::default()
                };
                let request = UpdateMeRequest {
                    user: Some(user),
                    ..UpdateMeRequest::default()
                };
                account.update_me(bearer(request, token)).await?;
            }
            1 => {
                let request = bearer(RevokeOtherSessionsRequest {}, token);
                account.revoke_other_sessions(request).await?;
            }
            _ => {
                let request = ChangePasswordRequest {
                    current_password: PASSWORD.into(),
                    new_password: PASSWORD.into(),
                };
                account.change_password(bearer(request, token)).await?;
            }
        }
        Ok(())
    }

    /// Writes, and cancels after a random time.
    async fn write_impatiently(&self, seed: u64) {
        let mut random = Rng::with_seed(seed);
        for _ in 0..ROUNDS {
            let micros = random.choice([2_000, 20_000, 700_000]).unwrap();
            let patience = Duration::from_micros(random.u64(..micros));
            let written = timeout(patience, self.write(&mut random)).await;
            if let Ok(Err(status)) = written {
                assert_ne!(status.code(), Code::Internal, "seed {seed}: {status:?}");
            }
        }
    }

    /// Reads from both services.
    async fn read(&self) -> Result<(), Status> {
        let (mut book, mut account) = (self.side.book.clone(), self.side.account.clone());
        let list = ListContactsRequest::default();
        book.list_contacts(bearer(list, &self.token)).await?;
        account.get_me(bearer(GetMeRequest {}, &self.token)).await?;
        let sessions = ListSessionsRequest::default();
        account.list_sessions(bearer(sessions, &self.token)).await?;
        Ok(())
    }
}

/// Locks tables from time to time, for longer than a statement waits, until `is_over`.
async fn hold_tables(mut db: PgConnection, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        for hold in [
            "BEGIN; LOCK TABLE contacts.contacts; SELECT pg_sleep(0.7); ROLLBACK",
            "BEGIN; LOCK TABLE auth.sessions; SELECT pg_sleep(0.7); ROLLBACK",
            "BEGIN; LOCK TABLE auth.users; SELECT pg_sleep(0.7); ROLLBACK",
        ] {
            raw_sql(hold).execute(&mut db).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_give_up_disturb_nobody_in_either_service() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let pair = Pair::start_with([SETTINGS, SETTINGS]).await;
    let mut people = Vec::new();
    for number in 0..CALLERS {
        let email = format!("ada{number}@example.com");
        people.push(Person::new(pair.side(number), &email).await);
    }
    let strangers = [
        Person::new(pair.side(0), "bob@example.com").await,
        Person::new(pair.side(1), "eve@example.com").await,
    ];
    let is_over = AtomicBool::new(false);
    let holder = pair.database.admin().connect().await.unwrap();

    let seeds = (0..).map(|number| seed.wrapping_add(number));
    let impatient = people.iter().zip(seeds);
    let impatient = join_all(impatient.map(|(person, seed)| person.write_impatiently(seed)));
    let reading = strangers.iter().map(async |stranger: &Person| {
        while !is_over.load(Ordering::Relaxed) {
            if let Err(status) = stranger.read().await {
                // Only because of the locks.
                assert_ne!(status.code(), Code::Internal, "seed {seed}: {status:?}");
            }
        }
    });
    let given_up = async {
        impatient.await;
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(given_up, join_all(reading), hold_tables(holder, &is_over));

    let mut db = pair.database.admin().connect().await.unwrap();
    let db = tokio::sync::Mutex::new(&mut db);
    until("no connection is left in a transaction", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        let open: i64 = sqlx::query_scalar(sql)
            .fetch_one(&mut **db.lock().await)
            .await
            .unwrap();
        (open == 0).then_some(())
    })
    .await;
    // More than the connections of both replicas.
    let reads = (0..40).map(|number| strangers[number % 2].read());
    for read in join_all(reads).await {
        read.unwrap();
    }
}
