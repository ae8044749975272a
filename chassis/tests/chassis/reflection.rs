//! Tools find out what the server offers, with the old reflection and the new.

use prost::Message;
use prost_types::FileDescriptorProto;
use tonic_reflection::pb::{v1, v1alpha};

use crate::app::App;

/// All services of the server.
const SERVICES: [&str; 4] = [
    "addressbook.auth.v1.AuthService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// What a tool requests to show an error's details, and a call of ours.
const SYMBOLS: [&str; 7] = [
    "google.rpc.ErrorInfo",
    "google.rpc.BadRequest",
    "google.rpc.RetryInfo",
    "google.rpc.QuotaFailure",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "addressbook.auth.v1.AuthService.SignUp",
];

macro_rules! asks {
    ($version:ident, $name:ident) => {
        async fn $name(
            app: &App,
            question: $version::server_reflection_request::MessageRequest,
        ) -> $version::server_reflection_response::MessageResponse {
            use $version::server_reflection_client::ServerReflectionClient;
            let request = $version::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(question),
            };
            let answers = ServerReflectionClient::new(app.channel().await)
                .server_reflection_info(tokio_stream::once(request))
                .await;
            let answer = answers.unwrap().into_inner().message().await;
            answer.unwrap().unwrap().message_response.unwrap()
        }
    };
}

asks!(v1, ask_v1);
asks!(v1alpha, ask_v1alpha);

fn file_names(files: &[Vec<u8>]) -> Vec<String> {
    let decode = |file: &Vec<u8>| FileDescriptorProto::decode(file.as_slice()).unwrap();
    files
        .iter()
        .map(|file| decode(file).name().to_owned())
        .collect()
}

#[tokio::test]
async fn v1_lists_what_is_served_and_nothing_else() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let app = App::start();

    let answer = ask_v1(&app, MessageRequest::ListServices(String::new())).await;

    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = list.service.iter().map(|listed| &listed.name).collect();
    assert_eq!(names, SERVICES);
}

#[tokio::test]
async fn v1alpha_lists_what_is_served_and_nothing_else() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let app = App::start();

    let answer = ask_v1alpha(&app, MessageRequest::ListServices(String::new())).await;

    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = list.service.iter().map(|listed| &listed.name).collect();
    assert_eq!(names, SERVICES);
}

#[tokio::test]
async fn v1_describes_calls_and_the_details_of_errors() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let app = App::start();

    for symbol in SYMBOLS {
        let question = MessageRequest::FileContainingSymbol(symbol.to_owned());
        let answer = ask_v1(&app, question).await;

        let MessageResponse::FileDescriptorResponse(files) = answer else {
            panic!("{symbol}: {answer:?}")
        };
        assert!(
            !file_names(&files.file_descriptor_proto).is_empty(),
            "{symbol}"
        );
    }
}

#[tokio::test]
async fn v1alpha_describes_calls_and_the_details_of_errors() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let app = App::start();

    for symbol in SYMBOLS {
        let question = MessageRequest::FileContainingSymbol(symbol.to_owned());
        let answer = ask_v1alpha(&app, question).await;

        let MessageResponse::FileDescriptorResponse(files) = answer else {
            panic!("{symbol}: {answer:?}")
        };
        assert!(
            !file_names(&files.file_descriptor_proto).is_empty(),
            "{symbol}"
        );
    }
}

/// A tool requests the imports of each file by the name written there.
#[tokio::test]
async fn every_import_of_every_file_can_be_had() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let app = App::start();
    let mut wanted = vec!["addressbook/auth/v1/auth_service.proto".to_owned()];
    let mut had: Vec<String> = Vec::new();

    while let Some(name) = wanted.pop() {
        if had.contains(&name) {
            continue;
        }
        let answer = ask_v1(&app, MessageRequest::FileByFilename(name.clone())).await;
        let MessageResponse::FileDescriptorResponse(files) = answer else {
            panic!("{name}: {answer:?}")
        };
        for file in &files.file_descriptor_proto {
            wanted.extend(
                FileDescriptorProto::decode(file.as_slice())
                    .unwrap()
                    .dependency,
            );
        }
        had.push(name);
    }

    assert!(had.len() >= 4, "{had:?}");
}

#[tokio::test]
async fn what_is_not_served_is_not_described() {
    use v1::server_reflection_client::ServerReflectionClient;
    use v1::server_reflection_request::MessageRequest;
    let app = App::start();

    for symbol in [
        "addressbook.contacts.v1.ContactsService",
        "addressbook.auth.v1.AdminService",
    ] {
        let request = v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::FileContainingSymbol(symbol.to_owned())),
        };
        let answers = ServerReflectionClient::new(app.channel().await)
            .server_reflection_info(tokio_stream::once(request))
            .await;

        let status = answers.unwrap().into_inner().message().await.unwrap_err();

        assert_eq!(status.code(), tonic::Code::NotFound, "{symbol}");
        assert_eq!(crate::wire::reason(&status), "NOT_SERVED");
    }
}
