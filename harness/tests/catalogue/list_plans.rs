//! The plans of lists, whose statements are built at run time.

use std::collections::BTreeMap;

use chassis::user_id::UserId;
use contacts_service::contact::ContactId;
use contacts_service::model::filter::{Condition, Filter, Listed};
use contacts_service::model::order::Order;
use contacts_service::model::share::visible::View;
use contacts_service::store::filter::ids_statement;
use contacts_service::store::list::{ListCursor, Selection, SortKey, statement};
use uuid::Uuid;

/// The statements, by a name, with the plans meant.
pub(crate) fn list_plans() -> BTreeMap<String, (String, Vec<String>)> {
    let mut plans = BTreeMap::new();
    let mut add = |name: String, query: String, nodes: &[&str]| {
        let nodes = nodes.iter().map(|&node| node.to_owned()).collect();
        plans.insert(name, (query, nodes));
    };
    let every = Filter::All(Vec::new());
    for (order, nodes) in [
        ("family_name", &["owner_state_pkey", "contacts_family"][..]),
        ("given_name", &["owner_state_pkey", "contacts_given"]),
        ("display_name", &["owner_state_pkey", "contacts_display"]),
        ("create_time", &["owner_state_pkey", "contacts_create_time"]),
        // By id only within a version.
        (
            "update_time",
            &["owner_state_pkey", "Incremental Sort", "contacts_version"],
        ),
    ] {
        for order in [order.to_owned(), format!("{order} desc")] {
            for (after, size) in [(false, 50), (true, 50), (false, 500), (true, 500)] {
                let query = list(&order, after, &every, size + 1);
                add(format!("{size} by {order}, {after}"), query, nodes);
            }
        }
    }
    for order in ["delete_time", "delete_time desc"] {
        for after in [false, true] {
            // By id only among those deleted at one time.
            let nodes = ["Incremental Sort", "contacts_deleted"];
            let query = list(order, after, &every, 51);
            add(format!("deleted by {order}, {after}"), query, &nodes);
        }
    }
    let by_uid = Filter::Is(Condition::Uid(String::new()));
    // One contact is sorted.
    let nodes = [
        "owner_state_pkey",
        "Incremental Sort",
        "contacts_owner_id_uid_key",
    ];
    add(
        "list by uid".to_owned(),
        list("family_name", false, &by_uid, 51),
        &nodes,
    );
    let ids = |filter: &Filter| {
        let view = View::whole(UserId(Uuid::nil()));
        ids_statement(&view, filter).sql().as_str().to_owned()
    };
    add(
        "ids by uid".to_owned(),
        ids(&by_uid),
        &["contacts_owner_id_uid_key"],
    );
    let starred = Filter::Is(Condition::Starred(true));
    add(
        "ids of a filter".to_owned(),
        ids(&starred),
        &["contacts_pkey"],
    );
    plans
}

/// The statement of a page in an order, the first one or a later one.
fn list(order: &str, later: bool, filter: &Filter, limit: i64) -> String {
    let view = View::whole(UserId(Uuid::nil()));
    let is_of_deleted = order.starts_with("delete");
    let key = match order.split('_').next() {
        Some("create" | "delete") => SortKey::Time(chrono::DateTime::UNIX_EPOCH),
        Some("update") => SortKey::Version(1),
        _ => SortKey::Text(String::new()),
    };
    let id = ContactId(Uuid::nil());
    let (order, listed) = if is_of_deleted {
        (Order::parse_of_deleted(order), Listed::Deleted)
    } else {
        (Order::parse(order), Listed::Live)
    };
    let selection = Selection {
        order: order.unwrap(),
        filter,
        listed,
        counted: !is_of_deleted,
        after: later.then_some(ListCursor { key, id }),
    };
    let statement = statement(&view, &selection, limit);
    statement.sql().as_str().to_owned()
}
