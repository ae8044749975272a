//! A valid request of every method, and every string in it, found by reflection, so that
//! added fields are tested automatically.

use prost::Message;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};
use proto::contacts::v1::{
    BatchCreateContactsRequest, BatchDeleteContactsRequest, BatchGetContactsRequest,
    BatchUpdateContactsRequest, Contact, CreateContactRequest, CreateLabelRequest,
    CreateShareRequest, DeleteContactRequest, DeleteLabelRequest, DeleteShareRequest,
    FindDuplicatesRequest, GetContactRequest, GetLabelRequest, IgnoreDuplicateRequest,
    ImportColumn, ImportFormat, ImportHeader, Label, ListContactRevisionsRequest,
    ListLabelsRequest, MergeContactsRequest, ModifyLabelMembersRequest, PurgeContactsRequest,
    RestoreContactRequest, Share, ShareRole, UndeleteContactRequest, UnmergeContactsRequest,
    UpdateContactRequest, UpdateLabelRequest, UpdateShareRequest,
};
use uuid::Uuid;

use crate::good_lists::list_bytes_of;
use crate::owner::{Owner, field_mask};
use crate::owner_imports::import_message;
use crate::owner_photos::photo_bytes_of;
use crate::owner_settings::settings_bytes_of;
use crate::owner_shares::sharing;
use crate::photo_files::jpeg;
use crate::sample::{ada, full};
use crate::wire;

/// A request of one method.
pub struct GoodRequest {
    pub method: String,
    pub message: DynamicMessage,
}

/// A valid request of every method, for this owner.
pub async fn good_requests(owner: &Owner) -> Vec<GoodRequest> {
    let id = owner.has(ada()).await.id;
    let deleted = owner.has_deleted(ada()).await.id;
    let gone = owner.has_deleted(ada()).await.id;
    // No other request changes it, so its revision is kept.
    let restored = owner.has(ada()).await;
    let label = format!("Good {}", Uuid::now_v7());
    let label = owner.create_label(&label).await.unwrap();
    let pair = Pair {
        ids: [owner.has(ada()).await.id, owner.has(ada()).await.id],
        merge: merge(owner).await,
    };
    let email = format!("{}@example.com", Uuid::now_v7());
    let share = owner
        .offer(sharing(&email, ShareRole::Reader))
        .await
        .unwrap();
    let photographed = owner.has(ada()).await.id;
    owner.set_photo(&photographed, &jpeg(1)).await.unwrap();
    let mut requests = Vec::new();
    // A stream of requests has tests of its own.
    let methods = wire::methods().into_iter();
    for method in methods.filter(|method| !method.is_client_streaming()) {
        let bytes = history_bytes_of(method.name(), &restored)
            .or_else(|| list_bytes_of(method.name()))
            .or_else(|| feed_bytes_of(method.name(), &gone))
            .or_else(|| label_bytes_of(method.name(), &label, &restored.id))
            .or_else(|| pair_bytes_of(method.name(), &pair))
            .or_else(|| share_bytes_of(method.name(), &share))
            .or_else(|| deleted_bytes_of(method.name(), &deleted))
            .or_else(|| settings_bytes_of(method.name()))
            .or_else(|| photo_bytes_of(method.name(), &photographed))
            .unwrap_or_else(|| bytes_of(method.name(), &id));
        let message = DynamicMessage::decode(method.input(), &*bytes).unwrap();
        let method = method.name().into();
        requests.push(GoodRequest { method, message });
    }
    requests
}

fn bytes_of(method: &str, id: &str) -> Vec<u8> {
    let id = id.to_owned();
    let contact = Contact {
        uid: String::new(),
        ..full()
    };
    match method {
        "CreateContact" => CreateContactRequest {
            contact: Some(contact),
            default_region: "GB".into(),
            ..CreateContactRequest::default()
        }
        .encode_to_vec(),
        "BatchCreateContacts" => BatchCreateContactsRequest {
            requests: vec![CreateContactRequest {
                contact: Some(contact),
                default_region: "GB".into(),
                ..CreateContactRequest::default()
            }],
            ..BatchCreateContactsRequest::default()
        }
        .encode_to_vec(),
        "GetContact" => GetContactRequest {
            id,
            read_mask: Some(field_mask(&["notes"])),
            ..GetContactRequest::default()
        }
        .encode_to_vec(),
        "BatchGetContacts" => BatchGetContactsRequest {
            ids: vec![id],
            allow_missing: true,
            ..BatchGetContactsRequest::default()
        }
        .encode_to_vec(),
        "UpdateContact" => update(id, contact).encode_to_vec(),
        "BatchUpdateContacts" => BatchUpdateContactsRequest {
            requests: vec![update(id, contact)],
            ..BatchUpdateContactsRequest::default()
        }
        .encode_to_vec(),
        other => panic!("{other} needs a good request here"),
    }
}

