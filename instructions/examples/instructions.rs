//! Counts instructions. It is an example, because `cargo test` builds those with everything
//! else: a program would be built with other features, and its dependencies a second time.

use std::process::ExitCode;

fn main() -> ExitCode {
    instructions::main()
}
