//! `sessions`.

use addressbook_client::proto::auth::v1::{
    ListSessionsRequest, RevokeOtherSessionsRequest, RevokeSessionRequest,
};
use addressbook_client::{Client, Error};

use crate::cli::Sessions;
use crate::context::Context;
use crate::output::{self, time};
use crate::pages;

/// Runs a sub-command of `sessions`.
pub(crate) async fn run(context: &Context, command: Sessions) -> Result<(), Error> {
    let client = context.client().await?;
    match command {
        Sessions::List => list(context, &client).await,
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

async fn list(context: &Context, client: &Client) -> Result<(), Error> {
    let sessions = pages::all(async |page_token| {
        let request = ListSessionsRequest {
            page_token,
            ..ListSessionsRequest::default()
        };
        let page = client.account().list_sessions(request).await?.into_inner();
        Ok((page.sessions, page.next_page_token))
    })
    .await?;
    if context.output.is_json() {
        let name = "addressbook.auth.v1.Session";
        return sessions
            .iter()
            .try_for_each(|session| output::message(name, session));
    }
    let rows = sessions.into_iter().map(|session| {
        let mark = if session.current { " (this one)" } else { "" };
        vec![
            format!("{}{mark}", session.client_label),
            session.ip,
            time(session.last_seen_time.as_ref()),
            time(session.idle_expire_time.as_ref()),
            session.id,
        ]
    });
    let header = ["SESSION", "ADDRESS", "LAST SEEN", "EXPIRES", "ID"];
    output::table(&header, rows.collect(), "There are no sessions.")
}
