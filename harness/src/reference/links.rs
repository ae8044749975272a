//! Where on which page a message or a method is.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor,
};

use super::examples::Example;

/// What the pages link to, and the examples that they show.
pub(super) struct Links<'a> {
    pub(super) pool: &'a DescriptorPool,
    pub(super) examples: &'a [Example],
    /// The methods by the names of their messages.
    methods: HashMap<String, MethodDescriptor>,
    /// The page that is written, such as `auth/account_service.md`.
    page: String,
}

impl<'a> Links<'a> {
    /// Links from the page of this file.
    pub(super) fn of(
        file: &FileDescriptor,
        pool: &'a DescriptorPool,
        examples: &'a [Example],
    ) -> Self {
        let mut methods = HashMap::new();
        for method in pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
        {
            for message in [method.input(), method.output()] {
                methods.insert(message.full_name().to_owned(), method.clone());
            }
        }
        Self {
            pool,
            examples,
            methods,
            page: page(file),
        }
    }

    /// Whether the message is described with its method.
    pub(super) fn is_of_method(&self, message: &MessageDescriptor) -> bool {
        self.methods.contains_key(message.full_name())
    }

    pub(super) fn to_message(&self, message: &MessageDescriptor) -> String {
        match self.methods.get(message.full_name()) {
            Some(method) => self.link(
                message.name(),
                &method.parent_service().parent_file(),
                method.name(),
            ),
            None if is_ours(&message.parent_file()) => {
                self.link(message.name(), &message.parent_file(), message.name())
            }
            None => message.full_name().to_owned(),
        }
    }

    pub(super) fn to_enum(&self, kind: &EnumDescriptor) -> String {
        self.link(kind.name(), &kind.parent_file(), kind.name())
    }

    pub(super) fn to_method(&self, method: &MethodDescriptor) -> String {
        self.link(
            method.name(),
            &method.parent_service().parent_file(),
            method.name(),
        )
    }

    fn link(&self, text: &str, file: &FileDescriptor, heading: &str) -> String {
        let page = page(file);
        let to = if page == self.page {
            String::new()
        } else {
            format!("../{page}")
        };
        format!("[{text}]({to}#{})", heading.to_lowercase())
    }
}

/// Whether the file is one of this project's.
pub(super) fn is_ours(file: &FileDescriptor) -> bool {
    file.name().starts_with("addressbook/")
}

/// Whether the file has a page of its own. The reasons are on a page with a text.
pub(super) fn has_page(file: &FileDescriptor) -> bool {
    is_ours(file) && file.package_name() != "addressbook.errors.v1"
}

/// `contacts/contact.md` for `addressbook/contacts/v1/contact.proto`.
pub(super) fn page(file: &FileDescriptor) -> String {
    let folder = file.name().split('/').nth(1).unwrap_or_default();
    format!("{folder}/{}.md", stem(file))
}

/// `contact` for `addressbook/contacts/v1/contact.proto`.
pub(super) fn stem(file: &FileDescriptor) -> String {
    let name = file.name().rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".proto").to_owned()
}
