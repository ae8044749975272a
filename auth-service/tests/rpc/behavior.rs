//! The fields that the protos mark as required (AIP-203) are those that the service needs.

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, Value};
use testing::{behaviors, wire};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::admin::Admin;
use crate::app::{App, OTHER_PASSWORD, PASSWORD, fields, reason};
use crate::programs::{asks, issue};

/// The callers of the services.
struct Callers {
    admin: Admin,
    program: String,
}

impl Callers {
    async fn new(app: &App) -> Self {
        let admin = Admin::new(app, "admin@example.com").await;
        let scopes = ["auth.introspect", "auth.revocations"];
        let (_, secret) = admin.create("checker", &scopes).await.unwrap();
        let issued = issue(app, asks("checker", &secret, &[])).await;
        let program = issued.unwrap().access_token;
        Self { admin, program }
    }
}

/// A user of its own for each method, so that no call affects another.
struct User {
    email: String,
    id: String,
    access_token: String,
    refresh_token: String,
}

impl User {
    async fn new(app: &App) -> Self {
        let email = format!("{}@example.com", Uuid::now_v7());
        let tokens = app.confirmed(&email).await;
        Self {
            id: app.get_me(&tokens.access_token).await.unwrap().id,
            email,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
        }
    }
}

/// A value for a required field of a method.
fn value(method: &MethodDescriptor, field: &FieldDescriptor, user: &User) -> Value {
    if let Kind::Message(message) = field.kind() {
        return Value::Message(DynamicMessage::new(message));
    }
    let text = match field.name() {
        "email" if method.name() == "SignUp" => "new@example.com",
        "email" => &user.email,
        "new_email" | "recipient_email" => "other@example.com",
        "password" | "current_password" => PASSWORD,
        "new_password" => OTHER_PASSWORD,
        "refresh_token" => &user.refresh_token,
        "user_id" => &user.id,
        "session_id" => "0198c2f4-0000-7000-8000-000000000000",
        "scopes" => return Value::List(vec![Value::String("contacts.read".into())]),
        "client_id" => "mailer",
        "code" => "123456",
        "challenge_id" | "token" | "client_secret" | "kid" => "unknown",
        other => unreachable!("{other} needs a value here"),
    };
    Value::String(text.into())
}

/// A request with the required fields, of which `without` is unset.
fn request(method: &MethodDescriptor, user: &User, without: Option<&str>) -> Vec<u8> {
    let mut message = DynamicMessage::new(method.input());
    for field in required(method) {
        if Some(field.name()) != without {
            message.set_field(&field, value(method, &field, user));
        }
    }
    if method.name() == "CompleteMfa" {
        // A oneof cannot be marked.
        message.set_field_by_name("totp_code", Value::String("123456".into()));
    }
    message.encode_to_vec()
}

fn required(method: &MethodDescriptor) -> Vec<FieldDescriptor> {
    let mut fields: Vec<_> = method.input().fields().collect();
    fields.retain(|field| behaviors(field).contains(&"REQUIRED".to_owned()));
    fields
}

async fn call(
    app: &App,
    by: &Callers,
    user: &User,
    method: &MethodDescriptor,
    message: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    let token = match method.parent_service().name() {
        "AdminService" => Some(&by.admin.tokens.access_token),
        "AccountService" => Some(&user.access_token),
        "ServiceTokenService" => Some(&by.program),
        _ => None,
    };
    let bearer = token.map(|token| format!("Bearer {token}"));
    wire::call(&app.channel, method, bearer.as_deref(), message).await
}

/// What the service answers to a request without a required field that it does not name:
/// a secret or a name that is missing is wrong like any other, and no answer reveals who has
/// an account. A new password is checked after the token that allows setting it.
const UNNAMED: [(&str, &str, &str); 19] = [
    ("ChangePassword", "current_password", "INVALID_CREDENTIALS"),
    ("ChangeEmail", "current_password", "INVALID_CREDENTIALS"),
    ("EnrollTotp", "current_password", "INVALID_CREDENTIALS"),
    ("DisableTotp", "current_password", "INVALID_CREDENTIALS"),
    (
        "RegenerateRecoveryCodes",
        "current_password",
        "INVALID_CREDENTIALS",
    ),
    ("DeleteMe", "current_password", "INVALID_CREDENTIALS"),
    (
        "RotateServiceAccountSecret",
        "client_id",
        "SERVICE_ACCOUNT_NOT_FOUND",
    ),
    (
        "DeleteServiceAccount",
        "client_id",
        "SERVICE_ACCOUNT_NOT_FOUND",
    ),
    ("RevokeSigningKey", "kid", "SIGNING_KEY_NOT_FOUND"),
    ("LogIn", "email", "INVALID_CREDENTIALS"),
    ("LogIn", "password", "INVALID_CREDENTIALS"),
    ("CompleteMfa", "challenge_id", "MFA_CHALLENGE_EXPIRED"),
    ("SendEmailVerification", "email", "OK"),
    ("VerifyEmail", "token", "EMAIL_TOKEN_INVALID"),
    ("RequestPasswordReset", "email", "OK"),
    ("ResetPassword", "token", "RESET_TOKEN_INVALID"),
    ("ResetPassword", "new_password", "RESET_TOKEN_INVALID"),
    ("IssueServiceToken", "client_id", "CLIENT_INVALID"),
    ("IssueServiceToken", "client_secret", "CLIENT_INVALID"),
];

#[tokio::test]
async fn a_request_without_a_required_field_is_refused_and_one_with_these_alone_is_valid() {
    let app = App::start().await;
    let by = Callers::new(&app).await;
    let (mut unnamed, mut count) = (Vec::new(), 0);

    for method in wire::methods("addressbook.auth.v1") {
        let user = User::new(&app).await;
        let name = method.name().to_owned();
        for field in required(&method) {
            let message = request(&method, &user, Some(field.name()));
            let answer = call(&app, &by, &user, &method, message).await;
            count += 1;
            let is_named =
                |it: &Status| it.code() == Code::InvalidArgument && fields(it) == [field.name()];
            if !answer.as_ref().is_err_and(is_named) {
                let reason = answer.as_ref().map_or_else(reason, |_| "OK".to_owned());
                unnamed.push((name.clone(), field.name().to_owned(), reason));
            }
        }
        let answer = call(&app, &by, &user, &method, request(&method, &user, None)).await;
        let code = answer.as_ref().map_err(Status::code);
        assert_ne!(code, Err(Code::InvalidArgument), "{name}: {answer:?}");
    }

    let expected = UNNAMED.map(|(name, field, reason)| (name.into(), field.into(), reason.into()));
    assert_eq!(unnamed, expected);
    assert!(count > 30, "{count}");
}
