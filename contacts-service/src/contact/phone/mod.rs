//! Phone numbers: stored as typed, and parsed if possible.

mod parse;

use proto::contacts::v1::Phone;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use unicode_normalization::UnicodeNormalization;

use self::parse::{is_invisible, parse};
use crate::error::{Error, Result};

/// The country of national numbers.
#[derive(Clone, Copy, Debug)]
pub struct DefaultRegion(Option<Region>);

impl DefaultRegion {
    /// No country: only international numbers are parsed.
    pub const NONE: Self = Self(None);

    /// Parses an ISO 3166-1 alpha-2 code; empty means none.
    pub fn parse(text: &str) -> Result<Self> {
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
                    "default_region",
                    "is not an ISO 3166-1 alpha-2 code with a known numbering plan",
                )
            })
    }
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

/// Keeps the parsed form of numbers that were stored before, also if only their spelling
/// changes, so that a client that sends back a contact need not know their region.
pub fn keep_parsed(phones: &mut [Phone], known: &[Phone]) {
    for phone in phones {
        let spelling = spelling(&phone.number);
        if let Some(known) = known
            .iter()
            .find(|known| self::spelling(&known.number) == spelling)
        {
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
    fn an_extension_is_told_apart() {
        let (e164, extension) = understood("+1 202-555-0173 ext. 89", "");
        assert_eq!((&*e164, &*extension), ("+12025550173", "89"));
    }

    #[test]
    fn what_is_no_number_is_kept_as_typed() {
        for text in ["call me", "12", "+", "\u{202e}++1", "١٢٣"] {
            understood(text, "DE");
        }
    }

    #[test]
    fn a_region_that_does_not_exist_is_refused() {
        for text in ["XX", "D", "DEU", "Ää", "001"] {
            assert!(DefaultRegion::parse(text).is_err(), "{text}");
        }
    }
}
