//! Passes secrets through everything that the services do, then searches the database,
//! every log and every error for them.

use std::fmt::Write;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proto::auth::v1::complete_mfa_request::Code;
use proto::auth::v1::{
    ChangePasswordRequest, CreateServiceAccountRequest, IssueServiceTokenRequest,
    RequestPasswordResetRequest, ResetPasswordRequest, SignUpRequest, VerifyEmailRequest,
};
use proto::contacts::v1::{
    Contact, CreateContactRequest, Email, ListContactsRequest, SearchContactsRequest,
};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tonic::{Response, Status};

use crate::admin::Admin;
use crate::app::Secured;
use crate::pair::{PROGRAM_SECRET, Pair};
use crate::totp::totp_secret;
use crate::user::{OTHER_PASSWORD, PASSWORD, bearer};

const EMAIL: &str = "canary-of-the-mines@example.com";
const THIRD_PASSWORD: &str = "velvet-anchor-7720";
const WRONG_PASSWORD: &str = "quartz-pigeon-5513";
const WEAK_PASSWORD: &str = "zkq8weak";
const NAME: &str = "Zyxwmenschikow";
const NOTES: &str = "keeps the spare vault combination";
const BAD_ADDRESS: &str = "no-address-of-zyxwmenschikow";

/// The secrets that were created.
#[derive(Default)]
struct Found {
    /// A secret, and its origin.
    secrets: Mutex<Vec<(&'static str, String)>>,
    /// The texts of all errors.
    errors: Mutex<String>,
}

impl Found {
    fn secret(&self, what: &'static str, secret: &str) {
        assert!(secret.len() >= 8, "{what} is too short to be looked for");
        self.secrets.lock().unwrap().push((what, secret.to_owned()));
    }

    /// Stores the error of a call that must fail.
    fn fails<T: std::fmt::Debug>(&self, answer: Result<Response<T>, Status>) {
        let status = answer.unwrap_err();
        let details = String::from_utf8_lossy(status.details());
        let mut errors = self.errors.lock().unwrap();
        writeln!(errors, "{status:?} {} {details}", status.message()).unwrap();
    }

    /// Fails with the name of a secret that the text contains.
    fn are_not_in(&self, place: &str, text: &str) {
        for (what, secret) in &*self.secrets.lock().unwrap() {
            let bytes = secret.as_bytes();
            let shapes = [
                secret.clone(),
                hex::encode(bytes),
                BASE64_STANDARD.encode(bytes),
                BASE64_URL_SAFE_NO_PAD.encode(bytes),
            ];
            let found = shapes.iter().any(|shape| text.contains(shape));
            assert!(!found, "{what} is in {place}");
        }
    }
}

/// Every row of every table of ours, as text, after its table's name; bytes in
/// hexadecimal.
async fn dump(pair: &Pair) -> Vec<(String, String)> {
    let mut db: PgConnection = pair.database.admin().connect().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    assert!(tables.len() >= 10, "{tables:?}");
    let mut all = Vec::new();
    for table in tables {
        let sql = format!("SELECT row_to_json(t)::text FROM {table} AS t");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&mut db)
            .await
            .unwrap();
        all.push((table, rows.concat()));
    }
    all
}

