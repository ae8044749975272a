//! The address of a server, which can be bound long before it listens.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// How many connections wait to be accepted; the kernel's own limit is below it.
const BACKLOG: u32 = 1 << 16;

/// A bound address.
#[derive(Debug)]
pub enum Socket {
    /// Connections are refused until it listens.
    Taken(TcpSocket),
    /// It is listening already.
    Listening(TcpListener),
}

impl Socket {
    /// Binds the address.
    pub(crate) fn take(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // A restarted service need not wait for old connections to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Taken(socket))
    }

    /// Its address, with the port that the system chose.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Taken(socket) => socket.local_addr(),
            Self::Listening(listener) => listener.local_addr(),
        }
    }

    /// Accepts connections from now on.
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
