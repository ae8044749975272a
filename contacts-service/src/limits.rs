//! The default rate limits.

use chassis::access::rate::Rate;
use chassis::access::rate_limits::{CheckedAt, Group};

/// The groups of RPCs. Without limits per address, because every call has a user, and a
/// program may call for many users from one machine.
pub const GROUPS: [Group; 5] = [
    // Each of these reads the whole address book.
    Group {
        name: "whole_book",
        rpcs: &[
            "ContactsService/FindDuplicates",
            "ContactsService/ExportContacts",
        ],
        ip: None,
        user: Some(Rate::per_minute(60)),
        checked_at: CheckedAt::Layer,
    },
    // Most of these call the auth service.
    Group {
        name: "share",
        rpcs: &["SharesService/*"],
        ip: None,
        user: Some(Rate::per_minute(60)),
        checked_at: CheckedAt::Layer,
    },
    // Each of these decodes an image.
    Group {
        name: "photo",
        rpcs: &["ContactsService/SetPhoto"],
        ip: None,
        user: Some(Rate::per_second(10)),
        checked_at: CheckedAt::Layer,
    },
    Group {
        name: "read",
        rpcs: &[
            "ContactsService/GetContact",
            "ContactsService/BatchGetContacts",
            "ContactsService/ListContacts",
            "ContactsService/ListDeletedContacts",
            "ContactsService/ListContactRevisions",
            "ContactsService/SearchContacts",
            "ContactsService/ListUpcomingBirthdays",
            "ContactsService/SyncContacts",
            "ContactsService/WatchContacts",
            "ContactsService/GetPhoto",
            "ContactsService/GetContactStats",
            "ContactsService/GetSettings",
            "ContactsService/ListIgnoredDuplicates",
            "LabelsService/GetLabel",
            "LabelsService/ListLabels",
        ],
        ip: None,
        user: Some(Rate::per_second(300)),
        checked_at: CheckedAt::Layer,
    },
    Group {
        name: "write",
        rpcs: &["ContactsService/*", "LabelsService/*"],
        ip: None,
        user: Some(Rate::per_second(100)),
        checked_at: CheckedAt::Layer,
    },
];
