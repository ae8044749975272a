//! Every RPC of the contacts service over a real socket and a real database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]
#![allow(
    unreachable_pub,
    reason = "a test binary exports nothing; `pub` tells what other files use"
)]

mod accounts;
mod all_owners_world;
mod app;
mod good_lists;
mod good_requests;
mod ignored_duplicates;
mod issuer;
mod mirror;
mod owner;
mod owner_changes;
mod owner_exports;
mod owner_imports;
mod owner_labels;
mod owner_merges;
mod owner_photos;
mod owner_settings;
mod owner_shares;
mod photo_files;
mod refusal;
mod sample;
mod search_reference;
mod teller;
mod wire;

mod access;
mod all_owners;
mod all_owners_calls;
mod all_owners_search;
mod all_owners_shares;
mod batch_create;
mod batch_delete;
mod batch_get;
mod batch_races;
mod batch_update;
mod birthdays;
mod birthdays_window;
mod create;
mod default_region;
mod delete;
mod duplicate_pairs;
mod duplicates;
mod duplicates_crowd;
mod export;
mod export_snapshot;
mod fair;
mod filter_logic;
mod formatted_name;
mod get;
mod gone_owners;
mod heavy_pages;
mod hostile_bytes;
mod hostile_text;
mod import;
mod import_again;
mod import_jscontact;
mod import_shares;
mod import_tables;
mod label_names;
mod label_races;
mod label_renames;
mod label_spelling;
mod labels;
mod levels;
mod limits;
mod list_filter;
mod list_order;
mod list_paging;
mod long_writes;
mod merge;
mod merge_model;
mod merge_races;
mod names;
mod opening;
mod page_tokens;
mod partial_dates;
mod pasted;
mod phone_forms;
mod phones;
mod photo;
mod photo_life;
mod photo_refusals;
mod photo_shares;
mod purge;
mod purge_contacts;
mod quota;
mod random_sync;
mod rate_limits;
mod read_masks;
mod rebuild;
mod repeats;
mod replicas;
mod request_id;
mod restore;
mod revision_bytes;
mod revision_writers;
mod revisions;
mod revisions_model;
mod search;
mod search_copies;
mod search_differential;
mod search_fields;
mod search_filter;
mod search_rank;
mod settings;
mod settings_region;
mod share_offers;
mod shared_access;
mod shared_end;
mod shared_figures;
mod shared_hidden;
mod shared_label;
mod shared_label_writes;
mod shared_since;
mod shared_trash;
mod shares;
mod spellings;
mod stats;
mod strangers;
mod sync;
mod sync_expiry;
mod sync_labels;
mod sync_races;
mod trash;
mod uids;
mod undelete;
mod unmerge;
mod upcoming;
mod upcoming_window;
mod update;
mod upsert;
mod versions;
mod wakes;
mod watch;
mod watch_end;
mod watch_replicas;
