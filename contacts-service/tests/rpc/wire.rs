//! Calls by method name and bytes, as a client in any language could send them.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::MethodDescriptor;
use testing::wire;
use tonic::Status;
use tonic::transport::Channel;

/// Every method of the package's services.
pub fn methods() -> Vec<MethodDescriptor> {
    wire::methods("addressbook.contacts.v1")
}

static METHODS: LazyLock<HashMap<String, MethodDescriptor>> = LazyLock::new(|| {
    let methods = methods().into_iter();
    methods
        .map(|method| (method.name().to_owned(), method))
        .collect()
});

/// Calls a method with a message of these bytes and this `authorization`; of a stream,
/// returns the first response.
pub async fn call(
    channel: &Channel,
    method: &str,
    authorization: Option<&str>,
    message: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    wire::call(channel, &METHODS[method], authorization, message).await
}
