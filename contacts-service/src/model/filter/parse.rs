//! Reads a filter from left to right. As in AIP-160, OR binds more tightly than AND.

use super::condition::{OPERATORS, condition};
use super::{Filter, Scope};
use crate::error::{Error, Result};

/// The longest filter, in characters.
const CHARS_MAX: usize = 1000;
/// The maximum number of conditions.
const CONDITIONS_MAX: usize = 32;
/// How deep parentheses may be in each other.
const DEPTH_MAX: usize = 8;

/// Parses a filter; an empty one selects every contact.
pub fn parse(text: &str, scope: Scope) -> Result<Filter> {
    if text.chars().count() > CHARS_MAX {
        return Err(invalid("is longer than 1000 characters"));
    }
    let mut parser = Parser {
        text,
        at: 0,
        scope,
        depth: 0,
        conditions: 0,
    };
    parser.skip_spaces();
    if parser.rest().is_empty() {
        return Ok(Filter::All(Vec::new()));
    }
    let filter = parser.conjunction()?;
    if parser.rest().starts_with(')') {
        return Err(parser.refuse("has a ) without a ("));
    }
    if !parser.rest().is_empty() {
        return Err(parser.refuse("has neither AND nor OR between two conditions"));
    }
    Ok(filter)
}

struct Parser<'a> {
    text: &'a str,
    /// The position of what was not read yet, in bytes.
    at: usize,
    scope: Scope,
    /// The number of open parentheses.
    depth: usize,
    /// The number of conditions so far.
    conditions: usize,
}

impl<'a> Parser<'a> {
    /// Factors joined with AND.
    fn conjunction(&mut self) -> Result<Filter> {
        let mut parts = vec![self.disjunction()?];
        while self.takes_word("AND") {
            parts.push(self.disjunction()?);
        }
        Ok(joined(parts, Filter::All))
    }

    /// Terms joined with OR.
    fn disjunction(&mut self) -> Result<Filter> {
        let mut parts = vec![self.term()?];
        while self.takes_word("OR") {
            parts.push(self.term()?);
        }
        Ok(joined(parts, Filter::Any))
    }

    /// A condition or a filter in parentheses, or what does not meet it.
    fn term(&mut self) -> Result<Filter> {
        if self.takes_word("NOT") || self.takes("-") {
            return Ok(Filter::Not(Box::new(self.simple()?)));
        }
        self.simple()
    }

    fn simple(&mut self) -> Result<Filter> {
        if !self.takes("(") {
            return self.restriction();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.refuse("has more than 8 parentheses in each other"));
        }
        let inner = self.conjunction()?;
        if !self.takes(")") {
            return Err(self.refuse(match self.rest() {
                "" => "has a ( without a )",
                _ => "has neither AND nor OR between two conditions",
            }));
        }
        self.depth -= 1;
        Ok(inner)
    }

    /// A field, an operator and a value.
    fn restriction(&mut self) -> Result<Filter> {
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return Err(self.refuse("has more than 32 conditions"));
        }
        let start = self.at;
        let name_end = |c: char| c.is_whitespace() || "()\"=:<>!".contains(c);
        let name = self.take_until(name_end);
        if name.is_empty() {
            return Err(self.refuse("lacks a condition"));
        }
        self.skip_spaces();
        let operator = OPERATORS.into_iter().find(|operator| self.takes(operator));
        let Some(operator) = operator else {
            return Err(self.refuse("has a field without an operator such as : or ="));
        };
        let value = self.value()?;
        self.skip_spaces();
        condition(name, operator, &value, self.scope).map_err(|problem| {
            self.at = start;
            self.refuse(&problem)
        })
    }

    /// A word, or a quoted text in which `\` escapes a quote or itself.
    fn value(&mut self) -> Result<Value> {
        if !self.rest().starts_with('"') {
            // A number may have parentheses of its own.
            let (mut open, is_inside) = (0, self.depth > 0);
            let word = self.take_until(|c| {
                open += i32::from(c == '(') - i32::from(c == ')');
                c.is_whitespace() || (is_inside && open < 0)
            });
            if word.is_empty() {
                return Err(self.refuse("has a condition without a value"));
            }
            return Ok(Value {
                text: word.to_owned(),
                is_quoted: false,
            });
        }
        let quoted = &self.rest()[1..];
        let mut text = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 2;
                    let is_quoted = true;
                    return Ok(Value { text, is_quoted });
                }
                '\\' => {
                    let escaped = chars.next().map(|(_, escaped)| escaped);
                    let Some(escaped @ ('"' | '\\')) = escaped else {
                        self.at += at + 1;
                        return Err(self.refuse("has a \\ before something else than \" or \\"));
                    };
                    text.push(escaped);
                }
                _ => text.push(c),
            }
        }
        Err(self.refuse("has an unclosed quote"))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take_until(&mut self, is_end: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Reads a sign and the spaces after it, if it is the next one.
    fn takes(&mut self, sign: &str) -> bool {
        let is_next = self.rest().starts_with(sign);
        if is_next {
            self.at += sign.len();
            self.skip_spaces();
        }
        is_next
    }

    /// The same for a word, which a space, a parenthesis or nothing follows.
    fn takes_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        let ends = |after: &str| after.is_empty() || after.starts_with(is_word_end);
        after.is_some_and(ends) && self.takes(word)
    }

    /// The error of what comes next.
    fn refuse(&self, problem: &str) -> Error {
        let place = self.text[..self.at].chars().count() + 1;
        invalid(&format!("{problem}, at character {place}"))
    }
}

