//! A mail server (SMTP, RFC 5321) on a socket, controlled by the test.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::app::{App, in_time};

/// A received mail.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// From the envelope.
    pub(crate) from: String,
    /// From the envelope.
    pub(crate) to: String,
    /// Headers and text.
    pub(crate) text: String,
}

impl Mail {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> String {
        let prefix = format!("{name}: ");
        let value = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(&*prefix));
        value.unwrap_or_default().to_owned()
    }

    /// The token that it contains.
    pub(crate) fn token(&self) -> String {
        let line = self.text.lines().find(|line| line.contains("et1_"));
        let line = line.unwrap_or_else(|| unreachable!("no token in {}", self.text));
        line[line.find("et1_").unwrap()..].to_owned()
    }
}

/// How the server replies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// Accepts the mail.
    Takes,
    /// Replies to `MAIL` with this.
    RefusesSender(&'static str),
    /// Replies to `RCPT` with this.
    RefusesRecipient(&'static str),
    /// Accepts the mail, and closes the connection instead of replying.
    HangsUp,
}

struct Shared {
    mails: Mutex<Vec<Mail>>,
    manner: Mutex<Manner>,
    /// Mails whose text has arrived.
    begun: AtomicUsize,
    /// Refusals.
    refused: AtomicUsize,
    /// Each mail takes a permit before it is replied to.
    answers: Semaphore,
}

/// The server; stopped on drop.
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    _connections: JoinSet<()>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            mails: Mutex::default(),
            manner: Mutex::new(Manner::Takes),
            begun: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            answers: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let mut connections = JoinSet::new();
        let theirs = Arc::clone(&shared);
        connections.spawn(async move {
            // Closes all its connections.
            let mut open = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&theirs);
                open.spawn(async move { drop(serve(socket, &shared).await) });
            }
        });
        Self {
            address,
            shared,
            _connections: connections,
        }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// Replies to no mail until `release`.
    pub(crate) fn hold(&self) {
        self.shared.answers.forget_permits(usize::MAX);
    }

    pub(crate) fn release(&self) {
        self.shared.answers.add_permits(1_000_000);
    }

    /// A service that sends with this server.
    pub(crate) async fn app(&self) -> App {
        self.app_with(&[]).await
    }

    pub(crate) async fn app_with(&self, flags: &[&str]) -> App {
        let mail = self.flags();
        let flags: Vec<_> = mail
            .iter()
            .map(String::as_str)
            .chain(flags.iter().copied())
            .collect();
        App::start_with(&flags).await
    }

    pub(crate) fn flags(&self) -> [String; 3] {
        [
            format!("--smtp-url=smtp://{}", self.address),
            "--mail-from=Address book <noreply@example.com>".to_owned(),
            "--mail-link-base-url=https://app.example.com".to_owned(),
        ]
    }

    /// All received mails.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// Waits until there are so many mails to an address with this subject; returns them.
    pub(crate) async fn mailed(&self, to: &str, subject: &str, count: usize) -> Vec<Mail> {
        in_time(&format!("no {count} mails: {subject}"), async || {
            let mut mails = self.mails();
            mails.retain(|mail| mail.to == to && mail.header("Subject") == subject);
            (mails.len() >= count).then_some(mails)
        })
        .await
    }

    /// Returns when the text of so many mails has arrived.
    pub(crate) async fn begun(&self, count: usize) {
        in_time("no mail has begun", async || {
            (self.shared.begun.load(Ordering::SeqCst) >= count).then_some(())
        })
        .await;
    }

    /// Returns when all mails whose text has arrived are replied to.
    pub(crate) async fn answered(&self) {
        in_time("a mail has no answer", async || {
            (self.mails().len() == self.shared.begun.load(Ordering::SeqCst)).then_some(())
        })
        .await;
    }

    /// Returns when so many mails were refused.
    pub(crate) async fn refused(&self, count: usize) {
        in_time("no mail was refused", async || {
            (self.shared.refused.load(Ordering::SeqCst) >= count).then_some(())
        })
        .await;
    }
}

/// Serves one client until it disconnects.
async fn serve(socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    let (mut from, mut to) = (String::new(), String::new());
    socket.write_all(b"220 mail.example.com ESMTP\r\n").await?;
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let manner = *shared.manner.lock().unwrap();
        let verb = line.get(..4).unwrap_or_default().to_uppercase();
        let answer = match (&*verb, manner) {
            ("EHLO", _) => "250-mail.example.com\r\n250-8BITMIME\r\n250 SMTPUTF8",
            ("MAIL", Manner::RefusesSender(answer))
            | ("RCPT", Manner::RefusesRecipient(answer)) => {
                shared.refused.fetch_add(1, Ordering::SeqCst);
                answer
            }
            ("MAIL", _) => {
                from = in_brackets(&line);
                "250 OK"
            }
            ("RCPT", _) => {
                to = in_brackets(&line);
                "250 OK"
            }
            ("DATA", _) => {
                socket.write_all(b"354 Go on\r\n").await?;
                let text = read_text(&mut socket).await?;
                shared.begun.fetch_add(1, Ordering::SeqCst);
                shared.answers.acquire().await.unwrap().forget();
                let (from, to) = (from.clone(), to.clone());
                let mail = Mail { from, to, text };
                shared.mails.lock().unwrap().push(mail);
                if matches!(manner, Manner::HangsUp) {
                    return Ok(());
                }
                "250 Taken"
            }
            ("QUIT", _) => "221 Bye",
            ("NOOP" | "RSET", _) => "250 OK",
            _ => "502 Not known here",
        };
        socket.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn read_text(socket: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await?;
        if line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

fn in_brackets(line: &str) -> String {
    let inside = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inside
        .map(|(inside, _)| inside)
        .unwrap_or_default()
        .to_owned()
}
