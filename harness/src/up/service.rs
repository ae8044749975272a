//! One running service.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use embedded_postgres::{Signal, spawn_tied_async};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::error::{Error, OrPath, Result};
use crate::print;
use crate::stop::Stop;

const READY_DEADLINE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(2);

/// How long a service may take to stop: longer than its own grace period.
const STOP_DEADLINE: Duration = Duration::from_secs(12);

/// How much of a service's output an error shows.
const TAIL_LINES: usize = 20;

/// How to start a service.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) listen: SocketAddr,
    /// The flag that sets `listen`.
    pub(crate) listen_flag: &'static str,
    /// The file to which the service writes its address.
    pub(crate) address_file: PathBuf,
    /// Environment variables.
    pub(crate) settings: Vec<(&'static str, OsString)>,
}

impl Spec {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// Fails if another program listens on the address, because the service's own error
    /// would not name the flag to change.
    fn ensure_free(&self) -> Result<()> {
        match TcpListener::bind(self.listen) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::AddressInUse {
                name: self.name,
                address: self.listen,
                flag: self.listen_flag,
            }),
            _ => Ok(()),
        }
    }
}

/// A service that has been ready once.
#[derive(Debug)]
pub(crate) struct Service {
    spec: Spec,
    child: Child,
    output: Output,
    started_in: Duration,
}

impl Service {
    /// Starts the program and waits until it serves.
    pub(crate) async fn start(mut spec: Spec) -> Result<Self> {
        spec.ensure_free()?;
        let began = Instant::now();
        let (mut child, mut output) = spawn(&spec)?;
        // A restart uses the same address, even if it was a free port.
        spec.listen = serving(&spec, &mut child, &mut output).await?;
        Ok(Self {
            spec,
            child,
            output,
            started_in: began.elapsed(),
        })
    }

    /// Restarts the program after it has exited.
    pub(crate) fn restart(&mut self) -> Result<()> {
        (self.child, self.output) = spawn(&self.spec)?;
        Ok(())
    }

    pub(crate) fn name(&self) -> &'static str {
        self.spec.name
    }

    /// The process, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The time from its first start until it was ready.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Kills the program.
    pub(crate) async fn kill(&mut self) {
        // It may have just exited.
        let _ = self.child.kill().await;
        self.output.finish().await;
    }

    /// Where to reach the service from this machine.
    pub(crate) fn address(&self) -> SocketAddr {
        reachable(self.spec.listen)
    }

    /// The address of its metrics, if it serves them.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        let text = fs::read_to_string(&self.spec.address_file).ok()?;
        text.lines().nth(1)?.parse().ok().map(reachable)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Waits for the program's end.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        // One whose state cannot be read counts as ended.
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The last lines that the program printed, complete once it has exited.
    pub(crate) async fn last_output(&mut self) -> String {
        self.output.last().await
    }

    /// Asks the program to stop, and kills it when that takes too long or the
    /// user insists.
    pub(crate) async fn stop(&mut self, stop: &mut Stop) {
        let Some(pid) = self.child.id() else {
            return;
        };
        // It may have just exited.
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
        let in_time = tokio::select! {
            _ = self.child.wait() => true,
            () = sleep(STOP_DEADLINE) => false,
            () = stop.insisted() => false,
        };
        if !in_time {
            print::say(format_args!("killing the {} service", self.spec.name));
            self.kill().await;
        }
        self.output.finish().await;
    }
}

/// A wildcard address cannot be called.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn spawn(spec: &Spec) -> Result<(Child, Output)> {
    match fs::remove_file(&spec.address_file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => result.or_path("remove", &spec.address_file)?,
    }
    let mut command = Command::new(&spec.program);
    command
        // Both services cannot use the same address file.
        .env_remove("METRICS_ADDR")
        .env("LISTEN_ADDR", spec.listen.to_string())
        .env("ADDRESS_FILE", &spec.address_file)
        .envs(spec.settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn_tied_async(command, Signal::SIGTERM).or_path("run", &spec.program)?;
    let mut output = Output::default();
    if let Some(pipe) = child.stdout.take() {
        output.follow(spec.name, pipe);
    }
    if let Some(pipe) = child.stderr.take() {
        output.follow(spec.name, pipe);
    }
    Ok((child, output))
}

/// Waits until the service responds, and returns its address.
async fn serving(spec: &Spec, child: &mut Child, output: &mut Output) -> Result<SocketAddr> {
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        if let Some(status) = child.try_wait().or_path("watch", &spec.program)? {
            return Err(Error::Ended {
                name: spec.name,
                status,
                output: output.last().await,
            });
        }
        if Instant::now() > deadline {
            return Err(Error::NotServing {
                name: spec.name,
                seconds: READY_DEADLINE.as_secs(),
                output: output.tail(),
            });
        }
        let address = fs::read_to_string(&spec.address_file);
        if let Some(address) = address
            .ok()
            .and_then(|text| text.lines().next()?.parse().ok())
            && is_serving(reachable(address)).await
        {
            return Ok(address);
        }
        sleep(POLL).await;
    }
}

async fn is_serving(address: SocketAddr) -> bool {
    let check = async {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).ok()?;
        let mut client = HealthClient::new(endpoint.connect().await.ok()?);
        let request = HealthCheckRequest::default();
        let answer = client.check(request).await.ok()?.into_inner();
        Some(answer.status() == ServingStatus::Serving)
    };
    timeout(Duration::from_secs(1), check).await == Ok(Some(true))
}

/// Prints a program's lines, and stores the last ones.
#[derive(Debug, Default)]
struct Output {
    lines: Arc<Mutex<VecDeque<String>>>,
    pipes: Vec<JoinHandle<()>>,
}

impl Output {
    fn follow(&mut self, name: &'static str, pipe: impl AsyncRead + Unpin + Send + 'static) {
        let lines = Arc::clone(&self.lines);
        self.pipes.push(tokio::spawn(async move {
            let mut reader = BufReader::new(pipe);
            let mut bytes = Vec::new();
            while matches!(reader.read_until(b'\n', &mut bytes).await, Ok(1..)) {
                let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                bytes.clear();
                print::pass_on(name, &line);
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push_back(line);
                if lines.len() > TAIL_LINES {
                    lines.pop_front();
                }
            }
        }));
    }

    /// Waits until the pipes are closed, unless a grandchild keeps them open.
    async fn finish(&mut self) {
        for pipe in self.pipes.drain(..) {
            let _ = timeout(Duration::from_secs(1), pipe).await;
        }
    }

    async fn last(&mut self) -> String {
        self.finish().await;
        self.tail()
    }

    fn tail(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_called_on_this_machine() {
        let reach = |listen: &str| reachable(listen.parse().unwrap()).to_string();

        assert_eq!(reach("0.0.0.0:50051"), "127.0.0.1:50051");
        assert_eq!(reach("[::]:50051"), "[::1]:50051");
        assert_eq!(reach("192.0.2.1:50051"), "192.0.2.1:50051");
    }
}
