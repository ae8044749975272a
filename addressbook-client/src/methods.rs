//! What the protos say about each method.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, Value};

/// The descriptors of both services.
pub(crate) static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the build made the descriptors")]
    DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).expect("descriptors are valid")
});

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let services = POOL.services();
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            (path, Method::new(&method))
        })
        .collect()
});

/// A method of a service.
pub(crate) struct Method {
    /// Whether the client sends one message, which can be kept for a repetition.
    pub(crate) has_one_request: bool,
    /// Whether the server sends one message.
    pub(crate) has_one_response: bool,
    is_idempotent: bool,
    input: MessageDescriptor,
}

impl Method {
    /// The method of a path such as `/addressbook.auth.v1.AuthService/LogIn`.
    pub(crate) fn of(path: &str) -> Option<&'static Self> {
        METHODS.get(path)
    }

    fn new(method: &MethodDescriptor) -> Self {
        let options = method.method_descriptor_proto().options.as_ref();
        let level = options.map(prost_reflect::prost_types::MethodOptions::idempotency_level);
        Self {
            has_one_request: !method.is_client_streaming(),
            has_one_response: !method.is_server_streaming(),
            is_idempotent: level.is_some_and(|level| level != IdempotencyLevel::IdempotencyUnknown),
            input: method.input(),
        }
    }

    /// Whether the call with this message can be repeated unchanged: the protos say so of
    /// its method, or the message has a `request_id`.
    pub(crate) fn can_repeat(&self, message: &[u8]) -> bool {
        self.is_idempotent || self.has_request_id(message)
    }

    fn has_request_id(&self, message: &[u8]) -> bool {
        let field = self.input.get_field_by_name("request_id");
        field.is_some_and(|field| {
            let message = DynamicMessage::decode(self.input.clone(), message);
            message.is_ok_and(|message| {
                matches!(&*message.get_field(&field), Value::String(id) if !id.is_empty())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use proto::contacts::v1::CreateContactRequest;

    use super::*;

    fn contacts(name: &str) -> &'static Method {
        Method::of(&format!("/addressbook.contacts.v1.ContactsService/{name}")).unwrap()
    }

    #[test]
    fn calls_are_repeated_that_the_protos_allow() {
        assert!(contacts("GetContact").can_repeat(&[]));
        assert!(contacts("UpdateContact").can_repeat(&[]));
        assert!(!contacts("PurgeContacts").can_repeat(&[]));
        assert!(Method::of("/grpc.health.v1.Health/Check").is_none());
    }

    #[test]
    fn a_creation_is_repeated_with_its_request_id() {
        let mut request = CreateContactRequest::default();
        let create = contacts("CreateContact");

        assert!(!create.can_repeat(&request.encode_to_vec()));
        request.request_id = "7b1c".into();
        assert!(create.can_repeat(&request.encode_to_vec()));
    }

    #[test]
    fn streams_are_known() {
        assert!(!contacts("ImportContacts").has_one_request);
        assert!(!contacts("WatchContacts").has_one_response);
        assert!(contacts("ListContacts").has_one_response);
    }
}
