//! The methods of a server, and what they accept.

use std::collections::HashMap;
use std::fmt;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, MethodDescriptor};

/// The methods that calls are translated for.
pub struct Wires {
    methods: HashMap<String, Method>,
    pub(crate) pool: DescriptorPool,
    pub(crate) bytes_max: usize,
    /// Whether errors of the translation have details.
    pub(crate) explains: bool,
}

impl fmt::Debug for Wires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wires").finish_non_exhaustive()
    }
}

impl Wires {
    /// Translates the methods of the pool, with messages of at most so many bytes, before
    /// and after they are decompressed. Details of errors are also shown as JSON if the pool
    /// has their types.
    #[must_use]
    pub fn new(pool: DescriptorPool, bytes_max: usize) -> Self {
        let services = pool.services();
        let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
        let methods = methods.map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            (path, Method::new(&method))
        });
        Self {
            methods: methods.collect(),
            pool,
            bytes_max,
            explains: true,
        }
    }

    /// The same, but errors of the translation itself have no `ErrorInfo`.
    #[must_use]
    pub fn without_reasons(mut self) -> Self {
        self.explains = false;
        self
    }

    /// The method of a path such as `/addressbook.auth.v1.AuthService/LogIn`.
    pub(crate) fn method(&self, path: &str) -> Option<&Method> {
        self.methods.get(path)
    }
}

/// A method.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    pub(crate) input: MessageDescriptor,
    pub(crate) output: MessageDescriptor,
    pub(crate) client_streams: bool,
    pub(crate) server_streams: bool,
    /// Whether it can be called by GET.
    pub(crate) by_get: bool,
}

impl Method {
    fn new(method: &MethodDescriptor) -> Self {
        let options = method.method_descriptor_proto().options.as_ref();
        let only_reads = options
            .is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects);
        let input = method.input();
        let streams = method.is_client_streaming() || method.is_server_streaming();
        Self {
            // A URL is logged, and kept in histories and caches.
            by_get: only_reads && !streams && !input.fields().any(|field| is_secret(&field)),
            output: method.output(),
            client_streams: method.is_client_streaming(),
            server_streams: method.is_server_streaming(),
            input,
        }
    }

    pub(crate) fn streams(&self) -> bool {
        self.client_streams || self.server_streams
    }
}

/// Whether the proto marks a field with `debug_redact`.
fn is_secret(field: &FieldDescriptor) -> bool {
    let options = field.options();
    let mark = options.get_field_by_name("debug_redact");
    mark.is_some_and(|mark| mark.as_bool() == Some(true))
}
