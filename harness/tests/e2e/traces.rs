//! Traces, from the caller's span through both services to each SQL statement, as a
//! collector receives them.

use serde_json::{Value, json};

use crate::available::has_curl;
use crate::collector::Collector;
use crate::stack::Stack;
use crate::wires::call_with;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "the otter naps at noon";
/// The caller's span.
const CALLER: &str = "1112131415161718";

/// A call in the trace of this number, in JSON.
fn call(stack: &Stack, trace: u8, token: &str, method: &str, message: &Value) -> (u16, Value) {
    let address = match method.split('.').next() {
        Some("auth") => &stack.auth,
        _ => &stack.contacts,
    };
    let parent = format!("traceparent: 00-{}-{CALLER}-01", id(trace));
    call_with(&["--header", &parent], address, method, token, message)
}

/// The id of a trace.
fn id(number: u8) -> String {
    format!(
        "{:032x}",
        0x4bf9_2f35_77b3_4da6_0000_u128 + u128::from(number)
    )
}

/// Signs up and logs in, in the traces 1 and 2; returns the response to the log-in.
fn sign_in(stack: &Stack) -> Value {
    let account = json!({"email": EMAIL, "password": PASSWORD, "displayName": "Ada Lovelace"});
    call(stack, 1, "", "auth.v1.AuthService/SignUp", &account);
    let log_in = json!({"email": EMAIL, "password": PASSWORD});
    let (status, answer) = call(stack, 2, "", "auth.v1.AuthService/LogIn", &log_in);
    assert_eq!(status, 200, "{answer}");
    answer
}

#[test]
fn a_trace_goes_from_the_caller_through_both_services_to_the_statements() {
    if !has_curl() {
        return;
    }
    let mut collector = Collector::start();
    let stack = Stack::start_alone(&[], &collector.settings());
    let answer = sign_in(&stack);
    let token = answer["tokens"]["accessToken"].as_str().unwrap();
    let emails = json!([{"address": "grace@example.com"}]);
    let contact = json!({"contact": {"givenName": "Grace", "emails": emails}});
    let method = "contacts.v1.ContactsService/CreateContact";
    let (status, created) = call(&stack, 3, token, method, &contact);
    assert_eq!(status, 200, "{created}");
    let method = "contacts.v1.ContactsService/GetContact";
    let created = json!({"id": created["contact"]["id"]});
    call(&stack, 4, token, method, &created);
    let missing = json!({"id": "0198c0de-0000-7000-8000-000000000000"});
    call(&stack, 5, token, method, &missing);
    let method = "contacts.v1.SharesService/ListSharedWithMe";
    call(&stack, 6, token, method, &json!({}));

    check_write(&mut collector);
    check_reads(&mut collector);
    check_both_services(&mut collector);
    let told = format!("{:?}", collector.spans);
    for secret in [
        EMAIL,
        PASSWORD,
        token,
        "Ada",
        "Lovelace",
        "Grace",
        "grace@",
        "127.0.0.1",
    ] {
        assert!(!told.contains(secret), "{secret} is in a span");
    }
}

fn check_write(collector: &mut Collector) {
    let create = collector.rpc(&id(3), "contacts.v1.ContactsService/CreateContact");
    assert_eq!(create.service, "contacts-service");
    assert_eq!(create.parent(), CALLER);
    assert_eq!(create.attribute("rpc.system.name").unwrap(), "connectrpc");
    assert_eq!(create.attribute("rpc.method").unwrap(), create.span.name);
    let tables = "INSERT contacts.owner_state contacts.contacts";
    let insert = collector.statement_of(&create, tables);
    assert_eq!(insert.service, "contacts-service");
    assert_eq!(
        insert.attribute("db.query.summary").unwrap(),
        insert.span.name
    );
    let (call, statement) = (create.span, insert.span);
    assert!(statement.start_time_unix_nano >= call.start_time_unix_nano);
    assert!(statement.end_time_unix_nano <= call.end_time_unix_nano);
}

fn check_reads(collector: &mut Collector) {
    let get = collector.rpc(&id(4), "contacts.v1.ContactsService/GetContact");
    let select = collector.statement_of(&get, "SELECT contacts.contacts");
    assert_eq!(select.attribute("db.operation.name").unwrap(), "SELECT");
    let missing = collector.rpc(&id(5), "contacts.v1.ContactsService/GetContact");
    let code = missing.attribute("rpc.response.status_code");
    assert_eq!(code.unwrap(), "not_found");
    let fault = missing.attribute("error.type");
    assert_eq!(fault, None, "the caller is at fault");
}

fn check_both_services(collector: &mut Collector) {
    let shares = collector.rpc(&id(6), "contacts.v1.SharesService/ListSharedWithMe");
    let me = collector.rpc(&id(6), "auth.v1.AccountService/GetMe");
    assert_eq!(me.service, "auth-service");
    assert_eq!(me.parent(), shares.id());
    assert_eq!(me.attribute("rpc.system.name").unwrap(), "grpc");
    assert_eq!(me.attribute("rpc.response.status_code").unwrap(), "OK");
    collector.statement_of(&me, "SELECT auth.users");
}

#[test]
fn log_lines_of_a_call_name_its_trace() {
    if !has_curl() {
        return;
    }
    let mut collector = Collector::start();
    let mut settings = collector.settings().to_vec();
    settings.push(("LOG_FORMAT", "json"));
    let stack = Stack::start_alone(&[], &settings);
    let answer = sign_in(&stack);
    let refresh = |trace, from: &Value| {
        let token = json!({"refreshToken": from["tokens"]["refreshToken"]});
        let method = "auth.v1.AuthService/RefreshToken";
        call(&stack, trace, "", method, &token)
    };
    let (_, second) = refresh(3, &answer);
    let (_, third) = refresh(4, &second);
    assert!(third["tokens"].is_object(), "{third}");

    let (status, _) = refresh(5, &answer);

    assert_eq!(status, 401);
    let line = stack.line("refresh token reused");
    let call = collector.rpc(&id(5), "auth.v1.AuthService/RefreshToken");
    let (trace, span) = (id(5), call.id());
    assert!(
        line.contains(&format!("\"trace_id\":\"{trace}\"")),
        "{line}"
    );
    assert!(line.contains(&format!("\"span_id\":\"{span}\"")), "{line}");
}

#[test]
fn a_missing_collector_is_told_once_and_disturbs_nobody() {
    if !has_curl() {
        return;
    }
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ];
    let stack = Stack::start_alone(&[], &settings);
    let method = "auth.v1.AuthService/GetServerInfo";

    let (status, _) = call(&stack, 1, "", method, &json!({}));

    assert_eq!(status, 200);
    let line = stack.line("cannot send traces to the collector");
    assert!(line.contains("Connection refused"), "{line}");
    assert_eq!(call(&stack, 2, "", method, &json!({})).0, 200);
}
