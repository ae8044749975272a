//! What the environment says.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use addressbook_client::Error;

/// Where the profiles are.
pub(crate) fn profiles() -> Result<PathBuf, Error> {
    let state = match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(state), _) => PathBuf::from(state),
        (None, Some(home)) => PathBuf::from(home).join(".local/state"),
        (None, None) => return Err(Error::local("neither XDG_STATE_HOME nor HOME is set")),
    };
    Ok(state.join("addressbook"))
}

/// The user's editor, with its arguments.
pub(crate) fn editor() -> String {
    let editor = set("VISUAL").or_else(|| set("EDITOR"));
    let editor = editor.and_then(|editor| editor.into_string().ok());
    editor.unwrap_or_else(|| "vi".into())
}

/// A variable; an empty one counts as unset.
fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
