//! The services as curl and other clients without gRPC call them.

use std::process::Command;

use serde_json::{Value, json};

use crate::available::has_curl;
use crate::stack::Stack;
use crate::tools::buf;

/// The password of the user.
const PASSWORD: &str = "the otter naps at noon";

/// Runs curl; returns the HTTP status and the body.
pub(crate) fn curl(args: &[&str]) -> (u16, Vec<u8>) {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60"])
        .args(["--write-out", "%{http_code}"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut body = output.stdout;
    let status = body.split_off(body.len() - 3);
    (String::from_utf8(status).unwrap().parse().unwrap(), body)
}

/// Calls a method in JSON, as `addressbook.contacts.v1.ContactsService/GetContact`.
fn call(address: &str, method: &str, token: &str, message: &Value) -> (u16, Value) {
    call_with(&[], address, method, token, message)
}

/// The same, with more arguments for curl.
pub(crate) fn call_with(
    more: &[&str],
    address: &str,
    method: &str,
    token: &str,
    message: &Value,
) -> (u16, Value) {
    let (token, message) = (
        format!("authorization: Bearer {token}"),
        message.to_string(),
    );
    let url = format!("http://{address}/addressbook.{method}");
    let kind = "content-type: application/json";
    let own = [
        "--header", kind, "--header", &token, "--data", &message, &url,
    ];
    let (status, body) = curl(&[more, &own].concat());
    (status, serde_json::from_slice(&body).unwrap())
}

/// Signs up by curl; returns an access token.
fn access(stack: &Stack) -> String {
    let account = json!({"email": "ada@example.com", "password": PASSWORD});
    let sign_up = json!({"email": "ada@example.com", "password": PASSWORD, "displayName": "Ada"});
    let none = "";
    let (status, _) = call(&stack.auth, "auth.v1.AuthService/SignUp", none, &sign_up);
    assert_eq!(status, 200);
    let (_, log_in) = call(&stack.auth, "auth.v1.AuthService/LogIn", none, &account);
    let token = log_in["tokens"]["accessToken"].as_str().unwrap();
    token.to_owned()
}

fn create(stack: &Stack, token: &str, email: &str) -> (u16, Value) {
    let contact = json!({"contact": {"givenName": "Grace", "emails": [{"address": email}]}});
    let method = "contacts.v1.ContactsService/CreateContact";
    call(&stack.contacts, method, token, &contact)
}

/// The detail of an error with this type.
fn detail<'a>(error: &'a Value, kind: &str) -> &'a Value {
    let details = error["details"].as_array().unwrap();
    let is_it = |detail: &&Value| detail["type"] == format!("google.rpc.{kind}");
    &details.iter().find(is_it).unwrap()["debug"]
}

#[test]
fn curl_calls_both_services_in_json() {
    if !has_curl() {
        return;
    }
    let stack = Stack::start(&[]);
    let token = access(&stack);

    let (status, created) = create(&stack, &token, "grace@example.com");
    assert_eq!(status, 200, "{created}");
    let id = created["contact"]["id"].as_str().unwrap();

    // A call that only reads, as a GET.
    let (status, body) = curl(&[
        "--get",
        "--header",
        &format!("authorization: Bearer {token}"),
        "--data",
        "connect=v1",
        "--data",
        "encoding=json",
        "--data-urlencode",
        &format!("message={}", json!({"id": id})),
        &format!(
            "http://{}/addressbook.contacts.v1.ContactsService/GetContact",
            stack.contacts
        ),
    ]);
    let found: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["contact"]["givenName"], "Grace");

    let (status, error) = create(&stack, &token, "nowhere");
    assert_eq!((status, &error["code"]), (400, &json!("invalid_argument")));
    assert_eq!(detail(&error, "ErrorInfo")["reason"], "FIELD_INVALID");
    let violation = &detail(&error, "BadRequest")["fieldViolations"][0];
    assert_eq!(violation["field"], "contact.emails[0].address");

    let (status, error) = create(&stack, "nothing", "grace@example.com");
    assert_eq!((status, &error["code"]), (401, &json!("unauthenticated")));
    assert_eq!(detail(&error, "ErrorInfo")["reason"], "TOKEN_INVALID");
}

#[test]
fn curl_reads_an_export_as_it_is_written() {
    if !has_curl() {
        return;
    }
    let stack = Stack::start(&[]);
    let token = access(&stack);
    create(&stack, &token, "grace@example.com");
    let message = br#"{"format": "EXPORT_FORMAT_JSON_LINES"}"#;
    let request = stack.folder().join("request");
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    std::fs::write(&request, [&[0], &length[..], message].concat()).unwrap();

    let (status, body) = curl(&[
        "--header",
        "content-type: application/connect+json",
        "--header",
        &format!("authorization: Bearer {token}"),
        "--data-binary",
        &format!("@{}", request.display()),
        &format!(
            "http://{}/addressbook.contacts.v1.ContactsService/ExportContacts",
            stack.contacts
        ),
    ]);

    assert_eq!(status, 200);
    let mut messages = Vec::new();
    let mut left = body.as_slice();
    while let Some((head, rest)) = left.split_at_checked(5) {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let (message, rest) = rest.split_at(length as usize);
        messages.push((head[0], serde_json::from_slice::<Value>(message).unwrap()));
        left = rest;
    }
    assert_eq!(messages.pop(), Some((2, json!({}))), "it ends well");
    assert_eq!(messages.last().unwrap().1["contactCount"], "1");
    assert!(messages[0].1["chunk"].is_string(), "{messages:?}");
}

#[test]
fn curl_is_refused_what_a_page_could_send() {
    if !has_curl() {
        return;
    }
    let stack = Stack::start(&[]);
    let path = format!("http://{}/addressbook.auth.v1.", stack.auth);
    let refused = |args: &[&str], method: &str| curl(&[args, &[&(path.clone() + method)]].concat());

    let form = ["--data", "{}"];
    assert_eq!(refused(&form, "AuthService/GetServerInfo").0, 415);
    let text = ["--data", "{}", "--header", "content-type: text/plain"];
    assert_eq!(refused(&text, "AuthService/GetServerInfo").0, 415);
    // Neither a call that writes, nor one with a secret, which would be in the URL.
    for method in ["AuthService/LogOut", "ServiceTokenService/IntrospectToken"] {
        let get = ["--get", "--data", "encoding=json&message=%7B%7D"];
        assert_eq!(refused(&get, method).0, 405, "{method}");
    }
    let preflight = [
        "--request",
        "OPTIONS",
        "--header",
        "origin: https://evil.example.com",
        "--header",
        "access-control-request-method: POST",
        "--include",
    ];
    let (_, answer) = refused(&preflight, "AuthService/LogIn");
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
}

#[test]
fn buf_calls_by_all_protocols() {
    let Some(bin) = buf() else { return };
    let stack = Stack::start(&[]);
    for protocol in ["grpc", "grpcweb", "connect"] {
        let output = Command::new(bin.join("buf"))
            .args(["curl", "--http2-prior-knowledge", "--protocol", protocol])
            .arg(format!(
                "http://{}/addressbook.auth.v1.AuthService/GetServerInfo",
                stack.auth
            ))
            .output()
            .unwrap();
        assert!(output.status.success(), "{protocol}: {output:?}");
        let info: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(info["version"].is_string(), "{info}");

        let output = Command::new(bin.join("buf"))
            .args(["curl", "--http2-prior-knowledge", "--protocol", protocol])
            .arg(format!(
                "http://{}/addressbook.contacts.v1.ContactsService/ListContacts",
                stack.contacts
            ))
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("unauthenticated"), "{protocol}: {error}");
    }
}
