//! What the protos of both services document about repeated calls.

use prost_reflect::{DescriptorPool, MethodDescriptor};
use prost_types::method_options::IdempotencyLevel;

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let ours = |package: &str| package.starts_with("addressbook.");
    let services = pool
        .services()
        .filter(|service| ours(service.package_name()));
    let methods: Vec<_> = services
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect();
    assert!(methods.len() > 60, "{}", methods.len());
    methods
}

fn level(method: &MethodDescriptor) -> Option<IdempotencyLevel> {
    let options = method.method_descriptor_proto().options.as_ref()?;
    options
        .idempotency_level
        .map(|_| options.idempotency_level())
}

#[test]
fn every_rpc_says_what_a_repeat_does() {
    for method in methods() {
        let name = method.full_name();
        let level = level(&method).unwrap_or_else(|| panic!("{name} does not say it"));
        let reads = [
            "Get", "List", "BatchGet", "Search", "Sync", "Watch", "Find", "Export",
        ]
        .iter()
        .any(|verb| method.name().starts_with(verb));
        let is_read = level == IdempotencyLevel::NoSideEffects;
        assert!(!reads || is_read, "{name} only reads");
    }
}

/// A merge creates something, too: the record with which it can be undone.
#[test]
fn what_a_repeat_would_make_twice_takes_a_request_id() {
    let verbs = [
        "Create",
        "BatchCreate",
        "SignUp",
        "Rotate",
        "Merge",
        "Refresh",
    ];
    for method in methods() {
        let makes = verbs.iter().any(|verb| method.name().starts_with(verb));
        let twice = level(&method) == Some(IdempotencyLevel::IdempotencyUnknown);
        let has_id = method.input().get_field_by_name("request_id").is_some();
        assert!(!(makes && twice) || has_id, "{}", method.full_name());
    }
}
