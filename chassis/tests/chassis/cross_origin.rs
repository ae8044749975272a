//! Which web pages of other origins may call.

use chassis::settings::config::ServerConfig;
use http::request::Builder;
use http::response::Parts;
use http::{HeaderValue, Request, StatusCode};

use crate::app::{App, EMPTY, config};
use crate::wire::Connection;

pub(crate) const PAGE: &str = "https://book.example.com";
const OTHER_PAGE: &str = "https://evil.example.com";

async fn answer(app: &App, request: Builder) -> Parts {
    let connection = Connection::open(app.address).await;
    let request = request.uri(format!("http://localhost{EMPTY}"));
    let (head, _) = connection.request(request.body(()).unwrap(), "{}").await;
    head
}

/// What a browser sends before a page's call.
fn preflight(origin: &str) -> Builder {
    Request::builder()
        .method("OPTIONS")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,connect-protocol-version,content-type",
        )
}

fn call(origin: &str) -> Builder {
    Request::builder()
        .method("POST")
        .header("origin", origin)
        .header("content-type", "application/json")
}

fn permits(head: &Parts, origin: &str) -> bool {
    let permitted = head.headers.get("access-control-allow-origin");
    permitted.is_some_and(|permitted| permitted == origin)
}

#[tokio::test]
async fn pages_of_an_allowed_origin_call_and_others_do_not() {
    let config = ServerConfig {
        allowed_origins: vec![HeaderValue::from_static(PAGE)],
        ..config()
    };
    let app = App::with(config, Vec::new());

    let permitted = answer(&app, preflight(PAGE)).await;
    assert!(permits(&permitted, PAGE), "{permitted:?}");
    let headers = &permitted.headers["access-control-allow-headers"];
    for name in ["authorization", "connect-timeout-ms", "x-grpc-web"] {
        assert!(headers.to_str().unwrap().contains(name), "{headers:?}");
    }
    assert_eq!(permitted.headers["access-control-max-age"], "7200");
    let called = answer(&app, call(PAGE)).await;
    assert_eq!(called.status, StatusCode::OK);
    assert!(permits(&called, PAGE), "{called:?}");
    let exposed = &called.headers["access-control-expose-headers"];
    assert!(
        exposed.to_str().unwrap().contains("grpc-status"),
        "{exposed:?}"
    );

    for request in [preflight(OTHER_PAGE), call(OTHER_PAGE)] {
        let head = answer(&app, request).await;
        assert!(!head.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn no_origin_is_allowed_unless_the_operator_names_it() {
    let app = App::start();
    for request in [preflight(PAGE), call(PAGE)] {
        let head = answer(&app, request).await;
        assert!(!head.headers.contains_key("access-control-allow-origin"));
    }
    assert_ne!(answer(&app, preflight(PAGE)).await.status, StatusCode::OK);
}
