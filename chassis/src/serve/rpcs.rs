//! The RPCs of the descriptors.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

/// An RPC.
#[derive(Debug)]
pub(crate) struct Rpc {
    /// The full name of the service, such as `addressbook.auth.v1.AuthService`.
    pub(crate) service: String,
    /// With its method, such as `addressbook.auth.v1.AuthService/LogIn`.
    pub(crate) method: String,
    /// Such as `AuthService/LogIn`, or `grpc.health.v1.Health/Check`.
    pub(crate) name: String,
    /// Its index in the counts, from 1 on.
    pub(crate) number: usize,
    /// Whether it streams responses.
    pub(crate) streams: bool,
    /// Whether it streams requests.
    pub(crate) client_streams: bool,
}

impl Rpc {
    /// Whether it is one of health or reflection.
    pub(crate) fn is_tool(&self) -> bool {
        self.service.starts_with("grpc.")
    }
}

/// The index of calls of unknown RPCs.
pub(crate) const OTHER: usize = 0;

static RPCS: LazyLock<HashMap<String, Rpc>> = LazyLock::new(read);

/// All of them by path, such as `/addressbook.auth.v1.AuthService/LogIn`.
pub(crate) fn all() -> &'static HashMap<String, Rpc> {
    &RPCS
}

fn read() -> HashMap<String, Rpc> {
    let (ours, others) = (
        [proto::FILE_DESCRIPTOR_SET],
        [
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ],
    );
    let mut rpcs = HashMap::new();
    for (service, method) in methods(&ours) {
        let short = service.rsplit('.').next().unwrap_or_default().to_owned();
        add(&mut rpcs, service, &short, &method);
    }
    // The two versions of reflection have the same short name.
    for (service, method) in methods(&others) {
        let name = service.clone();
        add(&mut rpcs, service, &name, &method);
    }
    rpcs
}

fn add(
    rpcs: &mut HashMap<String, Rpc>,
    service: String,
    name: &str,
    method: &MethodDescriptorProto,
) {
    let path = format!("/{service}/{}", method.name());
    let rpc = Rpc {
        name: format!("{name}/{}", method.name()),
        method: format!("{service}/{}", method.name()),
        service,
        number: rpcs.len() + OTHER + 1,
        streams: method.server_streaming(),
        client_streams: method.client_streaming(),
    };
    rpcs.insert(path, rpc);
}

/// The methods in these descriptor sets, each with the full name of its service. The
/// build created the sets, so they are valid.
fn methods(sets: &[&[u8]]) -> Vec<(String, MethodDescriptorProto)> {
    let read = |set: &&[u8]| FileDescriptorSet::decode(*set).unwrap_or_default().file;
    let files = sets.iter().flat_map(read);
    let of_file = |file: FileDescriptorProto| {
        let package = file.package().to_owned();
        let of_service = file.service.into_iter().flat_map(move |service| {
            let name = format!("{package}.{}", service.name());
            let methods = service.method.into_iter();
            methods.map(move |method| (name.clone(), method))
        });
        of_service.collect::<Vec<_>>()
    };
    files.flat_map(of_file).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn find(path: &str) -> Option<&'static Rpc> {
        all().get(path)
    }

    #[test]
    fn every_rpc_is_known_with_its_kind() {
        let log_in = find("/addressbook.auth.v1.AuthService/LogIn").unwrap();
        assert_eq!(log_in.name, "AuthService/LogIn");
        assert!(!log_in.streams && !log_in.client_streams);
        let watch = find("/addressbook.contacts.v1.ContactsService/WatchContacts").unwrap();
        assert!(watch.streams && !watch.client_streams);
        let health = find("/grpc.health.v1.Health/Watch").unwrap();
        assert!(health.streams && health.name == "grpc.health.v1.Health/Watch");
        for version in ["v1", "v1alpha"] {
            let service = format!("/grpc.reflection.{version}.ServerReflection");
            let reflection = find(&format!("{service}/ServerReflectionInfo")).unwrap();
            assert!(reflection.streams && reflection.client_streams);
        }
        assert!(find("/addressbook.auth.v1.AuthService/Nothing").is_none());
    }

    #[test]
    fn each_has_a_number_and_a_name_of_its_own() {
        let numbers: HashSet<_> = all().values().map(|rpc| rpc.number).collect();
        let names: HashSet<_> = all().values().map(|rpc| &rpc.name).collect();
        assert_eq!((numbers.len(), names.len()), (all().len(), all().len()));
        assert_eq!(numbers.iter().min(), Some(&(OTHER + 1)));
        assert_eq!(numbers.iter().max(), Some(&all().len()));
    }
}
