//! The console: a web page for people, built from `console/` and embedded.

use std::io::Write;
use std::sync::{Arc, LazyLock, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use chassis::serve::Services;
use flate2::Compression;
use flate2::write::GzEncoder;
use include_dir::{Dir, include_dir};

/// What `npm run build` in `console/` has written.
static BUILT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../console/dist");

/// The page itself.
const INDEX: &str = "index.html";

/// Where the page is: also where the links in mail lead, if `MAIL_LINK_BASE_URL` ends with
/// `/console`.
const INDEX_PATHS: [&str; 3] = [
    "/console/",
    "/console/verify-email",
    "/console/reset-password",
];

/// Where the page reads its settings.
const CONFIG_PATH: &str = "/console/config.json";

/// A file that is served as it was built.
struct File {
    path: String,
    plain: Form,
    /// Compressed at the first request, because all browsers ask for it.
    gzip: OnceLock<Form>,
    kind: &'static str,
    cache: &'static str,
}

/// A form of a file.
struct Form {
    bytes: Bytes,
    /// In quotes. Each form has its own (RFC 9110 section 8.8.3).
    etag: String,
}

/// All files, the page excepted.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut files = Vec::new();
    let mut folders = vec![&BUILT];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        let names = folder.files().filter_map(|file| file.path().to_str());
        let others = names.filter(|name| *name != INDEX);
        files.extend(others.map(|name| file(format!("/console/{name}"), name)));
    }
    files
});

fn file(path: String, name: &str) -> File {
    let bytes = BUILT.get_file(name).map_or(&[][..], |file| file.contents());
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    // The name of an asset contains the hash of its content.
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let hash = hex::encode(digest(&SHA256, bytes));
    File {
        path,
        plain: Form {
            bytes: Bytes::from_static(bytes),
            etag: format!("\"{hash}\""),
        },
        gzip: OnceLock::new(),
        kind,
        cache,
    }
}

impl File {
    fn gzip(&self) -> &Form {
        self.gzip.get_or_init(|| Form {
            bytes: compressed(&self.plain.bytes).into(),
            etag: self.plain.etag.replacen('"', "\"gzip-", 1),
        })
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The console, for pages that call a contacts service.
#[derive(Clone)]
pub struct Console {
    config: String,
    /// Sent with every response.
    headers: Arc<HeaderMap>,
}

impl Console {
    /// The origin of the contacts service, as browsers reach it.
    #[must_use]
    pub fn new(contacts: &HeaderValue) -> Self {
        // An origin is ASCII.
        let contacts = contacts.to_str().unwrap_or_default();
        Self {
            config: serde_json::json!({ "contactsUrl": contacts }).to_string(),
            headers: Arc::new(headers(contacts)),
        }
    }

    /// Adds the pages.
    #[must_use]
    pub fn add_to(&self, services: Services) -> Services {
        let index = Arc::new(file(String::new(), INDEX));
        let services = services
            .with_page("/console", get(Redirect::permanent("/console/")))
            .with_page(CONFIG_PATH, self.config());
        let services = INDEX_PATHS.iter().fold(services, |services, path| {
            services.with_page(path, self.page(Arc::clone(&index)))
        });
        FILES.iter().fold(services, |services, file| {
            services.with_page(&file.path, self.page(file))
        })
    }

    fn config(&self) -> MethodRouter {
        let own = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let (headers, body) = (Arc::clone(&self.headers), self.config.clone());
        get(async move || ((*headers).clone(), own, body))
    }

    fn page(&self, file: impl AsRef<File> + Clone + Send + Sync + 'static) -> MethodRouter {
        let headers = Arc::clone(&self.headers);
        get(async move |request: HeaderMap| response(&headers, file.as_ref(), &request))
    }
}

impl AsRef<Self> for File {
    fn as_ref(&self) -> &Self {
        self
    }
}

fn response(headers: &HeaderMap, file: &File, request: &HeaderMap) -> Response {
    let is_gzip = accepts_gzip(request);
    let form = if is_gzip { file.gzip() } else { &file.plain };
    let own = [
        (CACHE_CONTROL, file.cache),
        (ETAG, &*form.etag),
        (CONTENT_TYPE, file.kind),
        (VARY, "accept-encoding"),
    ];
    let known = request.get_all(IF_NONE_MATCH).iter();
    if known.into_iter().any(|etag| etag == &*form.etag) {
        return (StatusCode::NOT_MODIFIED, headers.clone(), own).into_response();
    }
    let mut response = (headers.clone(), own, form.bytes.clone()).into_response();
    if is_gzip {
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(CONTENT_ENCODING, gzip);
    }
    response
}

/// Whether the request accepts gzip by its name.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(ACCEPT_ENCODING).into_iter();
    values
        .map(HeaderValue::as_bytes)
        .any(chassis::serve::accepts_gzip)
}

/// What a browser permits the page: its own files, calls of both services, photos that it
/// received from them, and no text that becomes code (Content Security Policy Level 3,
/// Trusted Types).
fn headers(contacts: &str) -> HeaderMap {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
         connect-src 'self' {contacts}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let mut headers = HeaderMap::new();
    // An origin that was read as a header is one.
    headers.extend(HeaderValue::try_from(policy).map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}
