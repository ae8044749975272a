//! `login`, `logout` and `token`.

use addressbook_client::proto::auth::v1::User;
use addressbook_client::{Challenge, Client, Code, Error, LogIn};

use crate::cli::Login;
use crate::context::Context;
use crate::{output, prompt};

/// How many codes a person may try before the command gives up.
const CODES_MAX: u32 = 3;

/// The name of the session in the list of sessions.
const LABEL: &str = "addressbook command line";

/// Logs in.
pub(crate) async fn log_in(context: &Context, args: Login) -> Result<(), Error> {
    let client = context.client_at(&args.servers).await?;
    let email = email(context, args.email).await?;
    let password = prompt::secret(&format!("Password of {email}")).await?;
    with_password(&client, &email, &password).await
}

/// This e-mail, or that of the last log-in, or the one that the user types.
pub(crate) async fn email(context: &Context, given: Option<String>) -> Result<String, Error> {
    if let Some(email) = given {
        return Ok(email);
    }
    let known = context.store.read().await?.email;
    if known.is_empty() {
        return prompt::text("E-mail").await;
    }
    Ok(known)
}

/// Logs in, and says who it is.
pub(crate) async fn with_password(
    client: &Client,
    email: &str,
    password: &str,
) -> Result<(), Error> {
    let user = match client.log_in(email, password, LABEL).await? {
        LogIn::Done(user) => *user,
        LogIn::Challenge(challenge) => answer(client, &challenge).await?,
    };
    let name = match &*user.display_name {
        "" => user.email,
        name => format!("{name} <{}>", user.email),
    };
    output::note(format_args!("Logged in as {name}."));
    Ok(())
}

/// Asks for a code until one is right.
async fn answer(client: &Client, challenge: &Challenge) -> Result<User, Error> {
    let question = if challenge.accepts_recovery_codes() {
        "Code of your authenticator app, or a recovery code"
    } else {
        "Code of your authenticator app"
    };
    let mut tried = 0;
    loop {
        let code = prompt::secret(question).await?;
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let is_totp = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let code = if is_totp {
            Code::Totp(digits)
        } else {
            Code::Recovery(code)
        };
        tried += 1;
        match client.complete_mfa(challenge, code).await {
            Err(error) if error.reason == "MFA_CODE_INVALID" && tried < CODES_MAX => {
                output::note(&error);
            }
            result => return result,
        }
    }
}

/// Ends the session.
pub(crate) async fn log_out(context: &Context) -> Result<(), Error> {
    context.client().await?.log_out().await?;
    output::note("Logged out.");
    Ok(())
}

/// Prints an access token.
pub(crate) async fn token(context: &Context) -> Result<(), Error> {
    let token = context.client().await?.access_token().await?;
    output::line(token.as_str())
}
