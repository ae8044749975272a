//! The address of a server: it can be taken long before anybody is listened to.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// How many connections wait to be accepted; the kernel's own limit is below it.
const BACKLOG: u32 = 1 << 16;

/// An address that nobody else can listen on.
#[derive(Debug)]
pub enum Socket {
    /// Connections are refused until it listens.
    Taken(TcpSocket),
    /// The kernel takes connections already.
    Listening(TcpListener),
}

impl Socket {
    /// Takes the address.
    pub(crate) fn take(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // A service that starts again need not wait for old connections to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Taken(socket))
    }

    /// Where it is, with the port that the system chose.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Taken(socket) => socket.local_addr(),
            Self::Listening(listener) => listener.local_addr(),
        }
    }

    /// Takes connections from now on.
    pub(crate) fn listen(self) -> io::Result<TcpListener> {
        match self {
            Self::Taken(socket) => socket.listen(BACKLOG),
            Self::Listening(listener) => Ok(listener),
        }
    }
}

impl From<TcpListener> for Socket {
    fn from(listener: TcpListener) -> Self {
        Self::Listening(listener)
    }
}
