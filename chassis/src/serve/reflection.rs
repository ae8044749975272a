//! Reflection: returns the services of a server, and only those.

use std::collections::{BTreeMap, BTreeSet};

use prost::DecodeError;
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use prost_types::FileDescriptorProto;
use tonic::service::Routes;
use tonic_reflection::pb::{v1, v1alpha};
use tonic_reflection::server::{Builder, Error};

/// The largest request of a tool, in bytes.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Both versions of reflection, because most tools still use the older one.
pub(crate) const SERVICES: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Adds the reflection of these services, and of itself.
pub(crate) fn add(routes: Routes, services: &[&str]) -> Result<Routes, Error> {
    let ours = subset(proto::FILE_DESCRIPTOR_SET, services)?;
    let describe = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(&ours)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // Without it a tool cannot show the details of an error.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(v1alpha::FILE_DESCRIPTOR_SET)
            .include_reflection_service(false);
        let names = services.iter().chain(&SERVICES);
        names.fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let (new, old) = (describe().build_v1()?, describe().build_v1alpha()?);
    Ok(routes
        .add_service(new.max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(old.max_decoding_message_size(REQUEST_BYTES_MAX)))
}

/// The files of a `FileDescriptorSet` with these services, and their imports, byte for
/// byte, because decoding and encoding would lose options.
fn subset(set: &[u8], services: &[&str]) -> Result<Vec<u8>, DecodeError> {
    let files = files(set)?;
    let has_one = |file: &FileDescriptorProto| {
        let name = |service: &str| format!("{}.{service}", file.package());
        let mut theirs = file.service.iter().map(|service| name(service.name()));
        theirs.any(|name| services.contains(&name.as_str()))
    };
    let with_services = files.values().filter(|(_, file)| has_one(file));
    let mut wanted: Vec<&str> = with_services.map(|(_, file)| file.name()).collect();
    let mut kept = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if let Some((_, file)) = files.get(name)
            && kept.insert(name)
        {
            wanted.extend(file.dependency.iter().map(String::as_str));
        }
    }
    let mut subset = Vec::new();
    for (bytes, _) in kept.into_iter().filter_map(|name| files.get(name)) {
        encode_key(1, WireType::LengthDelimited, &mut subset);
        encode_varint(bytes.len() as u64, &mut subset);
        subset.extend_from_slice(bytes);
    }
    Ok(subset)
}

/// The files of a `FileDescriptorSet`, by name.
fn files(mut set: &[u8]) -> Result<BTreeMap<String, (&[u8], FileDescriptorProto)>, DecodeError> {
    let mut files = BTreeMap::new();
    while !set.is_empty() {
        decode_key(&mut set)?;
        let length = usize::try_from(decode_varint(&mut set)?).unwrap_or(usize::MAX);
        let (bytes, rest) = set.split_at_checked(length).unwrap_or((set, &[]));
        let file = FileDescriptorProto::decode(bytes)?;
        files.insert(file.name().to_owned(), (bytes, file));
        set = rest;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn all_services_together_need_all_files_that_are_imported() {
        let all = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let services = all.file.iter().flat_map(|file| {
            let service = |name: &str| format!("{}.{name}", file.package());
            file.service
                .iter()
                .map(move |method| service(method.name()))
        });
        let services: Vec<_> = services.collect();
        let services: Vec<_> = services.iter().map(String::as_str).collect();

        let subset = subset(proto::FILE_DESCRIPTOR_SET, &services).unwrap();

        let files = FileDescriptorSet::decode(subset.as_slice()).unwrap().file;
        let names = |files: &[FileDescriptorProto]| -> BTreeSet<String> {
            files.iter().map(|file| file.name().to_owned()).collect()
        };
        assert!(services.len() >= 7 && names(&files).is_subset(&names(&all.file)));
        for file in &files {
            for import in &file.dependency {
                assert!(names(&files).contains(import), "{import}");
            }
        }
    }

    #[test]
    fn a_service_brings_its_own_files_byte_for_byte_and_no_others() {
        let subset = subset(
            proto::FILE_DESCRIPTOR_SET,
            &["addressbook.auth.v1.AuthService"],
        )
        .unwrap();

        let (all, few) = (
            files(proto::FILE_DESCRIPTOR_SET).unwrap(),
            files(&subset).unwrap(),
        );
        assert!(few.contains_key("addressbook/auth/v1/auth_service.proto"));
        assert!(!few.contains_key("addressbook/auth/v1/admin_service.proto"));
        assert!(
            few.keys().all(|name| !name.contains("contacts")),
            "{:?}",
            few.keys()
        );
        for (name, (bytes, _)) in few {
            assert_eq!(bytes, all[&name].0, "{name}");
        }
    }
}
