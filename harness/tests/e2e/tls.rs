//! Both services with TLS and certificates on both sides, as programs, beside a system
//! without TLS on the same database.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::pki::Authority;
use testing::until;

use crate::program::Program;
use crate::stack::Stack;
use crate::tools::grpcurl;

/// The settings of the service with this name, beside `stack` on its database.
fn settings(name: &str, stack: &Stack, files: &Path) -> Vec<(&'static str, String)> {
    let (role, keys) = match name {
        "auth-service" => ("auth_service", "auth.keys"),
        _ => ("contacts_service", "contacts.keys"),
    };
    let shown = |path: PathBuf| path.display().to_string();
    let socket = shown(stack.folder().join("run"));
    vec![
        ("SECRET_KEYS_FILE", shown(stack.folder().join(keys))),
        (
            "DATABASE_URL",
            format!("postgres://{role}@localhost/addressbook?host={socket}&sslmode=disable"),
        ),
        ("TLS_CERT_FILE", shown(files.join(format!("{name}.crt")))),
        ("TLS_KEY_FILE", shown(files.join(format!("{name}.key")))),
    ]
}

/// Both services over TLS.
struct Encrypted {
    auth: Program,
    contacts: Program,
    files: TempDir,
}

impl Encrypted {
    /// Callers of auth must present a certificate.
    fn beside(stack: &Stack) -> Self {
        Self::start(stack, &["TLS_CLIENT_CA_FILE"])
    }

    /// Nobody needs a certificate.
    fn for_all(stack: &Stack) -> Self {
        Self::start(stack, &[])
    }

