//! Writes `docs/ERRORS.md`: its text, and tables of the reasons in `reason.proto`.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, EnumValueDescriptor, Kind, Value};

use super::links::page;
use super::{comments, services};
use crate::error::{Error, Result};

const TEXT: &str = include_str!("errors.md");

/// The whole page.
pub(super) fn write(pool: &DescriptorPool) -> Result<String> {
    let kind = pool.get_enum_by_name("addressbook.errors.v1.ErrorReason");
    let kind = kind.ok_or_else(|| Error::Example("there are no reasons".to_owned()))?;
    let (mut every, mut single) = (String::new(), String::new());
    // The first one is never sent.
    for (index, value) in kind.values().enumerate().skip(1) {
        let text = comments::of_value(&kind, index).replace('\n', " ");
        let (code, name) = (codes(pool, &value), value.name());
        if is_of_any_call(pool, &value) {
            let _ = writeln!(every, "| {code} | `{name}` | {text} |");
        } else {
            let at = places(pool, name)?;
            let _ = writeln!(single, "| `{name}` | {code} | {text} | {at} |");
        }
    }
    Ok(TEXT.replace("EVERY\n", &every).replace("SINGLE\n", &single))
}

fn option(pool: &DescriptorPool, value: &EnumValueDescriptor, name: &str) -> Option<Value> {
    let extension = pool.get_extension_by_name(&format!("addressbook.errors.v1.{name}"))?;
    Some(value.options().get_extension(&extension).into_owned())
}

fn is_of_any_call(pool: &DescriptorPool, value: &EnumValueDescriptor) -> bool {
    option(pool, value, "any_call").is_some_and(|set| set.as_bool() == Some(true))
}

/// The names of the codes.
fn codes(pool: &DescriptorPool, value: &EnumValueDescriptor) -> String {
    let codes = option(pool, value, "codes");
    let kind = pool.get_enum_by_name("google.rpc.Code").map(Kind::Enum);
    let names = codes
        .iter()
        .filter_map(Value::as_list)
        .flatten()
        .filter_map(|code| {
            let value = kind
                .as_ref()?
                .as_enum()?
                .get_value(code.as_enum_number()?)?;
            Some(value.name().to_owned())
        });
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return "any".to_owned();
    }
    names.join(", ")
}

/// How many methods a row names. More are named by their services.
const METHODS_MAX: usize = 4;

/// Links to the methods and services whose comments name the reason.
fn places(pool: &DescriptorPool, reason: &str) -> Result<String> {
    let quoted = format!("`{reason}`");
    let (mut methods, mut of_services) = (Vec::new(), Vec::new());
    for service in services(pool) {
        let file = service.parent_file();
        let names_it = |path: &[i32]| comments::at(&file, path).contains(&quoted);
        let link = format!("reference/{}", page(&file));
        let named = service.methods().filter(|method| names_it(method.path()));
        let named = named.map(|method| {
            format!(
                "[{0}]({link}#{1})",
                method.name(),
                method.name().to_lowercase()
            )
        });
        let before = methods.len();
        methods.extend(named);
        if methods.len() > before || names_it(service.path()) {
            of_services.push((
                format!("[{}]({link})", service.name()),
                names_it(service.path()),
            ));
        }
    }
    let is_of_service = of_services.iter().any(|(_, names_it)| *names_it);
    let places = if is_of_service || methods.len() > METHODS_MAX {
        of_services.into_iter().map(|(link, _)| link).collect()
    } else {
        methods
    };
    if places.is_empty() {
        return Err(Error::Example(format!(
            "no comment of a method names {quoted}"
        )));
    }
    Ok(places.join(", "))
}
