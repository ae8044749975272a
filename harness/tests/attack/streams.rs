//! Streams that are held open: after the right to read them ended, or to keep others from
//! getting one.

use proto::auth::v1::watch_revocations_response::Revoked;
use proto::auth::v1::{
    CreateServiceAccountRequest, DeleteServiceAccountRequest, ExportMeRequest, ExportMeResponse,
    IssueServiceTokenRequest, WatchRevocationsRequest,
};
use sqlx::{Connection, PgConnection};
use tonic::{Status, Streaming};

use crate::admin::Admin;
use crate::pair::{Pair, Side};
use crate::user::{bearer, reason, refusal};

/// More than a client's windows hold before it reads.
const MANY_EVENTS: &str = "
    INSERT INTO auth.audit_events
    SELECT u.id, gen_random_uuid(), 'log_in_failed', now(), NULL, '192.0.2.1'
    FROM auth.users AS u, generate_series(1, 60000)
    WHERE u.email = 'mallory@example.com'";

#[tokio::test]
async fn a_program_that_was_deleted_is_not_told_what_is_revoked_afterwards() {
    let pair = Pair::start().await;
    let admin = Admin::new(&pair, 1, "root@example.com").await;
    let request = admin.asks(CreateServiceAccountRequest {
        client_id: "spy".into(),
        scopes: vec!["auth.revocations".into()],
        ..CreateServiceAccountRequest::default()
    });
    let made = admin.client().create_service_account(request).await;
    let mut programs = pair.side(0).programs;
    let issued = programs
        .issue_service_token(IssueServiceTokenRequest {
            client_id: "spy".into(),
            client_secret: made.unwrap().into_inner().client_secret,
            ..IssueServiceTokenRequest::default()
        })
        .await;
    let token = issued.unwrap().into_inner().access_token;
    let watch = bearer(WatchRevocationsRequest::default(), &token);
    let mut feed = programs
        .watch_revocations(watch)
        .await
        .unwrap()
        .into_inner();
    while !feed.message().await.unwrap().unwrap().caught_up {}
    let ada = pair.side(1).user("ada@example.com").await;

    let client_id = "spy".into();
    let request = admin.asks(DeleteServiceAccountRequest { client_id });
    let deleted = admin.client().delete_service_account(request).await;
    deleted.unwrap();
    pair.side(1).log_out(&ada.refresh_token).await;

    let end = loop {
        match feed.message().await {
            Ok(told) => {
                let told = told.expect("a reason").revoked;
                assert_ne!(told, Some(Revoked::SessionId(ada.session_id.clone())));
            }
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&end), "TOKEN_REVOKED");
}

async fn export(side: &Side, access: &str) -> Result<Streaming<ExportMeResponse>, Status> {
    let request = bearer(ExportMeRequest {}, access);
    Ok(side.account.clone().export_me(request).await?.into_inner())
}

async fn read(mut export: Streaming<ExportMeResponse>) -> Result<(), Status> {
    while export.message().await?.is_some() {}
    Ok(())
}

#[tokio::test]
async fn whoever_leaves_exports_unread_keeps_nobody_else_from_exporting() {
    let pair = Pair::start().await;
    let mallory = pair.side(0).user("mallory@example.com").await;
    let ada = pair.side(1).user("ada@example.com").await;
    let db = PgConnection::connect_with(&pair.database.admin()).await;
    let mut db = db.unwrap();
    sqlx::raw_sql(MANY_EVENTS).execute(&mut db).await.unwrap();

    for side in &pair.sides {
        let mut unread = Vec::new();
        let busy = loop {
            match export(side, &mallory.access_token).await {
                Ok(stream) => unread.push(stream),
                Err(status) => break status,
            }
        };
        assert_eq!(reason(&busy), "EXPORTS_BUSY");

        read(export(side, &ada.access_token).await.unwrap())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_export_does_not_go_on_after_the_log_out() {
    let pair = Pair::start().await;
    let mallory = pair.side(0).user("mallory@example.com").await;
    let db = PgConnection::connect_with(&pair.database.admin()).await;
    let mut db = db.unwrap();
    sqlx::raw_sql(MANY_EVENTS).execute(&mut db).await.unwrap();
    let mut stolen = export(&pair.side(0), &mallory.access_token).await.unwrap();
    assert!(stolen.message().await.unwrap().is_some());

    pair.side(1).log_out(&mallory.refresh_token).await;

    assert_eq!(refusal(read(stolen).await), "TOKEN_REVOKED");
}
