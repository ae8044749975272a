//! Valid requests of the methods that return pages.

use prost::Message;
use proto::contacts::v1::{
    ListContactsRequest, ListDeletedContactsRequest, ListUpcomingBirthdaysRequest,
    SearchContactsRequest,
};

use crate::owner::field_mask;
use crate::sample::date;

pub fn list_bytes_of(method: &str) -> Option<Vec<u8>> {
    Some(match method {
        "ListContacts" => ListContactsRequest {
            order_by: "given_name desc".into(),
            filter: "labels:\"x\" AND starred=true".into(),
            read_mask: Some(field_mask(&["notes"])),
            default_region: "DE".into(),
            ..ListContactsRequest::default()
        }
        .encode_to_vec(),
        "ListDeletedContacts" => ListDeletedContactsRequest {
            order_by: "delete_time".into(),
            filter: "-labels:\"x\" OR starred=true".into(),
            read_mask: Some(field_mask(&["notes"])),
            default_region: "DE".into(),
            ..ListDeletedContactsRequest::default()
        }
        .encode_to_vec(),
        "SearchContacts" => SearchContactsRequest {
            query: "ada love 12".into(),
            fields: vec![1, 3, 4],
            filter: "has:email AND -labels:\"x\"".into(),
            read_mask: Some(field_mask(&["notes"])),
            default_region: "DE".into(),
            ..SearchContactsRequest::default()
        }
        .encode_to_vec(),
        "ListUpcomingBirthdays" => ListUpcomingBirthdaysRequest {
            within_days: Some(30),
            time_zone: "Europe/Kyiv".into(),
            from_date: Some(date(2024, 2, 1)),
            ..ListUpcomingBirthdaysRequest::default()
        }
        .encode_to_vec(),
        _ => return None,
    })
}
