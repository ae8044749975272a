//! The server under test of the Connect project's conformance suite: a gRPC service of
//! tonic, with the translation around it. `run` in this folder starts the suite.

mod answers;
mod server;
mod service;

/// The interface of the suite.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::clone_on_ref_ptr,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    dead_code,
    reason = "generated code"
)]
mod suite {
    tonic::include_proto!("connectrpc.conformance.v1");
}

fn main() -> std::io::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(server::run())
}
