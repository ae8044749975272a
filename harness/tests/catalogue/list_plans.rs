//! The plans of lists, whose statements are built at run time.

use std::collections::BTreeMap;

use chassis::user_id::UserId;
use contacts_service::contact::ContactId;
use contacts_service::model::filter::{Condition, Filter, Listed};
use contacts_service::model::order::Order;
use contacts_service::model::share::books::Books;
use contacts_service::model::share::visible::View;
use contacts_service::store::exports::select_statement;
use contacts_service::store::filter::ids_statement;
use contacts_service::store::list::{ListCursor, Selection, SortKey, statement};
use contacts_service::store::list_all::{self, AllCursor};
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
    add_all_owners(&mut add);
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
    add_exports(&mut add);
    let starred = Filter::Is(Condition::Starred(true));
    add(
        "ids of a filter".to_owned(),
        ids(&starred),
        &["contacts_pkey"],
    );
    plans
}

/// The contacts of an export.
fn add_exports(add: &mut impl FnMut(String, String, &[&str])) {
    let every = Filter::All(Vec::new());
    let by_uid = Filter::Is(Condition::Uid(String::new()));
    for (name, filter, listed, index) in [
        ("export", &every, Listed::Live, "contacts_pkey"),
        ("export of all", &every, Listed::Both, "contacts_pkey"),
        (
            "export by uid",
            &by_uid,
            Listed::Live,
            "contacts_owner_id_uid_key",
        ),
    ] {
        let view = View::whole(UserId(Uuid::nil()));
        let statement = select_statement(&view, filter, listed);
        add(
            name.to_owned(),
            statement.sql().as_str().to_owned(),
            &[index],
        );
    }
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

/// The same of all owners' contacts: an index for each owner, and one sort of a page.
fn add_all_owners(add: &mut impl FnMut(String, String, &[&str])) {
    let every = Filter::All(Vec::new());
    for (order, nodes) in [
        ("family_name", &["Sort", "contacts_family"][..]),
        ("given_name", &["Sort", "contacts_given"]),
        ("display_name", &["Sort", "contacts_display"]),
        ("create_time", &["Sort", "contacts_create_time"]),
        (
            "update_time",
            &["Sort", "Incremental Sort", "contacts_version"],
        ),
    ] {
        for order in [order.to_owned(), format!("{order} desc")] {
            for (after, size) in [(false, 50), (true, 50), (false, 500), (true, 500)] {
                for listed in [Listed::Live, Listed::Both] {
                    let query = list_all(&order, after, &every, listed, size + 1);
                    let name = format!("{size} of all by {order}, {after}, {listed:?}");
                    let counted = (listed == Listed::Live).then_some("owner_state_pkey");
                    let nodes: Vec<_> = counted.iter().chain(nodes).copied().collect();
                    add(name, query, &nodes);
                }
            }
        }
    }
    let by_uid = Filter::Is(Condition::Uid(String::new()));
    let nodes = [
        "owner_state_pkey",
        "Sort",
        "Incremental Sort",
        "contacts_owner_id_uid_key",
    ];
    let query = list_all("family_name", false, &by_uid, Listed::Live, 51);
    add("all by uid".to_owned(), query, &nodes);
}

fn list_all(order: &str, later: bool, filter: &Filter, listed: Listed, limit: i64) -> String {
    let owner = UserId(Uuid::nil());
    let key = match order.split('_').next() {
        Some("create") => SortKey::Time(chrono::DateTime::UNIX_EPOCH),
        _ => SortKey::Text(String::new()),
    };
    let after = if order.starts_with("update") {
        AllCursor::AfterEach(Vec::new())
    } else {
        let id = ContactId(Uuid::nil());
        AllCursor::After(ListCursor { key, id }, owner)
    };
    let selection = Selection {
        order: Order::parse(order).unwrap(),
        filter,
        listed,
        counted: listed == Listed::Live,
        after: later.then_some(after),
    };
    let books = Books::of(owner, &[]).unwrap();
    let statement = list_all::statement(&books, &selection, limit);
    statement.sql().as_str().to_owned()
}
