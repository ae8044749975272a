//! `account totp`.

use addressbook_client::Error;
use addressbook_client::proto::auth::v1::{
    ConfirmTotpRequest, DisableTotpRequest, EnrollTotpRequest, RegenerateRecoveryCodesRequest,
};
use anstyle::{Ansi256Color, Color, Style};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::cli::Totp;
use crate::context::Context;
use crate::{output, prompt};

/// Colours of the cube of 256. A terminal's theme replaces its first 16, also black and white.
const BLACK_ON_WHITE: Style = Style::new()
    .fg_color(Some(Color::Ansi256(Ansi256Color(16))))
    .bg_color(Some(Color::Ansi256(Ansi256Color(231))));

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
        output::message("addressbook.auth.v1.EnrollTotpResponse", &enrolled)?;
    } else {
        if output::has_colors() {
            output::print(picture(&enrolled.otpauth_uri)?.as_bytes())?;
            output::line("Scan this with an authenticator app, or type its secret:")?;
        } else {
            output::line(&enrolled.otpauth_uri)?;
            output::line("Open this with an authenticator app, or type its secret:")?;
        }
        output::line(format_args!("  {}", enrolled.secret))?;
    }
    let code = prompt::secret("Code that the app shows").await?;
    let response = client
        .account()
        .confirm_totp(ConfirmTotpRequest { code })
        .await?;
    let response = response.into_inner();
    if context.output.is_json() {
        output::message("addressbook.auth.v1.ConfirmTotpResponse", &response)?;
    } else {
        print_codes(&response.recovery_codes)?;
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
        )?;
    } else {
        print_codes(&response.recovery_codes)?;
    }
    Ok(())
}

fn print_codes(codes: &[String]) -> Result<(), Error> {
    output::line("Store these recovery codes; each replaces the app for one log-in:")?;
    for code in codes {
        output::line(format_args!("  {code}"))?;
    }
    Ok(())
}

/// A QR code of half blocks in black on white, as scanners expect. `Dense1x2` draws dark modules
/// in the colour of the text, and shows the background for light ones.
fn picture(uri: &str) -> Result<String, Error> {
    let code = QrCode::new(uri).map_err(Error::local)?;
    let blocks = code.render::<Dense1x2>().build();
    let lines = blocks
        .lines()
        .map(|line| format!("{BLACK_ON_WHITE}{line}{BLACK_ON_WHITE:#}\n"));
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/addressbook:ada%40example.com?secret=\
                       JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=addressbook";

    /// The rows of pixels that a terminal shows, and whether each is black.
    fn pixels(picture: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in picture.lines() {
            let line = line.strip_prefix("\x1b[38;5;16m\x1b[48;5;231m").unwrap();
            let line = line.strip_suffix("\x1b[0m").unwrap();
            rows.push(line.chars().map(|c| "█▀".contains(c)).collect());
            rows.push(line.chars().map(|c| "█▄".contains(c)).collect());
        }
        rows
    }

    #[test]
    fn a_picture_is_black_on_white_with_a_margin() {
        let rows = pixels(&picture(URI).unwrap());

        let code = QrCode::new(URI).unwrap();
        let margin = 4;
        for (y, row) in rows.iter().enumerate() {
            assert!(row.len() <= 80, "{}", row.len());
            assert_eq!(row.len(), code.width() + 2 * margin);
            for (x, is_black) in row.iter().enumerate() {
                let inside = |at: usize| at.checked_sub(margin).filter(|at| *at < code.width());
                let expected = match (inside(x), inside(y)) {
                    (Some(x), Some(y)) => code[(x, y)] == qrcode::Color::Dark,
                    _ => false,
                };
                assert_eq!(*is_black, expected, "{x} {y}");
            }
        }
        assert!(rows.len() >= code.width() + 2 * margin);
    }
}
