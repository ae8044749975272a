//! The conditions of a filter: a field, an operator and a value.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use proto::contacts::v1::SearchField;

use super::parse::Value;
use super::{Comparison, Condition, Filter, Listed, Part, Scope, Time};
use crate::contact::body::parse_uid;
use crate::contact::domain::with_ascii_domain;
use crate::contact::fold::{digits, fold};
use crate::contact::identity::{identity, label_key};
use crate::contact::phone::{DefaultRegion, dialled};
use crate::model::query::pasted::{bare_address, plain};

/// Longer ones first.
pub(super) const OPERATORS: [&str; 7] = [">=", "<=", "!=", ">", "<", "=", ":"];

/// Why a condition is refused.
type Problem = String;

/// A condition, or what is wrong with it.
pub(super) fn condition(
    name: &str,
    operator: &str,
    value: &Value,
    scope: Scope,
) -> Result<Filter, Problem> {
    let takes: &[&str] = match name {
        "labels" | "organization" | "has" => &[":"],
        "starred" | "email" | "phone" | "uid" => &["=", "!="],
        "create_time" | "update_time" | "delete_time" => &[">", ">=", "<", "<=", "=", "!="],
        _ => {
            return Err(format!(
                "has an unknown field {name:?}; the fields are labels, starred, email, phone, \
                 organization, uid, has, create_time, update_time and delete_time"
            ));
        }
    };
    if !takes.contains(&operator) {
        let takes = takes.join(" ");
        return Err(format!(
            "compares {name} with {operator}, but it only takes {takes}"
        ));
    }
    let text = &*value.text;
    let condition = match name {
        "labels" if text == "*" && !value.is_quoted => Condition::Has(Part::Label),
        "labels" => Condition::Label(not_empty(name, label_key(text))?),
        "organization" => Condition::Organization(not_empty(name, fold(text))?),
        "has" => Condition::Has(part(text)?),
        "starred" => Condition::Starred(boolean(text)?),
        "email" => Condition::Email(not_empty(name, addresses(text))?),
        "phone" => Condition::Phone(not_empty(name, numbers(text, scope.region))?),
        "uid" => Condition::Uid(uid(text)?),
        _ => time_condition(name, operator, text, scope.listed)?,
    };
    let is = Filter::Is(condition);
    Ok(match operator {
        "!=" => Filter::Not(Box::new(is)),
        _ => is,
    })
}

fn not_empty<T: Default + PartialEq>(name: &str, value: T) -> Result<T, Problem> {
    let value = Some(value).filter(|value| *value != T::default());
    value.ok_or_else(|| format!("compares {name} with nothing"))
}

/// The keys of an e-mail address as it is typed, and without what is pasted with it; with
/// its domain as it is displayed and as it is sent.
fn addresses(text: &str) -> Vec<String> {
    let plain = plain(text);
    let bare = bare_address(&plain).to_owned();
    let sent = with_ascii_domain(&bare);
    let keys = [text.to_owned(), bare].into_iter().chain(sent);
    distinct(keys.map(|address| identity(&address)))
}

/// The digits of a phone number without what is pasted with it, and of the number that is
/// dialled.
fn numbers(text: &str, region: DefaultRegion) -> Vec<String> {
    let plain = plain(text);
    distinct([digits(&plain)].into_iter().chain(dialled(&plain, region)))
}

/// Without empty ones.
fn distinct(keys: impl Iterator<Item = String>) -> Vec<String> {
    let keys: BTreeSet<String> = keys.filter(|key| !key.is_empty()).collect();
    keys.into_iter().collect()
}

fn boolean(text: &str) -> Result<bool, Problem> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("compares starred with a value other than true or false".to_owned()),
    }
}

/// A uid, as it is stored.
fn uid(text: &str) -> Result<String, Problem> {
    let uid = parse_uid("filter", text).map_err(|_| "has a uid that no contact can have")?;
    not_empty("uid", uid.unwrap_or_default())
}

const PARTS: [(&str, Part); 14] = [
    ("nickname", Part::Searched(SearchField::Nickname)),
    ("email", Part::Email),
    ("phone", Part::Searched(SearchField::Phone)),
    ("organization", Part::Searched(SearchField::Organization)),
    ("birthday", Part::Birthday),
    ("label", Part::Label),
    ("address", Part::Searched(SearchField::Address)),
    ("url", Part::Searched(SearchField::Url)),
    ("impp", Part::Searched(SearchField::Impp)),
    ("relation", Part::Searched(SearchField::Relation)),
    ("event", Part::Searched(SearchField::Event)),
    ("custom_field", Part::Searched(SearchField::CustomField)),
    ("notes", Part::Searched(SearchField::Notes)),
    ("photo", Part::Photo),
];

fn part(text: &str) -> Result<Part, Problem> {
    let found = PARTS.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, part)| part).ok_or_else(|| {
        let names = PARTS.map(|(name, _)| name).join(", ");
        format!("has an unknown part {text:?} after has; the parts are {names}")
    })
}

fn time_condition(
    name: &str,
    operator: &str,
    text: &str,
    listed: Listed,
) -> Result<Condition, Problem> {
    let time = match name {
        "create_time" => Time::Create,
        "update_time" => Time::Update,
        _ if listed == Listed::Live => {
            return Err("compares delete_time where no deleted contact is listed".to_owned());
        }
        _ => Time::Delete,
    };
    let comparison = match operator {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">=" => Comparison::GreaterOrEqual,
        ">" => Comparison::Greater,
        _ => Comparison::Equal,
    };
    let other = DateTime::parse_from_rfc3339(text).map_err(|_| {
        format!("compares {name} with {text:?}, which is not a time like 2026-01-31T00:00:00Z")
    })?;
    Ok(Condition::Time(time, comparison, other.with_timezone(&Utc)))
}