/// An account with everything, and each call that takes a secret, also with a wrong one.
async fn live(pair: &Pair, found: &Found) {
    let side = pair.side(0);
    let mut auth = pair.side(1).auth;
    let sign_up = |password: &str| SignUpRequest {
        email: EMAIL.into(),
        password: password.into(),
        ..SignUpRequest::default()
    };
    found.fails(auth.sign_up(sign_up(WEAK_PASSWORD)).await);
    let ada = Secured::new(pair, &side, EMAIL).await;
    found.fails(auth.sign_up(sign_up(PASSWORD)).await);
    found.secret("a TOTP secret", &ada.secret);
    let bytes = totp_secret(&ada.secret);
    found.secret("a TOTP secret's bytes in hex", &hex::encode(&bytes));
    found.secret("a TOTP secret's bytes", &BASE64_STANDARD.encode(&bytes));
    for code in &ada.recovery_codes {
        found.secret("a recovery code", code);
        found.secret("a recovery code", &code.replace('-', ""));
    }
    let access = ada.tokens.access_token.clone();
    token(found, "a first access token", &access);
    token(found, "a first refresh token", &ada.tokens.refresh_token);

    let wrong = side.try_log_in(EMAIL, WRONG_PASSWORD).await;
    found.fails(wrong.map(Response::new));
    let challenge = side.challenge(EMAIL, PASSWORD).await.id;
    token(found, "a challenge", &challenge);
    let never = Code::RecoveryCode("AAAA-BBBB-CCCC-DDDD-EEEE".into());
    let wrong = side.complete(challenge.clone(), never).await;
    found.fails(wrong.map(Response::new));
    let code = Code::RecoveryCode(ada.recovery_codes[0].clone());
    let done = side.complete(challenge.clone(), code.clone()).await;
    let tokens = done.unwrap().tokens.unwrap();
    token(found, "an access token", &tokens.access_token);
    token(found, "a refresh token", &tokens.refresh_token);
    found.fails(side.complete(challenge, code).await.map(Response::new));
    let next = side.refresh(&tokens.refresh_token).await.unwrap();
    let next = next.tokens.unwrap();
    token(found, "a second refresh token", &next.refresh_token);
    let last = pair.side(1).refresh(&next.refresh_token).await.unwrap();
    token(
        found,
        "a third refresh token",
        &last.tokens.unwrap().refresh_token,
    );
    found.fails(side.refresh(&tokens.refresh_token).await.map(Response::new));

    let mut account = pair.side(1).account;
    let change = |current_password: &str| {
        let request = ChangePasswordRequest {
            current_password: current_password.into(),
            new_password: OTHER_PASSWORD.into(),
        };
        bearer(request, &access)
    };
    found.fails(account.change_password(change(WRONG_PASSWORD)).await);
    account.change_password(change(PASSWORD)).await.unwrap();
    mail(pair, found).await;
    found.fails(account.change_password(change(OTHER_PASSWORD)).await);
}

/// A token, and the part of it that is secret.
fn token(found: &Found, what: &'static str, token: &str) {
    found.secret(what, token);
    // The signature of a JWT; of other tokens the part after the prefix.
    let part = match token.rsplit_once('.') {
        Some((_, signature)) => signature,
        None => token.split_once('_').unwrap().1,
    };
    found.secret(what, part);
}

async fn mail(pair: &Pair, found: &Found) {
    let mut auth = pair.side(0).auth;
    let email = EMAIL.to_owned();
    let request = RequestPasswordResetRequest { email };
    auth.request_password_reset(request).await.unwrap();
    let confirm = pair
        .mailbox
        .token(EMAIL, "Confirm your e-mail address")
        .await;
    let choose = pair.mailbox.token(EMAIL, "Choose a new password").await;
    token(found, "a token to confirm an e-mail", &confirm);
    token(found, "a token to choose a password", &choose);
    let confirm = VerifyEmailRequest {
        token: confirm,
        current_password: PASSWORD.into(),
    };
    // It was used when the second factor was enrolled.
    found.fails(auth.verify_email(confirm).await);
    let choose = ResetPasswordRequest {
        token: choose,
        new_password: THIRD_PASSWORD.into(),
    };
    auth.reset_password(choose.clone()).await.unwrap();
    found.fails(auth.reset_password(choose).await);
}

async fn programs(pair: &Pair, found: &Found) {
    let side = pair.side(0);
    side.sign_up("root@example.com").await.unwrap();
    pair.make_admin("root@example.com");
    let root = Admin::tokens(&side, "root@example.com").await;
    let request = CreateServiceAccountRequest {
        client_id: "reporter".into(),
        scopes: vec!["auth.introspect".into()],
        // Its secret is derived.
        request_id: "5f0c2a1b-e4d7-498f-a36b-1c9d8e2f7041".into(),
    };
    let mut admin = side.admin.clone();
    let created = admin
        .create_service_account(bearer(request, &root.access_token))
        .await;
    let secret = created.unwrap().into_inner().client_secret;
    token(found, "a program's secret", &secret);
    let ask = |client_secret: &str| IssueServiceTokenRequest {
        client_id: "reporter".into(),
        client_secret: client_secret.into(),
        ..IssueServiceTokenRequest::default()
    };
    let mut programs = pair.side(1).programs;
    let issued = programs.issue_service_token(ask(&secret)).await.unwrap();
    token(
        found,
        "a program's token",
        &issued.into_inner().access_token,
    );
    let nearly = secret[..secret.len() - 1].to_owned() + "~";
    found.fails(programs.issue_service_token(ask(&nearly)).await);
}

