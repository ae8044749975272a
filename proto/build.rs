//! Compiles the protos with protox, so that a build needs no protoc.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};
use protox::prost_reflect::{
    DescriptorPool, FieldDescriptor, MessageDescriptor, OneofDescriptor, Value,
};

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
    let secrets = secrets(&compiler.descriptor_pool());
    fs::write(
        out.join("secrets.rs"),
        secrets.iter().map(debug).collect::<String>(),
    )?;
    fs::write(out.join("codes.rs"), codes(&compiler.descriptor_pool())?)?;
    let has_grpc = env::var_os("CARGO_FEATURE_GRPC").is_some();
    let mut config = tonic_prost_build::configure()
        .build_server(false)
        .build_client(has_grpc)
        // secrets.rs prints these without their content.
        .skip_debug(secrets.iter().map(MessageDescriptor::full_name))
        // The same message always encodes to the same bytes.
        .btree_map(".")
        .include_file("_includes.rs");
    if has_grpc {
        config = config.extern_path(STATUS.0, STATUS.1);
    }
    config.compile_fds(set.clone())?;
    if has_grpc {
        compile_servers(set, &out.join("server"))?;
    }
    Ok(())
}

/// The reasons of errors, each with the codes that its errors can have.
fn codes(pool: &DescriptorPool) -> Result<String, &'static str> {
    let reasons = pool.get_enum_by_name("addressbook.errors.v1.ErrorReason");
    let extension = pool.get_extension_by_name("addressbook.errors.v1.codes");
    let (reasons, extension) = reasons.zip(extension).ok_or("there are no reasons")?;
    // The first one is never sent.
    let rows = reasons.values().skip(1).map(|value| {
        let options = value.options();
        let codes = options.get_extension(&extension);
        let codes = codes.as_list().unwrap_or_default().iter();
        let codes: Vec<_> = codes.filter_map(Value::as_enum_number).collect();
        format!("({:?}, &{codes:?}),", value.name())
    });
    let rows: String = rows.collect();
    Ok(format!("const CODES: &[(&str, &[i32])] = &[{rows}];"))
}

/// The messages with a field that the protos mark with `debug_redact`: passwords, tokens,
/// codes and secrets.
fn secrets(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let is_secret = |field: FieldDescriptor| {
        let mark = field.options().get_field_by_name("debug_redact")?.as_bool();
        mark.filter(|mark| *mark)
    };
    pool.all_messages()
        .filter(|message| message.fields().any(|field| is_secret(field).is_some()))
        .collect()
}

/// Prints a message without its content, so that no `{:?}` can log a secret.
fn debug(message: &MessageDescriptor) -> String {
    let package = message.package_name().replace('.', "::");
    let module = package.replacen("addressbook", "crate", 1);
    let name = message.name();
    let whole = format!(
        "impl ::core::fmt::Debug for {module}::{name} {{
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{
                f.debug_struct({name:?}).finish_non_exhaustive()
            }}
        }}\n"
    );
    let part = |oneof: OneofDescriptor| {
        let variants = oneof.fields().map(|field| {
            let variant = upper_camel(field.name());
            format!("Self::{variant}(_) => \"{variant}(..)\",")
        });
        format!(
            "impl ::core::fmt::Debug for {module}::{}::{} {{
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{
                    f.write_str(match self {{ {} }})
                }}
            }}\n",
            snake(name),
            upper_camel(oneof.name()),
            variants.collect::<String>(),
        )
    };
    // An optional field is a oneof of its own, which has no type.
    message
        .oneofs()
        .filter(|oneof| !oneof.is_synthetic())
        .map(part)
        .fold(whole, |all, part| all + &part)
}

/// `log_in_response` for `LogInResponse`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// `MfaChallenge` for `mfa_challenge`.
fn upper_camel(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

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
