//! Writes the page of a proto file: its service with each method, then its other messages.

use std::fmt::Write as _;

use prost_reflect::{
    EnumDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};

use super::links::{Links, stem};
use super::{call, comments, fields};
use crate::error::Result;

/// The whole page.
pub(super) fn write(file: &FileDescriptor, links: &Links<'_>) -> Result<String> {
    let mut page = String::new();
    let service = file.services().next();
    let name = stem(file);
    let title = match &service {
        Some(service) => service.name().to_owned(),
        None => format!("Messages of {name}.proto"),
    };
    let _ = write!(
        page,
        "# {title}\n\n<!-- Written by `cargo dev reference` from {}. -->\n\n",
        file.name()
    );
    match &service {
        Some(service) => about_service(&mut page, service),
        None => page = page + &comments::of_file(file) + "\n",
    }
    for service in file.services() {
        for method in service.methods() {
            write_method(&mut page, &method, links)?;
        }
    }
    for message in file
        .messages()
        .filter(|message| !links.is_of_method(message))
    {
        write_message(&mut page, &message, links);
    }
    for kind in file.enums() {
        write_enum(&mut page, &kind);
    }
    Ok(page)
}

fn about_service(page: &mut String, service: &ServiceDescriptor) {
    let _ = write!(
        page,
        "`{}` of the {} service. How to run the examples is on [the first page](../README.md); \
         in Python, begin with:\n\n```python\n{}```\n\n{}\n\n| method | |\n|---|---|\n",
        service.full_name(),
        super::program(service),
        super::forms::python_client(service),
        comments::at(&service.parent_file(), service.path()),
    );
    for method in service.methods() {
        let comment = comments::at(&service.parent_file(), method.path());
        let _ = writeln!(
            page,
            "| [{0}](#{1}) | {2} |",
            method.name(),
            method.name().to_lowercase(),
            first_sentence(&comment)
        );
    }
}

/// The text up to its first full stop, in one line.
fn first_sentence(text: &str) -> String {
    let text = text.replace('\n', " ");
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text[..end].replace('|', "\\|")
}

fn write_method(page: &mut String, method: &MethodDescriptor, links: &Links<'_>) -> Result<()> {
    let comment = comments::at(&method.parent_service().parent_file(), method.path());
    let _ = write!(
        page,
        "\n## {}\n\n{comment}\n\n{}\n",
        method.name(),
        call::repeats(method)
    );
    let messages = [
        ("Request", method.is_client_streaming(), method.input()),
        ("Response", method.is_server_streaming(), method.output()),
    ];
    for (title, is_stream, message) in messages {
        let stream = if is_stream {
            ", a stream of messages"
        } else {
            ""
        };
        let _ = write!(
            page,
            "\n**{title}**{stream}\n\n{}",
            fields::list(&message, links)
        );
    }
    *page += &call::examples(method, links)?;
    Ok(())
}

fn write_message(page: &mut String, message: &MessageDescriptor, links: &Links<'_>) {
    let comment = comments::at(&message.parent_file(), message.path());
    let _ = write!(
        page,
        "\n## {}\n\n{comment}\n\n{}",
        message.name(),
        fields::list(message, links)
    );
}

fn write_enum(page: &mut String, kind: &EnumDescriptor) {
    let comment = comments::at(&kind.parent_file(), kind.path());
    let _ = write!(page, "\n## {}\n\n{comment}\n\n", kind.name());
    for (index, value) in kind.values().enumerate() {
        let comment = comments::of_value(kind, index);
        *page += &fields::bullet(&format!("`{}`", value.name()), &comment, 0);
    }
}
