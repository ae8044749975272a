//! The published retry policy says of every method whether it is retried.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::collections::BTreeMap;
use std::fs;

use prost_reflect::prost_types::MethodOptions;
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use serde_json::Value;

/// Each method of the policy with its entry.
fn entries() -> BTreeMap<String, Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/service-config.json");
    let policy: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let mut entries = BTreeMap::new();
    for entry in policy["methodConfig"].as_array().unwrap() {
        for name in entry["name"].as_array().unwrap() {
            let text = |member: &str| name[member].as_str().unwrap().to_owned();
            let method = format!("{}.{}", text("service"), text("method"));
            let twice = entries.insert(method, entry.clone());
            assert!(twice.is_none(), "{name} has two entries");
        }
    }
    entries
}

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = pool.services();
    let ours = services.filter(|service| service.package_name().starts_with("addressbook."));
    ours.flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// Whether a repeat does no harm: as the protos say, or if the client sends a `request_id`.
fn can_repeat(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    let level = options.map(MethodOptions::idempotency_level);
    let is_idempotent = level.is_some_and(|level| level != IdempotencyLevel::IdempotencyUnknown);
    is_idempotent || method.input().get_field_by_name("request_id").is_some()
}

#[test]
fn every_method_has_an_entry_and_every_entry_a_method() {
    let known: Vec<_> = methods()
        .iter()
        .map(|method| method.full_name().to_owned())
        .collect();
    let entries = entries();

    for name in &known {
        assert!(entries.contains_key(name), "{name} has no entry");
    }
    for name in entries.keys() {
        assert!(known.contains(name), "{name} is not a method");
    }
}

#[test]
fn methods_are_retried_that_can_be_repeated() {
    let entries = entries();
    for method in methods() {
        let is_retried = entries[method.full_name()].get("retryPolicy").is_some();

        assert_eq!(is_retried, can_repeat(&method), "{}", method.full_name());
    }
}

#[test]
fn single_messages_have_a_deadline_and_streams_have_none() {
    let entries = entries();
    for method in methods() {
        let has_deadline = entries[method.full_name()].get("timeout").is_some();
        let is_stream = method.is_client_streaming() || method.is_server_streaming();

        assert_eq!(has_deadline, !is_stream, "{}", method.full_name());
    }
}
