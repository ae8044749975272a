//! Compiles the protos with protox, so that a build needs no protoc.

use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write"
)]
fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed=addressbook");
    let mut files = Vec::new();
    collect(Path::new("addressbook"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("descriptor.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    tonic_prost_build::configure()
        // src/secret.rs prints these without what they hold.
        .skip_debug(SECRETS)
        // The same message always encodes to the same bytes.
        .btree_map(".")
        .include_file("_includes.rs")
        .compile_fds(compiler.file_descriptor_set())?;
    for package in ["addressbook.auth.v1.rs", "addressbook.contacts.v1.rs"] {
        let path = out.join(package);
        fs::write(&path, with_server_codec(&fs::read_to_string(&path)?))?;
    }
    Ok(())
}

/// Lets servers, not clients, decode with `crate::codec`; tonic's generator has
/// no option for it.
fn with_server_codec(code: &str) -> String {
    let mut in_server = false;
    let mut out = String::with_capacity(code.len());
    for line in code.lines() {
        if line.starts_with("pub mod ") {
            in_server = line.ends_with("_server {");
        }
        if in_server {
            out.push_str(&line.replace("tonic_prost::ProstCodec", "crate::codec::ServerCodec"));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

const SECRETS: [&str; 6] = [
    "addressbook.auth.v1.SignUpRequest",
    "addressbook.auth.v1.LogInRequest",
    "addressbook.auth.v1.RefreshTokenRequest",
    "addressbook.auth.v1.LogOutRequest",
    "addressbook.auth.v1.ChangePasswordRequest",
    "addressbook.auth.v1.TokenPair",
];

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