fn deleted_bytes_of(method: &str, deleted: &str) -> Option<Vec<u8>> {
    let bytes = match method {
        "DeleteContact" => delete(deleted).encode_to_vec(),
        "BatchDeleteContacts" => BatchDeleteContactsRequest {
            requests: vec![delete(deleted)],
            ..BatchDeleteContactsRequest::default()
        }
        .encode_to_vec(),
        "UndeleteContact" => UndeleteContactRequest {
            id: deleted.into(),
            ..UndeleteContactRequest::default()
        }
        .encode_to_vec(),
        _ => return None,
    };
    Some(bytes)
}

fn history_bytes_of(method: &str, contact: &Contact) -> Option<Vec<u8>> {
    let id = contact.id.clone();
    let bytes = match method {
        "ListContactRevisions" => ListContactRevisionsRequest {
            id,
            ..ListContactRevisionsRequest::default()
        }
        .encode_to_vec(),
        "RestoreContact" => RestoreContactRequest {
            id,
            revision_id: contact.version.to_string(),
            ..RestoreContactRequest::default()
        }
        .encode_to_vec(),
        _ => return None,
    };
    Some(bytes)
}

fn feed_bytes_of(method: &str, gone: &str) -> Option<Vec<u8>> {
    let bytes = match method {
        "PurgeContacts" => PurgeContactsRequest {
            ids: vec![gone.into()],
            all_deleted: false,
            ..PurgeContactsRequest::default()
        }
        .encode_to_vec(),
        "SyncContacts" | "WatchContacts" | "ExportContacts" | "GetContactStats" => Vec::new(),
        "ImportContacts" => import_message(ImportHeader {
            format: ImportFormat::JsonLines.into(),
            columns: vec![ImportColumn::default()],
            ..ImportHeader::default()
        })
        .encode_to_vec(),
        _ => return None,
    };
    Some(bytes)
}

fn label_bytes_of(method: &str, label: &Label, contact: &str) -> Option<Vec<u8>> {
    let id = label.id.clone();
    let bytes = match method {
        "CreateLabel" => CreateLabelRequest {
            label: Some(Label {
                name: format!("New {}", Uuid::now_v7()),
                ..Label::default()
            }),
            validate_only: true,
            ..CreateLabelRequest::default()
        }
        .encode_to_vec(),
        "GetLabel" => GetLabelRequest {
            id,
            ..GetLabelRequest::default()
        }
        .encode_to_vec(),
        "ListLabels" => ListLabelsRequest::default().encode_to_vec(),
        "UpdateLabel" => UpdateLabelRequest {
            label: Some(Label {
                id,
                name: label.name.clone(),
                ..Label::default()
            }),
            update_mask: Some(field_mask(&["name"])),
            ..UpdateLabelRequest::default()
        }
        .encode_to_vec(),
        "DeleteLabel" => DeleteLabelRequest {
            id: Uuid::now_v7().into(),
            allow_missing: true,
            ..DeleteLabelRequest::default()
        }
        .encode_to_vec(),
        "ModifyLabelMembers" => ModifyLabelMembersRequest {
            id,
            // The contact never has it, so no write affects the others.
            add_ids: vec![],
            remove_ids: vec![contact.into()],
            ..ModifyLabelMembersRequest::default()
        }
        .encode_to_vec(),
        _ => return None,
    };
    Some(bytes)
}

/// Two contacts, and the merge of two others.
struct Pair {
    ids: [String; 2],
    merge: String,
}

async fn merge(owner: &Owner) -> String {
    let [primary, other] = [owner.has(ada()).await, owner.has(ada()).await];
    owner.merge(&primary, &[&other]).await.unwrap().1
}

