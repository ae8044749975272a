//! Origins of web pages.

use http::HeaderValue;
use url::Url;

/// Reads an origin such as `https://book.example.com` (RFC 6454 section 6.2).
pub fn origin(text: &str) -> Result<HeaderValue, String> {
    let problem = || format!("`{text}` is not an origin such as https://book.example.com");
    let url = Url::parse(text).map_err(|_| problem())?;
    let origin = url.origin();
    let is_web = ["http", "https"].contains(&url.scheme());
    // Browsers send the serialized form, and no other is ever equal to it.
    if !is_web || origin.ascii_serialization() != text {
        return Err(problem());
    }
    HeaderValue::from_str(text).map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_browsers_send_it() {
        for good in [
            "https://book.example.com",
            "http://localhost:5173",
            "https://book.example.com:8443",
        ] {
            assert_eq!(origin(good).unwrap(), good);
        }
        for bad in [
            "",
            "*",
            "null",
            "book.example.com",
            "https://book.example.com/",
            "https://Book.example.com",
            "https://book.example.com:443",
            "https://ada@book.example.com",
            "ftp://book.example.com",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
