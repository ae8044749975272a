//! `DATABASE_URL`: one host or several, as libpq reads it (PostgreSQL documentation,
//! "Connection URIs").

use sqlx::postgres::PgConnectOptions;
use url::form_urlencoded;

use super::DbError;

/// The values of libpq that select a server with writes. `any`, its default, means the
/// same here: the services write, and never keep a connection to a read-only server.
const WRITABLE: [&str; 3] = ["any", "read-write", "primary"];

/// Returns how to connect to each host that a URL names, in its order.
pub(super) fn parse(url: &str) -> Result<Vec<PgConnectOptions>, DbError> {
    let all = Parts::split(url).ok_or(DbError::UrlInvalid)?;
    let (hosts, ports) = (all.hosts.len(), all.ports.len());
    if ![0, 1, hosts].contains(&ports) {
        return Err(DbError::UrlPorts { hosts, ports });
    }
    let session = all.session.as_deref();
    if !session.is_none_or(|attrs| WRITABLE.contains(&attrs)) {
        return Err(DbError::UrlSession);
    }
    let options = (0..hosts).map(|number| all.url_of(number).parse());
    let options: Result<_, sqlx::Error> = options.collect();
    options.map_err(|_| DbError::UrlInvalid)
}

/// A URL in parts; everything but the hosts is kept as written.
struct Parts<'a> {
    user: &'a str,
    hosts: Vec<Host>,
    /// The ports of the parameter `port`: none, one for all hosts, or one for each.
    ports: Vec<String>,
    path: &'a str,
    /// All other parameters.
    parameters: Vec<(String, String)>,
    /// The parameter `target_session_attrs`.
    session: Option<String>,
}

enum Host {
    /// The host with its port, in front of the path.
    InAuthority(String),
    /// The host of the parameter `host`.
    InQuery(String),
}

impl<'a> Parts<'a> {
    fn split(url: &'a str) -> Option<Self> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let mut parts = Self {
            user,
            hosts: hosts
                .split(',')
                .map(|host| Host::InAuthority(host.to_owned()))
                .collect(),
            ports: Vec::new(),
            path,
            parameters: Vec::new(),
            session: None,
        };
        for (key, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            let list = || value.split(',').map(str::to_owned);
            match &*key {
                "host" | "hostaddr" => parts.hosts = list().map(Host::InQuery).collect(),
                "port" => parts.ports = list().collect(),
                "target_session_attrs" => parts.session = Some(value),
                _ => parts.parameters.push((key, value)),
            }
        }
        Some(parts)
    }

    /// The URL of one host.
    fn url_of(&self, number: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.parameters);
        let authority = match &self.hosts[number] {
            Host::InAuthority(text) => {
                match text.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
                    // Without the brackets, with which sqlx cannot resolve the address.
                    Some((address, port)) => {
                        query.append_pair("host", address);
                        format!("localhost{port}")
                    }
                    None => text.clone(),
                }
            }
            Host::InQuery(host) => {
                query.append_pair("host", host);
                "localhost".to_owned()
            }
        };
        if let Some(port) = self.ports.get(number).or(self.ports.first()) {
            query.append_pair("port", port);
        }
        let at = if self.user.is_empty() { "" } else { "@" };
        let (user, path, query) = (self.user, self.path, query.finish());
        format!("postgres://{user}{at}{authority}{path}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The socket or host of each, with its port.
    fn places(url: &str) -> Vec<String> {
        let hosts = parse(url).unwrap();
        let place = |host: &PgConnectOptions| match host.get_socket() {
            Some(socket) => format!("{}:{}", socket.display(), host.get_port()),
            None => format!("{}:{}", host.get_host(), host.get_port()),
        };
        hosts.iter().map(place).collect()
    }

    #[test]
    fn each_host_has_its_port() {
        for (url, expected) in [
            ("postgres://db.example.com/a", &["db.example.com:5432"][..]),
            ("postgresql://one:1,two:2/a", &["one:1", "two:2"]),
            ("postgres://one,two:2/a", &["one:5432", "two:2"]),
            ("postgres://u:p@one,two/a?port=7", &["one:7", "two:7"]),
            ("postgres:///a?host=one,two&port=1,2", &["one:1", "two:2"]),
            (
                "postgres://u@/a?host=/run/one,/run/two",
                &["/run/one:5432", "/run/two:5432"],
            ),
            (
                "postgres://%2Frun%2Fone,two/a",
                &["/run/one:5432", "two:5432"],
            ),
            ("postgres://[::1]:7,[::2]/a", &["::1:7", "::2:5432"]),
            (
                "postgres://u@localhost:5432/a?host=%2Frun%2Fone",
                &["/run/one:5432"],
            ),
        ] {
            assert_eq!(places(url), expected, "{url}");
        }
    }

    #[test]
    fn all_hosts_have_the_same_user_database_and_parameters() {
        let url = "postgres://ada:p%40ss@one,two/book?sslmode=require&options=-c%20a%3Db%20c&target_session_attrs=primary";

        for host in parse(url).unwrap() {
            assert_eq!(host.get_username(), "ada");
            assert_eq!(host.get_database(), Some("book"));
            assert_eq!(host.get_options(), Some("-c a=b c"));
            assert!(matches!(
                host.get_ssl_mode(),
                sqlx::postgres::PgSslMode::Require
            ));
        }
    }

    #[test]
    fn only_servers_that_accept_writes_can_be_selected() {
        for attrs in ["any", "read-write", "primary"] {
            parse(&format!(
                "postgres://one,two/a?target_session_attrs={attrs}"
            ))
            .unwrap();
        }
        for attrs in ["read-only", "standby", "prefer-standby", "", "x"] {
            let refused = parse(&format!(
                "postgres://one,two/a?target_session_attrs={attrs}"
            ));
            assert!(matches!(refused, Err(DbError::UrlSession)), "{attrs}");
        }
    }

    #[test]
    fn text_that_is_not_a_url_is_refused() {
        for url in [
            "",
            "one",
            "mysql://one/a",
            "postgres//one",
            "postgres://one:x/a",
        ] {
            assert!(matches!(parse(url), Err(DbError::UrlInvalid)), "{url}");
        }
        let refused = parse("postgres://one,two,three/a?port=1,2");
        assert!(matches!(
            refused,
            Err(DbError::UrlPorts { hosts: 3, ports: 2 })
        ));
    }
}
