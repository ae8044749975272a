//! The files of the console, as a browser gets them.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::app::App;
use crate::jwks::{get, get_bytes, get_with};

const FLAG: &str = "--console-contacts-url=https://contacts.example.com";

/// The value of a header, which is there.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| *found == name).unwrap().1
}

#[tokio::test]
async fn it_is_not_served_unless_it_is_configured() {
    let app = App::start().await;

    for path in ["/console", "/console/", "/console/config.json"] {
        let (head, _) = get(&app.address, path).await;
        assert!(head.starts_with("http/1.1 404"), "{head}");
    }
}

#[tokio::test]
async fn a_browser_permits_it_its_own_files_and_both_services_only() {
    let app = App::start_with(&[FLAG]).await;
    let (_, page) = get(&app.address, "/console/").await;
    let script = page.split("src=\"").nth(1).unwrap();
    let script = script.split('"').next().unwrap();

    for path in ["/console/", "/console/config.json", script] {
        let (head, _) = get(&app.address, path).await;

        assert!(head.starts_with("http/1.1 200"), "{head}");
        let policy = header(&head, "content-security-policy");
        let rules: Vec<_> = policy.split("; ").collect();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self' https://contacts.example.com",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(rules.contains(&rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&head, "x-content-type-options"), "nosniff");
        assert_eq!(header(&head, "referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn the_page_is_checked_each_time_and_its_parts_are_kept() {
    let app = App::start_with(&[FLAG]).await;
    let (head, page) = get(&app.address, "/console/").await;
    assert_eq!(header(&head, "cache-control"), "no-cache");
    assert_eq!(header(&head, "content-type"), "text/html; charset=utf-8");

    let names = page.split(['"', ' ', '>']);
    let assets: Vec<_> = names.filter(|name| name.contains("/assets/")).collect();
    assert!(assets.len() >= 3, "{page}");
    for path in assets {
        let (head, body) = get(&app.address, path).await;
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        assert_eq!(
            header(&head, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert!(!body.is_empty());
    }
    let (head, body) = get(&app.address, "/console/config.json").await;
    assert_eq!(header(&head, "cache-control"), "no-store");
    assert_eq!(body, r#"{"contactsUrl":"https://contacts.example.com"}"#);
}

#[tokio::test]
async fn a_page_that_the_browser_has_is_not_sent_again() {
    let app = App::start_with(&[FLAG]).await;
    let (head, _) = get(&app.address, "/console/").await;

    let known = format!("if-none-match: {}\r\n", header(&head, "etag"));
    let (head, body) = get_with(&app.address, "/console/", &known).await;

    assert!(head.starts_with("http/1.1 304"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn its_files_are_compressed_for_those_who_accept_it() {
    let app = App::start_with(&[FLAG]).await;
    let (head, plain) = get(&app.address, "/console/").await;
    assert_eq!(header(&head, "vary"), "accept-encoding");
    assert!(!head.contains("content-encoding"), "{head}");
    let etag = header(&head, "etag").to_owned();

    for accepted in ["br, gzip;q=0.5", "GZIP"] {
        let accepted = format!("accept-encoding: {accepted}\r\n");
        let (head, body) = get_bytes(&app.address, "/console/", &accepted).await;

        assert_eq!(header(&head, "content-encoding"), "gzip");
        assert_eq!(header(&head, "vary"), "accept-encoding");
        assert_ne!(header(&head, "etag"), etag);
        let mut text = String::new();
        let read = GzDecoder::new(&*body).read_to_string(&mut text);
        assert_eq!(read.unwrap(), plain.len());
        assert_eq!(text, plain);
        let known = format!("{accepted}if-none-match: {}\r\n", header(&head, "etag"));
        let (head, _) = get_with(&app.address, "/console/", &known).await;
        assert!(head.starts_with("http/1.1 304"), "{head}");
    }
    for accepted in ["gzip;q=0", "gzip; q=0.0, br", "br", "identity"] {
        let accepted = format!("accept-encoding: {accepted}\r\n");
        let (head, _) = get_with(&app.address, "/console/", &accepted).await;

        assert_eq!(header(&head, "etag"), etag, "{accepted}");
    }
}
