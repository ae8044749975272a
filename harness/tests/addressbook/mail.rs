//! The mails that the auth service writes into a folder.

use std::fs;

use testing::until;

use crate::stack::Stack;

/// The token in a mail to this address.
pub(crate) fn token(stack: &Stack, email: &str) -> String {
    let folder = stack.folder().join("mail");
    let mut found = None;
    until("a mail arrives", || {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        found = texts
            .find(|text| text.contains(email))
            .and_then(|text| in_mail(&text));
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
