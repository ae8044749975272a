//! `GetContact`.

use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, full};

#[tokio::test]
async fn an_owner_reads_the_own_contact() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;

    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
    let shouted = stored.id.to_uppercase();
    assert_eq!(owner.get(&shouted).await.unwrap(), stored);
}

#[tokio::test]
async fn an_id_of_no_contact_is_not_found() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(ada()).await;

    for id in [Uuid::now_v7(), Uuid::nil(), Uuid::max()] {
        let answer = owner.get(&id.to_string()).await;
        assert_refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
    }
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let id = owner.has(ada()).await.id;
    let forms = [
        String::new(),
        "1".into(),
        id.replace('-', ""),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!(" {id}"),
        format!("{}\0", &id[..35]),
        "é".repeat(18),
    ];

    for form in forms {
        let answer = owner.get(&form).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "ID_INVALID");
        assert_bad_fields(answer, &["id"]);
    }
}

#[tokio::test]
async fn a_read_mask_leaves_its_fields_with_id_and_etag() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;

    let picked = owner
        .get_masked(&stored.id, Some(&["emails", "display_name", "emails"]))
        .await
        .unwrap();

    let expected = proto::contacts::v1::Contact {
        id: stored.id.clone(),
        etag: stored.etag.clone(),
        emails: stored.emails.clone(),
        display_name: stored.display_name.clone(),
        ..Default::default()
    };
    assert_eq!(picked, expected);
    for all in [&[][..], &["*"]] {
        assert_eq!(
            owner.get_masked(&stored.id, Some(all)).await.unwrap(),
            stored
        );
    }
}

#[tokio::test]
async fn a_read_mask_that_names_every_field_leaves_all() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let pool = prost_reflect::DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let message = pool.get_message_by_name("addressbook.contacts.v1.Contact");
    let fields: Vec<_> = message.unwrap().fields().collect();
    let names: Vec<_> = fields
        .iter()
        .map(prost_reflect::FieldDescriptor::name)
        .collect();

    let picked = owner.get_masked(&stored.id, Some(&names)).await.unwrap();

    assert_eq!(picked, stored);
}

#[tokio::test]
async fn a_read_mask_of_something_else_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let id = owner.has(ada()).await.id;

    for path in [
        "",
        "name",
        "emails.address",
        "Notes",
        "contact.notes",
        "a\0b",
    ] {
        let answer = owner.get_masked(&id, Some(&["notes", path])).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "READ_MASK_INVALID");
        assert_bad_fields(answer, &["read_mask"]);
    }
}