    /// `of_ca` are auth's settings that name the CA.
    fn start(stack: &Stack, of_ca: &[&'static str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let file = |name: &str| files.path().join(name).display().to_string();
        let authority = Authority::new("test");
        authority.write(files.path(), "ca.crt");
        for name in ["auth-service", "contacts-service", "client"] {
            authority.issue(&["127.0.0.1"]).write(files.path(), name);
        }
        let secret = stack.folder().join("contacts.secret").display().to_string();
        let mut own = settings("auth-service", stack, files.path());
        own.extend(of_ca.iter().map(|name| (*name, file("ca.crt"))));
        own.push(("CONTACTS_SECRET_FILE", secret.clone()));
        let auth = Program::start("auth-service", files.path(), own);
        let mut own = settings("contacts-service", stack, files.path());
        own.extend([
            ("AUTH_URL", format!("https://{}", auth.address)),
            ("AUTH_CA_FILE", file("ca.crt")),
            ("AUTH_CLIENT_CERT_FILE", file("client.crt")),
            ("AUTH_CLIENT_KEY_FILE", file("client.key")),
            ("AUTH_SECRET_FILE", secret),
            ("REVOCATION_MODE", "closed".to_owned()),
        ]);
        let contacts = Program::start("contacts-service", files.path(), own);
        // It is ready once it has keys and revocations.
        until("contacts is healthy", || contacts.is_healthy_without(&[]));
        Self {
            auth,
            contacts,
            files,
        }
    }

    fn call(&self, flags: &[&str], data: &str, program: &Program, method: &str) -> Output {
        Command::new(grpcurl().unwrap().join("grpcurl"))
            .current_dir(self.files.path())
            .args(flags)
            .args(["-d", data, &program.address, method])
            .output()
            .unwrap()
    }

    /// Calls the auth service with a certificate.
    fn auth(&self, method: &str, data: &str) -> String {
        let flags = [
            "-cacert",
            "ca.crt",
            "-cert",
            "client.crt",
            "-key",
            "client.key",
        ];
        let method = format!("addressbook.auth.v1.AuthService/{method}");
        let output = self.call(&flags, data, &self.auth, &method);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn list(&self, flags: &[&str], token: &str) -> Result<String, String> {
        let bearer = format!("authorization: Bearer {token}");
        let flags = [flags, &["-H", &bearer]].concat();
        let method = "addressbook.contacts.v1.ContactsService/ListContacts";
        let output = self.call(&flags, "{}", &self.contacts, method);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }
}

/// A text in an answer.
fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    let behind = answer.split(&format!("\"{name}\": \"")).nth(1);
    behind.unwrap().split('"').next().unwrap()
}

#[test]
fn the_pair_speaks_tls_with_its_callers_and_with_each_other() {
    if grpcurl().is_none() {
        return;
    }
    let stack = Stack::start(&[]);
    let pair = Encrypted::beside(&stack);
    let ada = r#"{"email": "ada@example.com", "password": "the otter naps at noon"}"#;
    pair.auth("SignUp", ada);
    let log_in = pair.auth("LogIn", ada);
    let access = field(&log_in, "accessToken");
    let with_ca = ["-cacert", "ca.crt"];

    pair.list(&with_ca, access).unwrap();
    // grpcurl retries until that time has passed.
    let briefly = ["-connect-timeout", "2"];
    let in_clear = [&briefly[..], &["-plaintext"]].concat();
    pair.list(&in_clear, access).unwrap_err();
    // With the CAs that the machine trusts.
    pair.list(&briefly, access).unwrap_err();
    let info = "addressbook.auth.v1.AuthService/GetServerInfo";
    let flags = [&with_ca[..], &briefly].concat();
    let nameless = pair.call(&flags, "{}", &pair.auth, info);
    assert!(!nameless.status.success(), "{nameless:?}");

    // Revocations are received over TLS, too.
    let refresh = field(&log_in, "refreshToken");
    pair.auth("LogOut", &format!(r#"{{"refreshToken": "{refresh}"}}"#));
    until("the token is refused", || {
        let refused = pair.list(&with_ca, access).err();
        refused.is_some_and(|error| error.contains("TOKEN_REVOKED"))
    });
}

#[test]
fn health_asks_with_what_the_service_is_set_to() {
    let stack = Stack::start(&[]);
    let pair = Encrypted::beside(&stack);

    assert!(pair.auth.is_healthy_without(&[]));
    // No certificate, although one is required.
    assert!(!pair.auth.is_healthy_without(&["TLS_CLIENT_CA_FILE"]));
    assert!(pair.contacts.is_healthy_without(&["TLS_CLIENT_CA_FILE"]));
    // Without TLS.
    let tls = ["TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE"];
    assert!(!pair.contacts.is_healthy_without(&tls));
}

/// Runs `addressbook` in this folder with its profiles in `home`; returns its exit code, and
/// what it prints.
fn addressbook(home: &Path, folder: &Path, args: &[&str]) -> (i32, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name("addressbook");
    let mut child = Command::new(program)
        .args(args)
        .env_clear()
        .env("XDG_STATE_HOME", home)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may have ended.
    let _ = writeln!(child.stdin.take().unwrap(), "the otter naps at noon");
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

#[test]
fn the_command_line_trusts_the_given_ca_and_no_other() {
    let stack = Stack::start(&[]);
    let pair = Encrypted::for_all(&stack);
    let files = pair.files.path();
    Authority::new("other").write(files, "other.crt");
    let home = tempfile::tempdir().unwrap();
    let [auth, contacts] = [&pair.auth, &pair.contacts].map(|at| format!("https://{}", at.address));
    let servers = ["--auth", &auth, "--contacts", &contacts];
    let sign_up = ["account", "sign-up", "ada@example.com"];
    let log_in = ["login", "ada@example.com"];

    let args = [&sign_up[..], &servers, &["--ca-file", "ca.crt"]].concat();
    let (code, said) = addressbook(home.path(), files, &args);
    assert_eq!(code, 0, "{said}");
    // The CA file is found in another folder, too.
    let (code, said) = addressbook(home.path(), home.path(), &["list"]);
    assert_eq!(code, 0, "{said}");
    for ca_file in [&["--ca-file", "other.crt"][..], &[]] {
        let args = [&["--profile", "other"], &log_in[..], &servers, ca_file].concat();
        let (code, said) = addressbook(home.path(), files, &args);
        assert_eq!(code, 11, "{said}");
        assert!(said.contains(&auth), "{said}");
    }
}