fn pair_bytes_of(method: &str, pair: &Pair) -> Option<Vec<u8>> {
    let [id, other_id] = pair.ids.clone();
    let bytes = match method {
        "FindDuplicates" => FindDuplicatesRequest::default().encode_to_vec(),
        "ListIgnoredDuplicates" => Vec::new(),
        // Both have the same fields.
        "IgnoreDuplicate" | "UnignoreDuplicate" => IgnoreDuplicateRequest {
            id,
            other_id,
            ..IgnoreDuplicateRequest::default()
        }
        .encode_to_vec(),
        // Only validated, so that it can be sent repeatedly.
        "MergeContacts" => MergeContactsRequest {
            primary_id: id,
            other_ids: vec![other_id],
            validate_only: true,
            ..MergeContactsRequest::default()
        }
        .encode_to_vec(),
        "UnmergeContacts" => UnmergeContactsRequest {
            merge_id: pair.merge.clone(),
            ..UnmergeContactsRequest::default()
        }
        .encode_to_vec(),
        _ => return None,
    };
    Some(bytes)
}

fn share_bytes_of(method: &str, share: &Share) -> Option<Vec<u8>> {
    let bytes = match method {
        "CreateShare" => CreateShareRequest {
            share: Some(sharing("new@example.com", ShareRole::Editor)),
            validate_only: true,
        }
        .encode_to_vec(),
        "ListShares" | "ListSharedWithMe" => Vec::new(),
        "UpdateShare" => UpdateShareRequest {
            share: Some(share.clone()),
            update_mask: Some(field_mask(&["role"])),
            ..UpdateShareRequest::default()
        }
        .encode_to_vec(),
        "DeleteShare" => DeleteShareRequest {
            id: Uuid::now_v7().into(),
            allow_missing: true,
            ..DeleteShareRequest::default()
        }
        .encode_to_vec(),
        _ => return None,
    };
    Some(bytes)
}

fn update(id: String, contact: Contact) -> UpdateContactRequest {
    UpdateContactRequest {
        contact: Some(Contact { id, ..contact }),
        update_mask: Some(field_mask(&["*"])),
        ..UpdateContactRequest::default()
    }
}

fn delete(deleted: &str) -> DeleteContactRequest {
    DeleteContactRequest {
        id: deleted.into(),
        allow_missing: true,
        ..DeleteContactRequest::default()
    }
}

/// The position of a string in a message.
#[derive(Clone)]
pub struct StringField(Vec<FieldDescriptor>);

impl StringField {
    /// Its path as in `BadRequest`: that of its mask, or of the map if it is a key.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for field in &self.0 {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(field.name());
            let mask = field.kind().as_message().map(MessageDescriptor::full_name)
                == Some("google.protobuf.FieldMask");
            if mask {
                return path;
            }
            if field.is_map() {
                let value = self.0.last().map(FieldDescriptor::name) == Some("value");
                path.push_str(if value { "[\"key\"]" } else { "" });
                return path;
            }
            if field.is_list() {
                path.push_str("[0]");
            }
        }
        path
    }

    /// The message with this text there.
    pub fn set(&self, message: &DynamicMessage, text: &str) -> DynamicMessage {
        let mut changed = message.clone();
        set(&mut changed, &self.0, text);
        changed
    }
}

/// Every string of a message, nested ones included.
pub fn string_fields(message: &DynamicMessage) -> Vec<StringField> {
    let mut fields = Vec::new();
    collect(&message.descriptor(), &mut Vec::new(), &mut fields);
    fields
}

fn collect(
    message: &MessageDescriptor,
    path: &mut Vec<FieldDescriptor>,
    found: &mut Vec<StringField>,
) {
    for field in message.fields() {
        path.push(field.clone());
        match field.kind() {
            Kind::String => found.push(StringField(path.clone())),
            Kind::Message(inner) => collect(&inner, path, found),
            _ => {}
        }
        path.pop();
    }
}

fn set(message: &mut DynamicMessage, path: &[FieldDescriptor], text: &str) {
    let (field, rest) = path.split_first().unwrap();
    let text_value = Value::String(text.to_owned());
    if field.is_map() {
        let (key, value) = match rest[0].name() {
            "key" => (text, Value::String("value".into())),
            _ => ("key", text_value),
        };
        let map = [(MapKey::String(key.into()), value)];
        message.set_field(field, Value::Map(map.into()));
    } else if rest.is_empty() {
        let value = if field.is_list() {
            Value::List(vec![text_value])
        } else {
            text_value
        };
        message.set_field(field, value);
    } else {
        let inner = message.get_field_mut(field);
        match inner {
            Value::List(list) => set(list[0].as_message_mut().unwrap(), rest, text),
            inner => set(inner.as_message_mut().unwrap(), rest, text),
        }
    }
}
