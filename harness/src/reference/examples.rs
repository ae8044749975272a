//! The examples of `docs/reference/examples.json`: calls in the order in which they work, as
//! a shell and a Python program make them.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde::Deserialize;
use serde_json::Value;

use super::literal::variable;
use crate::error::{Error, Result};

const FILE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/reference/examples.json"
));

/// One call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The method, as `auth.v1.AuthService/LogIn`.
    pub rpc: String,
    /// What is special about this call.
    #[serde(default)]
    pub about: String,
    /// Later examples need it, but no page shows it.
    #[serde(default)]
    pub hidden: bool,
    /// The account that must be made an administrator before the call, by its e-mail.
    pub make_admin: Option<String>,
    /// The variable with the access token.
    pub token: Option<String>,
    /// The message, or an array of them for a stream. `$NAME` is a variable.
    pub request: Value,
    /// What the response contains, among others; an array for a stream. `...` is any value.
    pub response: Value,
    /// The response is a stream that does not end; only its first message is read.
    #[serde(default)]
    pub endless: bool,
    /// Variables with their paths in the response, as `contact.id`.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// Variables with the tokens of the mails of these subjects, which the call sends.
    #[serde(default)]
    pub mail: BTreeMap<String, String>,
    /// Variables with the codes that an authenticator app shows, by the variables with its
    /// secret.
    #[serde(default)]
    pub code: BTreeMap<String, String>,
}

/// All examples, in order.
pub fn all() -> Result<Vec<Example>> {
    serde_json::from_str(FILE).map_err(|error| Error::Example(error.to_string()))
}

impl Example {
    /// The method's full path, as `addressbook.auth.v1.AuthService/LogIn`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("addressbook.{}", self.rpc)
    }

    /// What is special about the call, in parentheses.
    pub(super) fn special(&self) -> String {
        match &*self.about {
            "" => String::new(),
            about => format!(" ({about})"),
        }
    }

    /// The method's descriptor.
    pub(super) fn method(&self, pool: &DescriptorPool) -> Result<MethodDescriptor> {
        let path = self.path();
        let (service, name) = path.split_once('/').unwrap_or((&path, ""));
        let service = pool.get_service_by_name(service);
        let method = service.and_then(|service| service.methods().find(|is| is.name() == name));
        method.ok_or_else(|| Error::Example(format!("there is no method {path}")))
    }

    /// Whether the request or the response is a stream.
    pub fn is_stream(&self, pool: &DescriptorPool) -> Result<bool> {
        let method = self.method(pool)?;
        Ok(method.is_client_streaming() || method.is_server_streaming())
    }

    /// The messages of the request, checked against the method's type.
    pub(super) fn messages(&self, method: &MethodDescriptor) -> Result<Vec<DynamicMessage>> {
        let values = several(&self.request).iter();
        let read = values.map(|value| DynamicMessage::deserialize(method.input(), value));
        read.collect::<Result<_, _>>()
            .map_err(|error| Error::Example(format!("{}: {error}", self.rpc)))
    }

    /// The variables that the call needs.
    pub(super) fn needs(&self) -> BTreeSet<&str> {
        let mut needs: BTreeSet<_> = self.token.iter().map(String::as_str).collect();
        collect(&self.request, &mut needs);
        needs
    }
}

/// The values of an array, or the one that is none.
#[must_use]
pub fn several(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn collect<'a>(value: &'a Value, needs: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => needs.extend(variable(text)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, needs)),
        Value::Object(members) => members.values().for_each(|value| collect(value, needs)),
        _ => {}
    }
}
