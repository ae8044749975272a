//! Phone numbers: stored as typed, and parsed if possible.

use proto::contacts::v1::Phone;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

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

/// Sets `e164` and `extension` if the number can be parsed; a number with `e164` is
/// parsed already.
pub fn understand(phone: &mut Phone, region: DefaultRegion) {
    if !phone.e164.is_empty() {
        return;
    }
    let Ok(number) = PHONE_NUMBER_UTIL.parse(&phone.number, region.0) else {
        return;
    };
    if number.is_possible_with_reason().is_ok() {
        phone.e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
        phone.extension = number.extension.unwrap_or_default();
    }
}

/// Keeps the parsed form of unchanged numbers, so that a client that sends back a contact
/// need not know their region.
pub fn recall(phones: &mut [Phone], known: &[Phone], region: DefaultRegion) {
    // A given region means that the numbers are to be parsed again.
    if region.0.is_some() {
        return;
    }
    for phone in phones {
        if let Some(known) = known.iter().find(|known| known.number == phone.number) {
            phone.e164.clone_from(&known.e164);
            phone.extension.clone_from(&known.extension);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(number: &str, region: &str) -> (String, String) {
        let mut phone = Phone {
            number: number.into(),
            ..Phone::default()
        };
        understand(&mut phone, DefaultRegion::parse(region).unwrap());
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
