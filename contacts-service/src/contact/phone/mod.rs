//! Phone numbers: stored as typed, and parsed if possible.

mod parse;

use std::cell::LazyCell;
use std::collections::HashMap;

use proto::contacts::v1::Phone;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use unicode_normalization::UnicodeNormalization;

use self::parse::{is_invisible, is_plus, national, parse};
use super::fold::digits;
use crate::error::{Error, Result};

/// The country of national numbers.
#[derive(Clone, Copy, Debug)]
pub struct DefaultRegion(Option<Region>);

impl DefaultRegion {
    /// No country: only international numbers are parsed.
    pub const NONE: Self = Self(None);

    /// Parses an ISO 3166-1 alpha-2 code in the field `default_region`; empty means none.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_in("default_region", text)
    }

    /// The same; empty means `default`.
    pub fn parse_or(text: &str, default: Self) -> Result<Self> {
        if text.is_empty() {
            return Ok(default);
        }
        Self::parse(text)
    }

    /// As [`Self::parse`], in another field.
    pub fn parse_in(field: &str, text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::NONE);
        }
        let region = text.to_ascii_uppercase().parse().ok();
        let known = |region: &Region| {
            // The names of regions also contain "001" and reserved ones.
            text.len() == 2
                && PHONE_NUMBER_UTIL
                    .get_country_code_for_region(*region)
                    .is_some()
        };
        region
            .filter(known)
            .map(|region| Self(Some(region)))
            .ok_or_else(|| {
                Error::invalid(
                    "REGION_INVALID",
                    field,
                    "is not an ISO 3166-1 alpha-2 code with a known numbering plan",
                )
            })
    }
}

/// Whether it depends on the country what a number means: it has no country code of its
/// own.
#[must_use]
pub fn is_national(number: &str) -> bool {
    let first = number.chars().find(|c| c.is_numeric() || is_plus(*c));
    first.is_some_and(|c| !is_plus(c))
}

/// Sets `e164` and `extension` if the number can be dialled from everywhere; a number with
/// `e164` is parsed already.
pub fn parse_number(phone: &mut Phone, region: DefaultRegion) {
    if phone.e164.is_empty()
        && let Some(parsed) = parse(&phone.number, region.0)
    {
        phone.e164 = parsed.e164;
        phone.extension = parsed.extension;
    }
}

/// The digits of a number in each form in which it is dialled: from everywhere, and in its
/// country.
#[must_use]
pub fn dialled(number: &str, region: DefaultRegion) -> Vec<String> {
    let parsed = parse(number, region.0).into_iter();
    let forms = parsed.flat_map(|parsed| [national(&parsed.e164), Some(parsed.e164)]);
    forms.flatten().map(|form| digits(&form)).collect()
}

/// Keeps the parsed form of numbers that were stored before, also if only their spelling
/// changes, so that a client that sends back a contact need not know their region.
pub fn keep_parsed(phones: &mut [Phone], known: &[Phone]) {
    // Of two numbers with the same spelling, the first one is used.
    let by_spelling = LazyCell::new(|| {
        let known = known.iter().rev();
        let known = known.map(|known| (spelling(&known.number), known));
        known.collect::<HashMap<_, _>>()
    });
    for (place, phone) in phones.iter_mut().enumerate() {
        // Most contacts come back with the numbers that they had.
        let same = known
            .get(place)
            .filter(|known| known.number == phone.number);
        let known = same.or_else(|| by_spelling.get(&spelling(&phone.number)).copied());
        if let Some(known) = known {
            phone.e164.clone_from(&known.e164);
            phone.extension.clone_from(&known.extension);
        }
    }
}

/// What two spellings of one number have in common: letters, digits and a leading `+`.
fn spelling(number: &str) -> String {
    let plain: String = number.nfkc().filter(|c| !is_invisible(*c)).collect();
    let plus = plain.trim_start().starts_with('+').then_some('+');
    let kept = plain.chars().filter(|c| c.is_alphanumeric());
    plus.into_iter().chain(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(number: &str, region: &str) -> (String, String) {
        let mut phone = Phone {
            number: number.into(),
            ..Phone::default()
        };
        parse_number(&mut phone, DefaultRegion::parse(region).unwrap());
        assert_eq!(phone.number, number);
        (phone.e164, phone.extension)
    }

    #[test]
    fn an_international_number_needs_no_region() {
        assert_eq!(understood("+49 (0)30 123456", "").0, "+4930123456");
    }

    #[test]
    fn a_national_number_needs_its_region() {
        assert_eq!(understood("030 123456", "de").0, "+4930123456");
        assert_eq!(understood("030 123456", "").0, "");
    }

    #[test]
    fn an_extension_is_separated_from_the_number() {
        let (e164, extension) = understood("+1 202-555-0173 ext. 89", "");
        assert_eq!((&*e164, &*extension), ("+12025550173", "89"));
    }

    #[test]
    fn text_that_is_not_a_number_is_kept_as_typed() {
        for text in ["call me", "12", "+", "\u{202e}++1", "١٢٣"] {
            understood(text, "DE");
        }
    }

    /// Numbers, each parsed in its own way.
    fn parsed(numbers: &[&str]) -> Vec<Phone> {
        let numbered = numbers.iter().zip(1..);
        let phones = numbered.map(|(number, place)| Phone {
            number: (*number).into(),
            e164: format!("+49{place}"),
            extension: format!("{place}"),
            ..Phone::default()
        });
        phones.collect()
    }

    #[test]
    fn a_number_stays_parsed_wherever_and_however_it_is_written() {
        let known = parsed(&["030 1", "030 2", "+49 3", "030 1"]);
        for (numbers, expected) in [
            // Two with the same number keep their own.
            (&["030 1", "030 2", "+49 3", "030 1"][..], &[1, 2, 3, 4][..]),
            (&["030/2", "(030) 1", "0301", "+493"], &[2, 1, 1, 3]),
            (&["49 3", "030 2", "030 2"], &[0, 2, 2]),
            (&["030 4"], &[0]),
        ] {
            let mut phones = parsed(numbers);
            for phone in &mut phones {
                (phone.e164, phone.extension) = ("+490".into(), "0".into());
            }

            keep_parsed(&mut phones, &known);

            let kept = phones.iter().map(|phone| phone.e164[3..].parse::<i32>());
            assert_eq!(kept.map(Result::unwrap).collect::<Vec<_>>(), expected);
            assert!(phones.iter().all(|one| one.e164[3..] == one.extension));
        }
    }

    #[test]
    fn a_region_that_does_not_exist_is_refused() {
        for text in ["XX", "D", "DEU", "Ää", "001"] {
            assert!(DefaultRegion::parse(text).is_err(), "{text}");
        }
    }
}
