//! What the protos say about fields (AIP-203) is what the service does with them.

use prost::Message;
use prost_reflect::{DescriptorPool, FieldDescriptor};
use testing::{Place, behaviors, places};
use tonic::Code;

use crate::app::App;
use crate::good_requests::good_requests;
use crate::refusal::fields;
use crate::wire;

/// One of several fields must be set, and the request sets this one.
const ONE_OF_SEVERAL: [(&str, &str); 3] = [
    ("PurgeContacts", "ids"),
    ("IgnoreDuplicate", "other_id"),
    ("ModifyLabelMembers", "remove_ids"),
];

/// The fields of both packages.
fn all_fields() -> Vec<FieldDescriptor> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let messages = pool.all_messages();
    let ours = messages.filter(|message| message.package_name().starts_with("addressbook."));
    ours.filter(|message| !message.is_map_entry())
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .collect()
}

/// The comment before a field.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_message().parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut locations = info.unwrap().location.iter();
    let found = locations.find(|location| location.path == field.path());
    found.unwrap().leading_comments().trim().to_owned()
}

/// The behaviors in the first sentence of a comment, as in "Required, immutable.".
fn said(comment: &str) -> Vec<String> {
    let (sentence, _) = comment.split_once('.').unwrap_or_default();
    let words = sentence
        .split(", ")
        .map(|word| word.to_uppercase().replace(' ', "_"));
    let known = ["REQUIRED", "OUTPUT_ONLY", "IDENTIFIER", "IMMUTABLE"];
    let words: Vec<_> = words.collect();
    if words.iter().all(|word| known.contains(&word.as_str())) {
        words
    } else {
        Vec::new()
    }
}

#[test]
fn comments_and_annotations_say_the_same_about_a_field() {
    let fields = all_fields();
    let mut annotated = 0;
    for field in &fields {
        let behaviors = behaviors(field);
        annotated += usize::from(!behaviors.is_empty());

        assert_eq!(said(&comment(field)), behaviors, "{}", field.full_name());
    }
    assert!(annotated > 100, "{annotated}");
}

/// Whether the field is a part of a date, which is refused as a whole.
fn is_of_date(place: &Place) -> bool {
    let message = place.field().parent_message();
    message.full_name() == "addressbook.contacts.v1.Date"
}

/// Whether a request without this field is to be refused.
fn is_needed(method: &str, place: &Place) -> bool {
    let is = |behavior: &str| behaviors(place.field()).iter().any(|word| word == behavior);
    if method.contains("Update") {
        // What cannot change need not be repeated, but an update names what it changes.
        (is("REQUIRED") && !is("IMMUTABLE")) || is("IDENTIFIER")
    } else {
        is("REQUIRED")
    }
}

#[tokio::test]
async fn a_request_without_a_required_field_is_refused_and_without_any_other_is_not() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);
    let (mut needed, mut wrong) = (0, Vec::new());

    for request in good_requests(&owner).await {
        let method = request.method.as_str();
        let places = places(&request.message).into_iter();
        for place in places.filter(|place| !is_of_date(place)) {
            let path = place.path();
            let message = place.unset(&request.message).encode_to_vec();
            let answer = wire::call(&app.channel, method, Some(&bearer), message).await;

            let refused = answer.err().filter(|it| it.code() == Code::InvalidArgument);
            let is_right = if is_needed(method, &place) {
                needed += 1;
                refused
                    .as_ref()
                    .is_some_and(|it| fields(it) == [path.as_str()])
            } else {
                refused.is_some() == ONE_OF_SEVERAL.contains(&(method, &path))
            };
            if !is_right {
                wrong.push(format!("{method} {path}: {refused:?}"));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(needed > 50, "{needed}");
}
