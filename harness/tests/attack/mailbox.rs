//! A mail server that accepts all mail.

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The received mail, with envelopes.
#[derive(Clone)]
pub(crate) struct Mailbox {
    pub(crate) address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Mailbox {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mailbox = Self {
            address: listener.local_addr().unwrap(),
            mails: Arc::default(),
        };
        let ours = mailbox.clone();
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let mailbox = ours.clone();
                thread::spawn(move || mailbox.take(&socket));
            }
        });
        mailbox
    }

    fn take(&self, mut socket: &TcpStream) -> Result<()> {
        socket.write_all(b"220 ready\r\n")?;
        let (mut mail, mut in_text) = (String::new(), false);
        for line in BufReader::new(socket).lines() {
            let line = line?;
            mail.push_str(&line);
            mail.push('\n');
            let answer = match (in_text, line.split([' ', ':']).next()) {
                (true, _) if line == "." => {
                    in_text = false;
                    self.mails.lock().unwrap().push(std::mem::take(&mut mail));
                    "250 taken\r\n"
                }
                (true, _) => continue,
                (_, Some("DATA")) => {
                    in_text = true;
                    "354 go on\r\n"
                }
                (_, Some("QUIT")) => "221 bye\r\n",
                _ => "250 well\r\n",
            };
            socket.write_all(answer.as_bytes())?;
        }
        Ok(())
    }

    /// The mails to an address with this subject, or with any if it is empty.
    pub(crate) fn count(&self, to: &str, subject: &str) -> usize {
        let mails = self.mails.lock().unwrap();
        let is_meant = |mail: &&String| {
            mail.contains(&format!("RCPT TO:<{to}>"))
                && mail.contains(&format!("Subject: {subject}"))
        };
        mails.iter().filter(is_meant).count()
    }

    /// Waits for a mail to this address with this subject; returns its token.
    pub(crate) async fn token(&self, to: &str, subject: &str) -> String {
        crate::pair::until("the mail comes", async || {
            let mails = self.mails.lock().unwrap();
            let mail = mails.iter().rev().find(|mail| {
                mail.contains(&format!("RCPT TO:<{to}>"))
                    && mail.contains(&format!("Subject: {subject}"))
            });
            let token = &mail?[mail?.find("et1_")?..];
            token.split_whitespace().next().map(str::to_owned)
        })
        .await
    }
}
