//! What a statement does, in a few words without values (`db.query.summary`): its
//! operations, each with its tables.

/// The maximum length in bytes (database spans, "Generating query summary").
const LENGTH_MAX: usize = 255;

const OPERATIONS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
/// A table comes after one of these.
const BEFORE_TABLES: [&str; 5] = ["FROM", "INTO", "JOIN", "UPDATE", "USING"];
/// The schemas of both services. Every table is named with its schema, and nothing else is:
/// what has none is a common table expression or a function.
const SCHEMAS: [&str; 2] = ["auth.", "contacts."];

/// The summary of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Such as `SELECT contacts.contacts`.
    pub(super) text: String,
    /// The operation, if the statement has only one.
    pub(super) operation: Option<&'static str>,
}

/// Summarises a statement.
pub(super) fn of(sql: &str) -> Summary {
    let steps = steps(sql);
    let Some((first, _)) = steps.first() else {
        // Such as `COMMIT`.
        let text = words(sql).next().unwrap_or_default().to_uppercase();
        let operation = listed(&OPERATIONS, &text);
        return Summary { text, operation };
    };
    let (mut text, mut last) = (String::new(), "");
    for (operation, table) in &steps {
        let longer = if *operation == last {
            format!("{text} {table}")
        } else {
            format!("{text} {operation} {table}")
        };
        if longer.len() > LENGTH_MAX {
            break;
        }
        (text, last) = (longer, operation);
    }
    let is_one = steps.iter().all(|(operation, _)| operation == first);
    Summary {
        text: text.trim_start().to_owned(),
        operation: is_one.then_some(first),
    }
}

/// The operations with their tables, each pair once.
fn steps(sql: &str) -> Vec<(&'static str, &str)> {
    let (mut operation, mut before) = ("SELECT", "");
    let mut steps = Vec::new();
    for word in words(sql) {
        operation = listed(&OPERATIONS, word).unwrap_or(operation);
        let is_table = listed(&BEFORE_TABLES, before).is_some()
            && SCHEMAS.iter().any(|schema| word.starts_with(schema));
        if is_table && !steps.contains(&(operation, word)) {
            steps.push((operation, word));
        }
        before = word;
    }
    steps
}

/// The words of a statement, without its comments.
fn words(sql: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let code = |line: &'_ str| line.find("--").unwrap_or(line.len());
    let lines = sql.lines().map(move |line| &line[..code(line)]);
    let words = lines.flat_map(move |line| line.split(move |c| !is_part(c)));
    words.filter(|word| !word.is_empty())
}

/// The one of these keywords that this word is.
fn listed(keywords: &[&'static str], word: &str) -> Option<&'static str> {
    let is_it = |keyword: &&&str| keyword.eq_ignore_ascii_case(word);
    keywords.iter().find(is_it).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, text: &str, operation: Option<&'static str>) {
        let text = text.to_owned();
        assert_eq!(of(sql), Summary { text, operation }, "{sql}");
    }

    #[test]
    fn a_statement_is_told_by_its_operations_and_tables() {
        let get = "SELECT id, 'x' FROM contacts.contacts AS c\n  -- FROM auth.users\n\
                   JOIN contacts.photos p ON p.id = c.id WHERE c.owner = $1";
        check(
            get,
            "SELECT contacts.contacts contacts.photos",
            Some("SELECT"),
        );
        let insert = "INSERT INTO auth.users (id) VALUES ($1) ON CONFLICT DO UPDATE SET id = $1";
        check(insert, "INSERT auth.users", Some("INSERT"));
        let delete = "DELETE FROM auth.sessions s USING auth.users u WHERE u.id = s.user_id";
        check(delete, "DELETE auth.sessions auth.users", Some("DELETE"));
        let both = "WITH stamped AS (UPDATE contacts.owner_state SET version = version + 1 \
                    RETURNING version) INSERT INTO contacts.contacts SELECT * FROM stamped";
        check(
            both,
            "UPDATE contacts.owner_state INSERT contacts.contacts",
            None,
        );
    }

    #[test]
    fn a_statement_without_tables_is_told_by_its_first_word() {
        check("BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN", None);
        check("commit", "COMMIT", None);
        check("SELECT now()", "SELECT", Some("SELECT"));
        check("", "", None);
    }

    #[test]
    fn a_summary_has_a_maximum_length() {
        let name = "x".repeat(100);
        let sql = format!("SELECT FROM auth.a{name} JOIN auth.b{name} JOIN auth.c{name}");
        let text = of(&sql).text;
        assert!(text.ends_with(&format!("auth.b{name}")), "{text}");
        assert!(text.len() <= LENGTH_MAX);
    }
}
