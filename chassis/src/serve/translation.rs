//! The translation of gRPC-Web and Connect, with the descriptors of all services.

use std::sync::{Arc, LazyLock};

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorSet;
use wires::Wires;

/// The descriptors of our protos, of the tools and of the details of errors.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    // The build made all of them, so they are valid.
    let mut pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
    for set in [
        tonic_types::pb::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ] {
        let files = FileDescriptorSet::decode(set).unwrap_or_default().file;
        for file in files {
            if pool.get_file_by_name(file.name()).is_none() {
                let _ = pool.add_file_descriptor_proto(file);
            }
        }
    }
    pool
});

/// The translation for a server whose messages have at most so many bytes. The same message
/// is up to twice as large in JSON.
pub(crate) fn wires(bytes_max: usize) -> Arc<Wires> {
    Arc::new(Wires::new(POOL.clone(), 2 * bytes_max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::rpcs;

    #[test]
    fn every_rpc_and_every_detail_of_errors_is_described() {
        for path in rpcs::all().keys() {
            let (service, method) = path[1..].split_once('/').unwrap();
            let service = POOL.get_service_by_name(service).unwrap();
            assert!(
                service.methods().any(|known| known.name() == method),
                "{path}"
            );
        }
        for detail in ["ErrorInfo", "BadRequest", "RetryInfo", "QuotaFailure"] {
            let name = format!("google.rpc.{detail}");
            assert!(POOL.get_message_by_name(&name).is_some(), "{name}");
        }
    }
}
