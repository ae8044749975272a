//! Questions, the secret ones without echo.

use std::io::{self, BufRead, IsTerminal, Write};

use addressbook_client::Error;

use crate::output;

/// A secret: typed without echo, or the next line of the input if that is not a terminal.
pub(crate) async fn secret(question: &str) -> Result<String, Error> {
    let text = output::plain(&format!("{question}: "));
    answered(move || {
        if io::stdin().is_terminal() {
            rpassword::prompt_password(text)
        } else {
            line()
        }
    })
    .await
}

/// A new password: on a terminal typed twice.
pub(crate) async fn new_password(question: &str) -> Result<String, Error> {
    let password = secret(question).await?;
    if io::stdin().is_terminal() && secret("The same again").await? != password {
        return Err(Error::invalid("the passwords are different"));
    }
    Ok(password)
}

/// A line that is shown while it is typed.
pub(crate) async fn text(question: &str) -> Result<String, Error> {
    let text = output::plain(&format!("{question}: "));
    answered(move || {
        let mut stderr = io::stderr();
        write!(stderr, "{text}")?;
        stderr.flush()?;
        line()
    })
    .await
}

/// Whether the user agrees; without a terminal nobody can.
pub(crate) async fn is_agreed(question: &str) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let answer = text(&format!("{question} [y/N]")).await?;
    Ok(["y", "yes"].contains(&&*answer.trim().to_lowercase()))
}

/// Asks on a thread, so that Ctrl-C is noticed meanwhile.
async fn answered(
    ask: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> Result<String, Error> {
    let answer = tokio::task::spawn_blocking(ask).await;
    let answer = answer.map_err(Error::local)?;
    match answer {
        // By Ctrl-C: the echo is on again, and the signal ends the program.
        Err(cause) if cause.kind() == io::ErrorKind::Interrupted => std::future::pending().await,
        answer => {
            answer.map_err(|cause| Error::local(format_args!("cannot read the input: {cause}")))
        }
    }
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
