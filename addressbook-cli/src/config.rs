//! What the environment says.

use std::env;
use std::path::PathBuf;

use addressbook_client::Error;

/// Where the profiles are.
pub(crate) fn profiles() -> Result<PathBuf, Error> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let state = match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(state), _) => PathBuf::from(state),
        (None, Some(home)) => PathBuf::from(home).join(".local/state"),
        (None, None) => return Err(Error::local("neither XDG_STATE_HOME nor HOME is set")),
    };
    Ok(state.join("addressbook"))
}
