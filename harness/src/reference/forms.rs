//! One call in three forms: curl, grpcurl and Python.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, ServiceDescriptor};

use super::examples::Example;
use super::layout::Node;
use super::literal::{self, variable};
use crate::error::Result;

/// Where the service listens on this machine.
fn address(service: &ServiceDescriptor) -> &'static str {
    if service.package_name() == "addressbook.auth.v1" {
        "127.0.0.1:50051"
    } else {
        "127.0.0.1:50052"
    }
}

/// The call by curl, in JSON. A stream needs the function [`ENVELOPE`].
pub fn curl(example: &Example, pool: &DescriptorPool) -> Result<String> {
    let method = example.method(pool)?;
    let messages = shell_messages(example, &method, literal::json)?;
    let url = format!(
        "http://{}/{}",
        address(method.parent_service()),
        example.path()
    );
    let token = shell_token(example);
    if !example.is_stream(pool)? {
        let message = messages.concat();
        return Ok(format!(
            "curl --silent -H 'content-type: application/json'{token} -d '{message}' \\\n  {url}\n"
        ));
    }
    let messages: Vec<_> = messages
        .iter()
        .map(|text| format!("message '{text}'"))
        .collect();
    let body = match &messages[..] {
        [message] => message.clone(),
        several => format!("{{ {}; }}", several.join(";\n  ")),
    };
    Ok(format!(
        "{body} |\n  curl --silent --no-buffer -H 'content-type: application/connect+json'{token} \
         --data-binary @- \\\n  {url}\n"
    ))
}

/// A function of bash that writes a message of a stream as the Connect protocol wants it.
pub const ENVELOPE: &str = r#"# Five bytes and the message: no flags, and its length.
message() {
  printf "\0$(printf %08x "$(printf %s "$1" | wc -c)" | sed 's/../\\x&/g')%s" "$1"
}
"#;

/// The call by grpcurl.
pub fn grpcurl(example: &Example, pool: &DescriptorPool) -> Result<String> {
    let method = example.method(pool)?;
    let messages = shell_messages(example, &method, literal::grpcurl)?.join("\n");
    let (token, address) = (shell_token(example), address(method.parent_service()));
    Ok(format!(
        "grpcurl -plaintext{token} -d '{messages}' \\\n  {address} {}\n",
        example.path()
    ))
}

fn shell_token(example: &Example) -> String {
    let token = example.token.as_ref();
    token.map_or_else(String::new, |token| {
        format!(" -H \"authorization: Bearer ${token}\"")
    })
}

/// The messages in JSON, as a shell reads them between single quotes.
fn shell_messages(
    example: &Example,
    method: &MethodDescriptor,
    write: fn(&DynamicMessage) -> Node,
) -> Result<Vec<String>> {
    let messages = example.messages(method)?;
    let texts = messages.iter().map(|message| {
        let json = write(message).text(0, 2).replace('\'', r"'\''");
        let mut parts = json.split('"').map(|part| match variable(part) {
            Some(name) => format!("'${name}'"),
            None => part.to_owned(),
        });
        let first = parts.next().unwrap_or_default();
        parts.fold(first, |text, part| text + "\"" + &part)
    });
    Ok(texts.collect())
}

/// What a program in Python begins with, to call a service.
#[must_use]
pub fn python_client(service: &ServiceDescriptor) -> String {
    let (package, module) = (service.package_name(), module(service));
    format!(
        "import grpc\nfrom {package} import {module}_pb2, {module}_pb2_grpc\n\n{} = \
         {module}_pb2_grpc.{}Stub(grpc.insecure_channel(\"{}\"))\n",
        client(service),
        service.name(),
        address(service)
    )
}

/// The call in Python.
pub fn python(example: &Example, pool: &DescriptorPool) -> Result<String> {
    let method = example.method(pool)?;
    let service = method.parent_service();
    let module = format!("{}_pb2", module(service));
    let messages = example.messages(&method)?;
    let messages = messages
        .iter()
        .map(|message| literal::python(&module, message));
    let mut items: Vec<_> = messages.collect();
    if method.is_client_streaming() {
        items = vec![Node::Group {
            open: "iter([".to_owned(),
            items,
            close: "])",
        }];
    }
    if let Some(token) = &example.token {
        let token = format!("metadata=[(\"authorization\", f\"Bearer {{{token}}}\")]");
        items.push(Node::Leaf(token));
    }
    let (before, close) = match (method.is_server_streaming(), example.endless) {
        (false, _) => ("response = ", ")"),
        (true, false) => ("responses = list(", "))"),
        (true, true) => ("response = next(", "))"),
    };
    let call = Node::Group {
        open: format!("{before}{}.{}(", client(service), method.name()),
        items,
        close,
    };
    let mut code = call.text(0, 4) + "\n";
    for (name, path) in &example.keep {
        let _ = writeln!(code, "{name} = response{}", attributes(path));
    }
    Ok(code)
}

/// `.results[0].merge_id` for `results.0.mergeId`.
fn attributes(path: &str) -> String {
    let steps = path.split('.').map(|step| {
        if step.starts_with(|first: char| first.is_ascii_digit()) {
            return format!("[{step}]");
        }
        let mut name = String::from(".");
        for letter in step.chars() {
            if letter.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    });
    steps.collect()
}

/// `contacts_service` for the service in `contacts_service.proto`.
fn module(service: &ServiceDescriptor) -> String {
    let file = service.parent_file();
    let name = file.name().rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".proto").to_owned()
}

/// `contacts` for the service in `contacts_service.proto`.
fn client(service: &ServiceDescriptor) -> String {
    module(service).trim_end_matches("_service").to_owned()
}