fn is_word_end(c: char) -> bool {
    c.is_whitespace() || c == '('
}

/// The value of a condition.
pub(super) struct Value {
    pub(super) text: String,
    /// Only without quotes has `*` a meaning.
    pub(super) is_quoted: bool,
}

/// One part as it is, several ones as one filter.
fn joined(mut parts: Vec<Filter>, join: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => join(parts.into_iter().chain(last).collect()),
    }
}

fn invalid(problem: &str) -> Error {
    Error::invalid("FILTER_INVALID", "filter", problem)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::{Comparison, Condition, Listed, Part, Time};
    use super::*;
    use crate::contact::phone::DefaultRegion;

    const LIVE: Scope = Scope {
        listed: Listed::Live,
        region: DefaultRegion::NONE,
    };

    fn parsed(text: &str) -> Filter {
        parse(text, LIVE).unwrap()
    }

    fn label(name: &str) -> Filter {
        Filter::Is(Condition::Label(name.into()))
    }

    fn not(filter: Filter) -> Filter {
        Filter::Not(Box::new(filter))
    }

    #[test]
    fn conditions_are_read_and_their_values_folded() {
        let filter = parsed(
            r#"labels:"Fünf \"Freunde\"" AND starred=true AND email = ADA@example.com
               AND phone="+49 30 1" AND organization:ACME AND has:birthday
               AND uid=urn:Uuid:1 AND update_time >= "2026-01-02T03:04:05+01:00""#,
        );
        let time = DateTime::parse_from_rfc3339("2026-01-02T02:04:05Z").unwrap();
        let expected = [
            Condition::Label("fünf \"freunde\"".into()),
            Condition::Starred(true),
            Condition::Email(vec!["ada@example.com".into()]),
            Condition::Phone(vec!["49301".into()]),
            Condition::Organization("acme".into()),
            Condition::Has(Part::Birthday),
            Condition::Uid("urn:Uuid:1".into()),
            Condition::Time(Time::Update, Comparison::GreaterOrEqual, time.into()),
        ];
        assert_eq!(filter, Filter::All(expected.map(Filter::Is).into()));
        assert!(parsed("  ").is_empty());
    }

    #[test]
    fn or_binds_more_tightly_than_and() {
        let [a, b, c] = ["a", "b", "c"].map(label);
        let or = |one: &Filter, other: &Filter| Filter::Any(vec![one.clone(), other.clone()]);
        let and = |one: &Filter, other: &Filter| Filter::All(vec![one.clone(), other.clone()]);
        for (text, expected) in [
            ("labels:a AND labels:b OR labels:c", and(&a, &or(&b, &c))),
            ("labels:a OR labels:b AND labels:c", and(&or(&a, &b), &c)),
            ("(labels:a AND labels:b) OR labels:c", or(&and(&a, &b), &c)),
            ("labels:a OR(labels:b AND labels:c)", or(&a, &and(&b, &c))),
            (
                "-labels:a AND NOT labels:b",
                and(&not(a.clone()), &not(b.clone())),
            ),
            ("NOT(labels:a OR labels:b)", not(or(&a, &b))),
            ("-(-labels:a)", not(not(a.clone()))),
            ("((labels:a))", a.clone()),
            ("labels:AND", label("and")),
            ("labels:a\nAND\tlabels:b", and(&a, &b)),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_has_its_own_parentheses() {
        let phone = |digits: &str| Filter::Is(Condition::Phone(vec![digits.into()]));
        assert_eq!(parsed("phone=(030)12"), phone("03012"));
        assert_eq!(parsed("phone=03)12"), phone("0312"));
        assert_eq!(parsed("(phone=(030)12)"), phone("03012"));
        assert_eq!(parsed("( phone=9(30)12 )"), phone("93012"));
    }

    #[test]
    fn a_refusal_says_where() {
        for (text, problem) in [
            (
                "labels:x  nothing:y",
                "has neither AND nor OR between two conditions, at character 11",
            ),
            (
                "é=1",
                "has an unknown field \"é\"; the fields are labels, starred, email, phone, \
                     organization, uid, has, create_time, update_time and delete_time, \
                     at character 1",
            ),
            (
                "starred=true AND labels=x",
                "compares labels with =, but it only takes :, at character 18",
            ),
            ("starred=true AND", "lacks a condition, at character 17"),
            ("(starred=true", "has a ( without a ), at character 14"),
            (
                "starred=true)",
                "compares starred with a value other than true or false, at character 1",
            ),
            ("labels:\"x", "has an unclosed quote, at character 8"),
            (
                "NOT NOT starred=true",
                "has a field without an operator such as : or =, at character 9",
            ),
        ] {
            let error = parse(text, LIVE).unwrap_err().to_string();
            assert!(error.ends_with(problem), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_refused() {
        let many = |count: usize| vec!["starred=true"; count].join(" OR ");
        let deep = |count: usize| format!("{}starred=true{}", "(".repeat(count), ")".repeat(count));
        assert!(parse(&many(32), LIVE).is_ok());
        assert!(parse(&many(33), LIVE).is_err());
        assert!(parse(&deep(8), LIVE).is_ok());
        assert!(parse(&deep(9), LIVE).is_err());
        assert!(parse(&"(".repeat(1000), LIVE).is_err());
        assert!(parse(&"x".repeat(1001), LIVE).is_err());
    }
}
