//! Fields of a contact on the command line.

use std::convert::Infallible;
use std::str::FromStr;

use addressbook_client::proto::contacts::v1::Date;

/// A value with an optional label before it, as in `work=ada@example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Labelled {
    /// Empty without one.
    pub(crate) label: String,
    /// The value.
    pub(crate) value: String,
}

impl FromStr for Labelled {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let parts = text.split_once('=');
        // The part of an address before its @ may contain the sign, too.
        let parts = parts.filter(|(label, _)| !label.contains('@'));
        let (label, value) = parts.unwrap_or(("", text));
        Ok(Self {
            label: label.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// `1815-12-10`, or `--12-10` without the year.
pub(crate) fn birthday(text: &str) -> Result<Date, String> {
    let (year, rest) = match text.strip_prefix("--") {
        Some(rest) => ("0", rest),
        None => text.split_once('-').unwrap_or((text, "")),
    };
    let number = |text: &str| text.parse::<i32>().ok().filter(|number| *number >= 0);
    let parts = rest.split_once('-');
    let date = parts.and_then(|(month, day)| {
        Some(Date {
            year: number(year)?,
            month: number(month)?,
            day: number(day)?,
        })
    });
    date.ok_or_else(|| "must be like 1815-12-10, or --12-10 without the year".into())
}

#[cfg(test)]
mod tests {
    use card_formats::date_text;

    use super::*;

    #[test]
    fn a_label_is_before_the_sign() {
        let read = |text: &str| {
            let Labelled { label, value } = text.parse().unwrap();
            (label, value)
        };

        assert_eq!(read("work=a@b.c"), ("work".into(), "a@b.c".into()));
        assert_eq!(
            read("a=b@example.com"),
            ("a".into(), "b@example.com".into())
        );
        assert_eq!(read("a@b.c"), (String::new(), "a@b.c".into()));
        assert_eq!(read("x@y=z.de"), (String::new(), "x@y=z.de".into()));
    }

    #[test]
    fn dates_are_read_as_they_are_printed() {
        for text in ["1815-12-10", "--02-29", "0009-01-02"] {
            assert_eq!(date_text(birthday(text).unwrap()), text);
        }
        for text in ["", "1815", "1815-12", "12/10/1815", "--12", "1815-+1-10x"] {
            assert!(birthday(text).is_err(), "{text}");
        }
    }
}
