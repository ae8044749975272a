//! Compiles the protos with protox, so that a build needs no protoc.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write"
)]
fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed=addressbook");
    println!("cargo:rerun-if-changed=google");
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

    let set = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .build_server(false)
        // src/secret.rs prints these without their content.
        .skip_debug(SECRETS)
        // The same message always encodes to the same bytes.
        .btree_map(".")
        .extern_path(STATUS.0, STATUS.1)
        .include_file("_includes.rs")
        .compile_fds(set.clone())?;
    compile_servers(set, &out.join("server"))?;
    Ok(())
}

const SECRETS: &[&str] = &[
    "addressbook.auth.v1.SignUpRequest",
    "addressbook.auth.v1.LogInRequest",
    "addressbook.auth.v1.LogInResponse",
    "addressbook.auth.v1.RefreshTokenRequest",
    "addressbook.auth.v1.LogOutRequest",
    "addressbook.auth.v1.ChangePasswordRequest",
    "addressbook.auth.v1.ChangeEmailRequest",
    "addressbook.auth.v1.VerifyEmailRequest",
    "addressbook.auth.v1.ResetPasswordRequest",
    "addressbook.auth.v1.DeleteMeRequest",
    "addressbook.auth.v1.TokenPair",
    "addressbook.auth.v1.IssueServiceTokenRequest",
    "addressbook.auth.v1.IssueServiceTokenResponse",
    "addressbook.auth.v1.IntrospectTokenRequest",
    "addressbook.auth.v1.CreateServiceAccountResponse",
    "addressbook.auth.v1.RotateServiceAccountSecretResponse",
    "addressbook.auth.v1.CompleteMfaRequest",
    "addressbook.auth.v1.CompleteMfaResponse",
    "addressbook.auth.v1.MfaChallenge",
    "addressbook.auth.v1.EnrollTotpRequest",
    "addressbook.auth.v1.EnrollTotpResponse",
    "addressbook.auth.v1.ConfirmTotpRequest",
    "addressbook.auth.v1.ConfirmTotpResponse",
    "addressbook.auth.v1.DisableTotpRequest",
    "addressbook.auth.v1.RegenerateRecoveryCodesRequest",
    "addressbook.auth.v1.RegenerateRecoveryCodesResponse",
];

/// The error of a call of a batch, which has a Rust type already.
const STATUS: (&str, &str) = (".google.rpc.Status", "::tonic_types::Status");

/// A contact is stored as the bytes of its message and sent unchanged: in a server's
/// responses it is a field of bytes, which is the same on the wire.
const ENCODED: &str = ".addressbook.contacts.v1.Contact";

/// The servers, and those of their responses that contain a contact; all other messages
/// are shared with the clients.
fn compile_servers(mut set: FileDescriptorSet, out: &Path) -> io::Result<()> {
    let requests = reached(&set, |method| method.input_type());
    let answers: HashSet<String> = reached(&set, |method| method.output_type())
        .into_iter()
        .filter(|name| !requests.contains(name) && name != ENCODED && holds_contact(&set, name))
        .collect();
    let mut config = tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::codec::ServerCodec")
        .bytes(".")
        .extern_path(STATUS.0, STATUS.1)
        .include_file("_includes.rs")
        .out_dir(out);
    let ours = |file: &&mut FileDescriptorProto| file.package().starts_with("addressbook.");
    for file in set.file.iter_mut().filter(ours) {
        let package = format!(".{}", file.package());
        let module = package.replace('.', "::").replace("::addressbook", "crate");
        for message in &mut file.message_type {
            let name = format!("{package}.{}", message.name());
            if answers.contains(&name) {
                encode_contacts(message);
            } else {
                config = config.extern_path(&name, format!("{module}::{}", message.name()));
            }
        }
        for kind in &file.enum_type {
            let path = format!("{module}::{}", kind.name());
            config = config.extern_path(format!("{package}.{}", kind.name()), path);
        }
    }
    fs::create_dir_all(out)?;
    config.compile_fds(set)
}

fn encode_contacts(message: &mut DescriptorProto) {
    for field in &mut message.field {
        if field.type_name() == ENCODED {
            field.set_type(Type::Bytes);
            field.type_name = None;
        }
    }
}

/// The full names of a method's message and of all nested messages.
fn reached(
    set: &FileDescriptorSet,
    of: impl Fn(&prost_types::MethodDescriptorProto) -> &str,
) -> HashSet<String> {
    let services = set.file.iter().flat_map(|file| &file.service);
    let mut next: Vec<String> = services
        .flat_map(|service| &service.method)
        .map(|method| of(method).to_owned())
        .collect();
    let mut reached = HashSet::new();
    while let Some(name) = next.pop() {
        if let Some(message) = find(set, &name)
            && reached.insert(name)
        {
            let fields = message.field.iter();
            next.extend(fields.map(|field| field.type_name().to_owned()));
        }
    }
    reached
}

fn holds_contact(set: &FileDescriptorSet, name: &str) -> bool {
    name == ENCODED
        || find(set, name).is_some_and(|message| {
            let mut fields = message.field.iter();
            fields.any(|field| holds_contact(set, field.type_name()))
        })
}

/// The message of this full name, unless it is nested in another.
fn find<'a>(set: &'a FileDescriptorSet, name: &str) -> Option<&'a DescriptorProto> {
    set.file.iter().find_map(|file| {
        let local = name.strip_prefix(&format!(".{}.", file.package()))?;
        let mut messages = file.message_type.iter();
        messages.find(|message| message.name() == local)
    })
}

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
