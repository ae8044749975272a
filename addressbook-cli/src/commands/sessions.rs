//! `sessions`.

use addressbook_client::Error;
use addressbook_client::proto::auth::v1::{
    ListSessionsRequest, RevokeOtherSessionsRequest, RevokeSessionRequest,
};

use crate::cli::Sessions;
use crate::context::Context;
use crate::output::{self, time};

/// Runs a sub-command of `sessions`.
pub(crate) async fn run(context: &Context, command: Sessions) -> Result<(), Error> {
    let client = context.client().await?;
    match command {
        Sessions::List => list(context).await,
        Sessions::Revoke { id } => {
            let request = RevokeSessionRequest { session_id: id };
            client.account().revoke_session(request).await?;
            output::note("The session has ended.");
            Ok(())
        }
        Sessions::RevokeOthers => {
            let request = RevokeOtherSessionsRequest {};
            let response = client.account().revoke_other_sessions(request).await?;
            let count = response.into_inner().revoked_count;
            output::note(format_args!("Ended {count} other sessions."));
            Ok(())
        }
    }
}

async fn list(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let mut rows = Vec::new();
    let mut request = ListSessionsRequest::default();
    loop {
        let page = client
            .account()
            .list_sessions(request.clone())
            .await?
            .into_inner();
        for session in page.sessions {
            if context.output.is_json() {
                output::message("addressbook.auth.v1.Session", &session);
                continue;
            }
            let mark = if session.current { " (this one)" } else { "" };
            rows.push(vec![
                format!("{}{mark}", session.client_label),
                session.ip,
                time(session.last_seen_time.as_ref()),
                time(session.idle_expire_time.as_ref()),
                session.id,
            ]);
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if !context.output.is_json() {
        let header = ["SESSION", "ADDRESS", "LAST SEEN", "EXPIRES", "ID"];
        context
            .output
            .table(&header, rows, "There are no sessions.");
    }
    Ok(())
}
