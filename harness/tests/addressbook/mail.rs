//! The mails that the auth service writes into a folder.

use std::fs;

use testing::until;

use crate::stack::Stack;

/// The subject of a mail with a token that sets a new password.
const RESET: &str = "Choose a new password";

/// The token that verifies this address.
pub(crate) fn token(stack: &Stack, email: &str) -> String {
    find(stack, email, |text| !text.contains(RESET))
}

/// The token that sets a new password.
pub(crate) fn reset_token(stack: &Stack, email: &str) -> String {
    find(stack, email, |text| text.contains(RESET))
}

fn find(stack: &Stack, email: &str, is_it: impl Fn(&str) -> bool) -> String {
    let folder = stack.folder().join("mail");
    let mut found = None;
    until("a mail arrives", || {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        let mut mails = texts.filter(|text| text.contains(email) && is_it(text));
        found = mails.find_map(|text| in_mail(&text));
        found.is_some()
    });
    found.unwrap()
}

fn in_mail(text: &str) -> Option<String> {
    // Long lines are broken.
    let text = text.replace("=\r\n", "").replace("=\n", "");
    let token = &text[text.find("et1_")?..];
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    token.split(|c| !is_part(c)).next().map(str::to_owned)
}
