//! Compiles the protos of the conformance suite with protox.

use std::path::PathBuf;
use std::{env, error, fs};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write"
)]
fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = ["server_compat", "service"];
    let files = files.map(|name| format!("connectrpc/conformance/v1/{name}.proto"));
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_files(files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("descriptor.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        .build_client(false)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
