//! Counting by callgrind.

use std::process::Command;

use crate::Error;
use crate::hot::Hot;

/// Enough calls that occasional work is included.
const CALLS: u64 = 500;

/// Counts what happens inside `hot::counted`.
pub(crate) fn instructions_per_call(hot: Hot) -> Result<u64, Error> {
    let program = std::env::current_exe().map_err(Error::Valgrind)?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*hot::counted*")
        .arg(program)
        .args(["--call", hot.name(), &CALLS.to_string()])
        .output()
        .map_err(Error::Valgrind)?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said)
        .filter(|count| *count > 0 && output.status.success())
        .map(|count| count / CALLS)
        .ok_or_else(|| Error::NoCount(said.into_owned()))
}

/// Reads the line `==1234== Collected : 5678`.
fn collected(said: &str) -> Option<u64> {
    let mut lines = said.lines();
    let count = lines.find_map(|line| line.split_once("Collected : "))?.1;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";

        assert_eq!(collected(said), Some(123_456));
        assert_eq!(collected("==7== Process terminating"), None);
    }
}
