//! Which protocol a request uses.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request};

use crate::query;

/// The content types of gRPC and gRPC-Web, and these.
macro_rules! and_grpcs {
    ($types:literal) => {
        concat!(
            "application/grpc, application/grpc+proto, application/grpc-web, \
             application/grpc-web+proto, application/grpc-web+json, \
             application/grpc-web-text, application/grpc-web-text+proto, ",
            $types
        )
    };
}

/// The content types of all protocols, gRPC included, as for `accept-post`.
pub const ACCEPTED: &str = and_grpcs!(
    "application/json, application/proto, application/connect+json, application/connect+proto"
);
/// Those for methods with one message in each direction.
pub(crate) const ACCEPTED_UNARY: &str = and_grpcs!("application/json, application/proto");
/// Those for other methods.
pub(crate) const ACCEPTED_STREAM: &str =
    and_grpcs!("application/connect+json, application/connect+proto");

/// The format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Protobuf's binary format.
    Proto,
    /// Protobuf's JSON format.
    Json,
}

/// A protocol that is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Connect, with one message in each direction.
    Unary(Codec),
    /// The same with the request in the query of a GET.
    Get(Codec),
    /// Connect, where at least one direction is a stream.
    Stream(Codec),
    /// gRPC-Web.
    Web(Codec),
    /// gRPC-Web in base64, for browsers that cannot read bytes as they arrive.
    WebText,
}

impl Wire {
    /// The protocol of a request; `None` if it is none of these.
    #[must_use]
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        if request.method() == Method::GET {
            return Self::of_query(request.uri().query()?);
        }
        Self::of_content_type(request.headers())
    }

    fn of_content_type(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes)?;
        let kind = kind.split(|byte| *byte == b';').next()?.trim_ascii();
        let wire = match kind.to_ascii_lowercase().as_slice() {
            b"application/json" => Self::Unary(Codec::Json),
            b"application/proto" => Self::Unary(Codec::Proto),
            b"application/connect+json" => Self::Stream(Codec::Json),
            b"application/connect+proto" => Self::Stream(Codec::Proto),
            b"application/grpc-web" | b"application/grpc-web+proto" => Self::Web(Codec::Proto),
            b"application/grpc-web+json" => Self::Web(Codec::Json),
            b"application/grpc-web-text" | b"application/grpc-web-text+proto" => Self::WebText,
            _ => return None,
        };
        Some(wire)
    }

    fn of_query(query: &str) -> Option<Self> {
        match query::value(query, "encoding")?.as_slice() {
            b"json" => Some(Self::Get(Codec::Json)),
            b"proto" => Some(Self::Get(Codec::Proto)),
            _ => None,
        }
    }

    pub(crate) fn codec(self) -> Codec {
        match self {
            Self::Unary(codec) | Self::Get(codec) | Self::Stream(codec) | Self::Web(codec) => codec,
            Self::WebText => Codec::Proto,
        }
    }

    /// Whether there is one message in each direction, without an envelope.
    pub(crate) fn is_unary(self) -> bool {
        matches!(self, Self::Unary(_) | Self::Get(_))
    }

    pub(crate) fn is_connect(self) -> bool {
        !matches!(self, Self::Web(_) | Self::WebText)
    }

    /// The content type of responses.
    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Unary(Codec::Json) | Self::Get(Codec::Json) => "application/json",
            Self::Unary(Codec::Proto) | Self::Get(Codec::Proto) => "application/proto",
            Self::Stream(Codec::Json) => "application/connect+json",
            Self::Stream(Codec::Proto) => "application/connect+proto",
            Self::Web(Codec::Json) => "application/grpc-web+json",
            Self::Web(Codec::Proto) => "application/grpc-web+proto",
            Self::WebText => "application/grpc-web-text+proto",
        })
    }

    /// The header that names the compression of messages.
    pub(crate) fn encoding_header(self) -> &'static str {
        match self {
            Self::Unary(_) | Self::Get(_) => "content-encoding",
            Self::Stream(_) => "connect-content-encoding",
            Self::Web(_) | Self::WebText => "grpc-encoding",
        }
    }

    /// The header that names the compressions which the other side accepts.
    pub(crate) fn accept_header(self) -> &'static str {
        match self {
            Self::Unary(_) | Self::Get(_) => "accept-encoding",
            Self::Stream(_) => "connect-accept-encoding",
            Self::Web(_) | Self::WebText => "grpc-accept-encoding",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str) -> Option<Wire> {
        let request = Request::post("/a.B/C").header(CONTENT_TYPE, kind);
        Wire::of(&request.body(()).unwrap())
    }

    #[test]
    fn every_content_type_that_is_accepted_has_its_protocol() {
        for kind in ACCEPTED.split(", ") {
            let is_grpc = kind == "application/grpc" || kind == "application/grpc+proto";
            assert_eq!(of(kind).is_none(), is_grpc, "{kind}");
        }
        assert_eq!(
            of("Application/JSON; charset=utf-8"),
            Some(Wire::Unary(Codec::Json))
        );
        for kind in [
            "",
            "text/plain",
            "application/jsonx",
            "application/connect+xml",
            "text/plain;application/json",
        ] {
            assert_eq!(of(kind), None, "{kind}");
        }
    }

    #[test]
    fn a_get_names_its_format_in_the_query() {
        let of = |uri: &str| Wire::of(&Request::get(uri).body(()).unwrap());
        assert_eq!(
            of("/a.B/C?connect=v1&encoding=json&message=%7B%7D"),
            Some(Wire::Get(Codec::Json))
        );
        for uri in ["/a.B/C", "/a.B/C?message=x", "/a.B/C?encoding=xml"] {
            assert_eq!(of(uri), None, "{uri}");
        }
    }
}
