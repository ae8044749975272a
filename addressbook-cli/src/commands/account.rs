//! `account`.

use addressbook_client::Error;
use addressbook_client::proto::auth::v1::{
    GetMeRequest, RequestPasswordResetRequest, ResetPasswordRequest, SendEmailVerificationRequest,
    SignUpRequest, VerifyEmailRequest,
};
use uuid::Uuid;

use super::{login, totp};
use crate::cli::{Account, Confirm, ServerArgs, SignUp};
use crate::context::Context;
use crate::{output, prompt};

/// Runs a sub-command of `account`.
pub(crate) async fn run(context: &Context, command: Account) -> Result<(), Error> {
    match command {
        Account::SignUp(args) => sign_up(context, args).await,
        Account::Show => show(context).await,
        Account::SendVerification => send_verification(context).await,
        Account::Verify => verify(context).await,
        Account::ForgotPassword { email, servers } => {
            let client = context.client_at(&servers).await?;
            let email = login::email(context, email).await?;
            let request = RequestPasswordResetRequest { email };
            client.auth().request_password_reset(request).await?;
            output::note("If there is such an account, a mail is on its way.");
            Ok(())
        }
        Account::ResetPassword(servers) => reset_password(context, &servers).await,
        Account::ChangePassword => change_password(context).await,
        Account::Totp(command) => totp::run(context, command).await,
        Account::Delete(args) => delete(context, args).await,
    }
}

/// Creates an account, and logs in.
async fn sign_up(context: &Context, args: SignUp) -> Result<(), Error> {
    let client = context.client_at(&args.servers).await?;
    let email = match args.email {
        Some(email) => email,
        None => prompt::text("E-mail").await?,
    };
    let password = prompt::new_password("New password").await?;
    let request = SignUpRequest {
        email: email.clone(),
        password: password.clone(),
        display_name: args.name,
        request_id: Uuid::new_v4().to_string(),
    };
    client.auth().sign_up(request).await?;
    login::with_password(&client, &email, &password).await
}

/// Shows the account.
async fn show(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let response = client.account().get_me(GetMeRequest {}).await?.into_inner();
    if context.output.is_json() {
        return output::message("addressbook.auth.v1.GetMeResponse", &response);
    }
    let user = response.user.unwrap_or_default();
    let yes_or_no = |is_so| if is_so { "yes" } else { "no" };
    let mut rows = vec![
        ("e-mail", user.email),
        ("verified", yes_or_no(user.email_verified).into()),
        ("name", user.display_name),
        ("second factor", yes_or_no(user.mfa_enabled).into()),
        ("roles", user.roles.join(", ")),
        ("id", user.id),
    ];
    if user.mfa_enabled {
        rows.push((
            "recovery codes left",
            response.recovery_codes_left.to_string(),
        ));
    }
    rows.retain(|(_, value)| !value.is_empty());
    let rows = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value]);
    output::table(&[], rows.collect(), "")
}

/// Requests the mail that verifies the address.
async fn send_verification(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let user = client
        .account()
        .get_me(GetMeRequest {})
        .await?
        .into_inner()
        .user;
    let user = user.unwrap_or_default();
    let email = match user.pending_email {
        pending if pending.is_empty() => user.email,
        pending => pending,
    };
    let request = SendEmailVerificationRequest {
        email: email.clone(),
    };
    client
        .auth_as_user()
        .send_email_verification(request)
        .await?;
    output::note(format_args!(
        "A mail to {email} is on its way. Enter its link in `addressbook account verify`."
    ));
    Ok(())
}

/// Verifies the address with the token of the mail.
async fn verify(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let request = VerifyEmailRequest {
        token: mailed_token().await?,
        ..VerifyEmailRequest::default()
    };
    client.auth_as_user().verify_email(request).await?;
    output::note("The address is verified.");
    Ok(())
}

/// The token of a mail, by itself or in its link.
async fn mailed_token() -> Result<String, Error> {
    let link = prompt::secret("Link or token of the mail").await?;
    let token = link.rsplit_once("#token=");
    let token = token.map_or(&*link, |(_, token)| token);
    Ok(token.trim().to_owned())
}

/// Sets a new password with the token of the mail.
async fn reset_password(context: &Context, servers: &ServerArgs) -> Result<(), Error> {
    let client = context.client_at(servers).await?;
    let request = ResetPasswordRequest {
        token: mailed_token().await?,
        new_password: prompt::new_password("New password").await?,
    };
    client.auth().reset_password(request).await?;
    output::note("The password is changed. All sessions have ended: log in again.");
    Ok(())
}

async fn change_password(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let current = prompt::secret("Current password").await?;
    let new = prompt::new_password("New password").await?;
    client.change_password(&current, &new).await?;
    output::note("The password is changed. All other sessions have ended.");
    Ok(())
}

/// Deletes the account after a question.
async fn delete(context: &Context, args: Confirm) -> Result<(), Error> {
    let client = context.client().await?;
    let question = "Delete the account and all its contacts for good?";
    if !args.yes && !prompt::is_agreed(question).await? {
        return Err(Error::invalid(
            "nothing is deleted; --yes skips the question",
        ));
    }
    let password = prompt::secret("Password").await?;
    client.delete_account(&password).await?;
    output::note("The account is deleted.");
    Ok(())
}
