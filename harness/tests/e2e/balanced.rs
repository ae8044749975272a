//! Two replicas of each service with `HAProxy` in front of them, called by all protocols.

use std::process::{Command, Output};

use serde_json::{Value, json};
use testing::until;

use crate::stack::Stack;
use crate::tools::buf;

/// The password of the user.
const PASSWORD: &str = "the otter naps at noon";

/// Calls a method by one protocol.
struct Caller<'a> {
    stack: &'a Stack,
    protocol: &'a str,
    token: String,
}

impl Caller<'_> {
    /// The response; of a stream, the first message.
    fn call(&self, method: &str, message: &Value) -> Option<Value> {
        let output = self.output(method, message);
        let mut messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        messages.next()?.ok().filter(|_| output.status.success())
    }

    fn output(&self, method: &str, message: &Value) -> Output {
        let address = if method.starts_with("auth") {
            &self.stack.auth
        } else {
            &self.stack.contacts
        };
        Command::new(buf().unwrap().join("buf"))
            .args([
                "curl",
                "--http2-prior-knowledge",
                "--protocol",
                self.protocol,
            ])
            .args(["--header", &format!("authorization: Bearer {}", self.token)])
            .args(["--data", &message.to_string()])
            .arg(format!("http://{address}/addressbook.{method}"))
            .output()
            .unwrap()
    }

    /// Creates a contact, and reads it and an export.
    fn works(&self) -> bool {
        let contact = json!({"contact": {"givenName": self.protocol}});
        let create = "contacts.v1.ContactsService/CreateContact";
        let Some(created) = self.call(create, &contact) else {
            return false;
        };
        let id = json!({"id": created["contact"]["id"]});
        let found = self.call("contacts.v1.ContactsService/GetContact", &id);
        let export = json!({"format": "EXPORT_FORMAT_JSON_LINES"});
        let export = self.call("contacts.v1.ContactsService/ExportContacts", &export);
        found.is_some_and(|found| found["contact"]["givenName"] == self.protocol)
            && export.is_some_and(|first| first["chunk"].is_string())
    }
}

#[test]
fn every_protocol_passes_and_goes_on_when_a_replica_is_killed() {
    if buf().is_none() {
        return;
    }
    let Some(stack) = Stack::start_balanced() else {
        return;
    };
    let account = json!({"email": "ada@example.com", "password": PASSWORD});
    let mut caller = Caller {
        stack: &stack,
        protocol: "connect",
        token: String::new(),
    };
    caller.call("auth.v1.AuthService/SignUp", &account).unwrap();

    for protocol in ["grpc", "grpcweb", "connect"] {
        caller.protocol = protocol;
        let log_in = caller.call("auth.v1.AuthService/LogIn", &account).unwrap();
        caller.token = log_in["tokens"]["accessToken"].as_str().unwrap().to_owned();
        assert!(caller.works(), "{protocol}");
    }

    stack.pause();
    stack.kill_first("contacts-service");
    stack.kill_first("auth-service");

    // A call that was sent to it at this moment may fail.
    until("a call succeeds", || caller.works());
    for protocol in ["grpc", "grpcweb", "connect"] {
        caller.protocol = protocol;
        let log_in = caller.call("auth.v1.AuthService/LogIn", &account);
        assert!(log_in.is_some() && caller.works(), "{protocol}");
    }
    stack.go_on();
}
