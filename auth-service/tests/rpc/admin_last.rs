//! There is always an administrator left.

use tonic::Code;

use crate::admin::Admin;
use crate::app::{App, reason, refusal};
use crate::programs::{asks, issue};

/// The number of enabled administrators.
async fn administrators(app: &App) -> i64 {
    let sql = "SELECT count(*) FROM auth.users
               WHERE 'admin' = ANY (roles) AND disable_time IS NULL";
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap()
}

#[tokio::test]
async fn an_administrator_does_not_lock_itself_out() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    Admin::new(&app, "bob@example.org").await;

    for status in [
        ada.disable(&ada.id).await.unwrap_err(),
        ada.set_roles(&ada.id, &["support"]).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(reason(&status), "OWN_ACCOUNT");
    }
    // Other roles can be removed.
    let ada_now = ada.set_roles(&ada.id, &["support", "admin"]).await.unwrap();
    assert_eq!(ada_now.roles, ["admin", "support"]);
    assert_eq!(administrators(&app).await, 2);
}

#[tokio::test]
async fn a_program_does_not_take_the_last_administrator_away() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = Admin::new(&app, "bob@example.org").await;
    let (_, secret) = ada.create("console", &["auth.admin"]).await.unwrap();
    let issued = issue(&app, asks("console", &secret, &[])).await.unwrap();
    let console = Admin::program(&app, issued.access_token);

    // A disabled administrator does not count.
    console.disable(&bob.id).await.unwrap();
    for status in [
        console.disable(&ada.id).await.unwrap_err(),
        console.set_roles(&ada.id, &[]).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(reason(&status), "LAST_ADMINISTRATOR");
    }
    console.set_roles(&bob.id, &[]).await.unwrap();
    assert_eq!(administrators(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_turn_on_each_other_at_once_leave_one() {
    let app = App::start().await;
    let replica = app.replica().await;
    let ids = [
        Admin::new(&app, "ada@example.org").await.id,
        Admin::new(&app, "bob@example.org").await.id,
    ];
    for round in 0..6 {
        // Tokens issued in the second of a revocation are invalid.
        app.advance(1);
        app.sql("UPDATE auth.users SET disable_time = NULL, roles = '{admin}'")
            .await;
        let ada = Admin::log_in(&app, "ada@example.org", &ids[0]).await;
        let bob = Admin::log_in(&app, "bob@example.org", &ids[1]).await;
        let bob = Admin::with(&replica, bob.tokens, bob.id);

        let (ours, theirs) = if round % 2 == 0 {
            tokio::join!(ada.disable(&bob.id), bob.disable(&ada.id))
        } else {
            tokio::join!(ada.set_roles(&bob.id, &[]), bob.set_roles(&ada.id, &[]))
        };

        assert!(ours.is_ok() != theirs.is_ok(), "{ours:?} {theirs:?}");
        let lost = refusal(if ours.is_ok() { theirs } else { ours });
        let known = ["TOKEN_REVOKED", "INSUFFICIENT_SCOPE"];
        assert!(known.contains(&&*lost), "{lost}");
        assert_eq!(administrators(&app).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_demoted_while_an_act_begins_does_not_finish_it() {
    let app = App::start().await;
    let bob = Admin::new(&app, "bob@example.org").await;
    // In one process these calls wait for each other before they reach the database.
    let replica = app.replica().await;
    let there = Admin::with(&replica, bob.tokens.clone(), bob.id.clone());
    // Bob's calls pass the first check, and wait for this transaction.
    let demotion = app.begin_with("UPDATE auth.users SET roles = '{}'").await;

    let acts = async {
        tokio::join!(
            bob.create("backdoor", &["auth.admin"]),
            there.disable(&bob.id)
        )
    };
    let commit = async {
        app.waiting_for_a_lock(2).await;
        demotion.commit().await.unwrap();
    };
    let ((created, disabled), ()) = tokio::join!(acts, commit);

    assert_eq!(refusal(created), "INSUFFICIENT_SCOPE");
    assert_eq!(refusal(disabled), "INSUFFICIENT_SCOPE");
    let sql = "SELECT count(*) FROM auth.service_accounts";
    let programs: i64 = sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap();
    assert_eq!(programs, 0);
}
