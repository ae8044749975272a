//! `account totp`.

use addressbook_client::Error;
use addressbook_client::proto::auth::v1::{
    ConfirmTotpRequest, DisableTotpRequest, EnrollTotpRequest, RegenerateRecoveryCodesRequest,
};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::cli::Totp;
use crate::context::Context;
use crate::{output, prompt};

/// Runs a sub-command of `account totp`.
pub(crate) async fn run(context: &Context, command: Totp) -> Result<(), Error> {
    match command {
        Totp::Enable => enable(context).await,
        Totp::Disable => disable(context).await,
        Totp::RecoveryCodes => recovery_codes(context).await,
    }
}

/// Shows the secret as a QR code, and turns the second factor on with the first code.
async fn enable(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let current_password = prompt::secret("Password").await?;
    let request = EnrollTotpRequest { current_password };
    let enrolled = client.account().enroll_totp(request).await?.into_inner();
    if context.output.is_json() {
        output::message("addressbook.auth.v1.EnrollTotpResponse", &enrolled);
    } else {
        output::line(picture(&enrolled.otpauth_uri)?);
        output::line("Scan this with an authenticator app, or type its secret:");
        output::line(format_args!("  {}", enrolled.secret));
    }
    let code = prompt::secret("Code that the app shows").await?;
    let response = client
        .account()
        .confirm_totp(ConfirmTotpRequest { code })
        .await?;
    let response = response.into_inner();
    if context.output.is_json() {
        output::message("addressbook.auth.v1.ConfirmTotpResponse", &response);
    } else {
        print_codes(&response.recovery_codes);
    }
    Ok(())
}

async fn disable(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let request = DisableTotpRequest {
        current_password: prompt::secret("Password").await?,
        code: prompt::secret("Code, or a recovery code").await?,
    };
    client.account().disable_totp(request).await?;
    output::note("The second factor is off.");
    Ok(())
}

async fn recovery_codes(context: &Context) -> Result<(), Error> {
    let client = context.client().await?;
    let request = RegenerateRecoveryCodesRequest {
        current_password: prompt::secret("Password").await?,
        code: prompt::secret("Code, or a recovery code").await?,
    };
    let response = client.account().regenerate_recovery_codes(request).await?;
    let response = response.into_inner();
    if context.output.is_json() {
        output::message(
            "addressbook.auth.v1.RegenerateRecoveryCodesResponse",
            &response,
        );
    } else {
        print_codes(&response.recovery_codes);
    }
    Ok(())
}

fn print_codes(codes: &[String]) {
    output::line("Store these recovery codes; each replaces the app for one log-in:");
    for code in codes {
        output::line(format_args!("  {code}"));
    }
}

/// A QR code of half blocks, dark on light as scanners expect, whatever the terminal's
/// colours are.
fn picture(uri: &str) -> Result<String, Error> {
    let code = QrCode::new(uri).map_err(Error::local)?;
    Ok(code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Dark)
        .light_color(Dense1x2::Light)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_fits_a_terminal() {
        let uri = "otpauth://totp/addressbook:ada%40example.com?secret=\
                   JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=addressbook";

        let picture = picture(uri).unwrap();

        let width = picture
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(width <= 80, "{width}");
        assert!(picture.contains('█'), "{picture}");
    }
}