async fn contacts(pair: &Pair, found: &Found) {
    let user = pair.side(0).user("owner@example.com").await;
    let mut book = pair.side(0).book;
    let create = |address: &str| {
        let contact = Contact {
            given_name: NAME.into(),
            notes: NOTES.into(),
            emails: vec![Email {
                address: address.into(),
                ..Email::default()
            }],
            ..Contact::default()
        };
        let request = CreateContactRequest {
            contact: Some(contact),
            ..CreateContactRequest::default()
        };
        bearer(request, &user.access_token)
    };
    book.create_contact(create("zyxwmenschikow@example.com"))
        .await
        .unwrap();
    found.fails(book.create_contact(create(BAD_ADDRESS)).await);
    let search = SearchContactsRequest {
        query: NAME.into(),
        ..SearchContactsRequest::default()
    };
    let mut other = pair.side(1).book;
    let results = other
        .search_contacts(bearer(search, &user.access_token))
        .await;
    assert_eq!(results.unwrap().into_inner().results.len(), 1);
    let list = ListContactsRequest {
        filter: format!("given_name = \"{NAME}\" AND nothing"),
        page_token: NAME.into(),
        ..ListContactsRequest::default()
    };
    found.fails(other.list_contacts(bearer(list, &user.access_token)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_database_a_log_or_an_error() {
    let mut pair = Pair::start().await;
    let found = Found::default();
    for password in [
        PASSWORD,
        OTHER_PASSWORD,
        THIRD_PASSWORD,
        WRONG_PASSWORD,
        WEAK_PASSWORD,
    ] {
        found.secret("a password", password);
    }
    found.secret("the contacts service's secret", PROGRAM_SECRET);
    for name in ["auth.keys", "contacts.keys", "pepper.keys"] {
        let line = pair.file(name);
        let key = line.trim().split(':').nth(1).unwrap().to_owned();
        let bytes = hex::decode(&key).unwrap();
        found.secret("a key of a file", &key);
        found.secret("a key of a file", &BASE64_STANDARD.encode(bytes));
    }

    live(&pair, &found).await;
    programs(&pair, &found).await;
    contacts(&pair, &found).await;
    let tables = dump(&pair).await;
    let logs = pair.last_words();
    let errors = found.errors.lock().unwrap().clone();

    let rows: String = tables.iter().map(|(_, rows)| &**rows).collect();
    found.are_not_in("the database", &rows);
    found.are_not_in("a log", &logs);
    found.are_not_in("an error", &errors);
    for (place, text) in [("a log", &logs), ("an error", &errors)] {
        for private in [
            EMAIL,
            NAME,
            NOTES,
            BAD_ADDRESS,
            "zyxwmenschikow@example.com",
        ] {
            assert!(!text.contains(private), "{private} is in {place}");
        }
    }
    let of_emails = ["auth.emails", "auth.users", "auth.email_tokens"];
    for (table, rows) in &tables {
        let holds = |text: &str| rows.contains(text) || rows.contains(&hex::encode(text));
        assert!(!holds(EMAIL) || of_emails.contains(&&**table), "{table}");
        let content = holds(NAME) || holds(NOTES);
        assert!(!content || table == "contacts.contacts", "{table}");
    }
    // The search would have found them.
    assert!(rows.contains(EMAIL) && rows.contains(&hex::encode(NOTES)));
    assert!(logs.contains("\"level\":\"DEBUG\"") && logs.contains(" DEBUG "));
    assert!(errors.lines().count() >= 12, "{errors}");
}
