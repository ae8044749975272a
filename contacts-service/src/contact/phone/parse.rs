//! Reads a phone number as typed.
//!
//! A wrong E.164 form calls a stranger, so a number gets one only if it is valid, or if it
//! is written in full (with its country code or trunk prefix) and has a possible length.

use rlibphonenumber::{
    CountryCodeSource, NumberLengthType, PHONE_NUMBER_UTIL as UTIL, PhoneNumber, PhoneNumberFormat,
    PhoneNumberType, Region,
};

/// A number that can be dialled from everywhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The E.164 form.
    pub e164: String,
    /// The digits to dial after the call is answered; usually empty.
    pub extension: String,
}

/// Parses a number; `region` is the country of national ones.
pub(super) fn parse(number: &str, region: Option<Region>) -> Option<Parsed> {
    let number: String = number.chars().filter(|c| !is_invisible(*c)).collect();
    let start = number.find(|c: char| c.is_numeric() || is_plus(c))?;
    let letters = number[start..].find(char::is_alphabetic);
    let parsed = match letters.map(|at| number.split_at(start + at)) {
        None => digits(&number, region),
        Some(_) if is_uri(&number) => digits(&number, region),
        Some((digits, words)) => extended(&number, digits, region)
            .or_else(|| vanity(&number, region))
            .or_else(|| without_words(digits, words, region)),
    }?;
    Some(Parsed {
        e164: parsed.format_as(PhoneNumberFormat::E164).into_owned(),
        extension: parsed.extension.unwrap_or_default(),
    })
}

/// Whether a character introduces a country code.
pub(super) fn is_plus(c: char) -> bool {
    matches!(c, '+' | '\u{ff0b}')
}

/// The form of an E.164 number in which it is dialled in its country.
pub(super) fn national(e164: &str) -> Option<String> {
    let number = UTIL.parse_and_keep_raw_input(e164, None).ok()?;
    Some(number.format_as(PhoneNumberFormat::National).into_owned())
}

/// Whether it is a URI of RFC 3966, whose parameters have letters.
fn is_uri(number: &str) -> bool {
    let scheme = number.trim_start().get(..4);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"))
}

/// Whether a character is not shown, such as the marks of direction that are copied along
/// with a number.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn digits(number: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let plausible = |number: &PhoneNumber| is_valid(number) || is_in_full(number);
    let national = UTIL.parse_and_keep_raw_input(number, region).ok();
    // Or with the international prefix of most countries, whatever the region is.
    let abroad = || UTIL.parse_and_keep_raw_input(&plus(number)?, None).ok();
    national
        .filter(plausible)
        .or_else(|| abroad().filter(plausible))
}

/// The number with `+` in place of a leading 00.
fn plus(number: &str) -> Option<String> {
    let rest = number.trim_start().strip_prefix("00")?;
    Some(format!("+{rest}"))
}

fn is_valid(number: &PhoneNumber) -> bool {
    number.is_valid() && !is_placeholder(number)
}

/// Whether a number that is not known to be valid is complete: it has a possible length
/// with an area code, and a prefix, which short numbers do not have.
fn is_in_full(number: &PhoneNumber) -> bool {
    let length = number.is_possible_with_reason();
    length == Ok(NumberLengthType::IsPossible) && has_prefix(number) && !is_placeholder(number)
}

fn has_prefix(number: &PhoneNumber) -> bool {
    let national = number.get_national_significant_number();
    let typed = UTIL.normalize_digits_only(number.raw_input());
    let trunk = number.country_code_source() == CountryCodeSource::FromDefaultCountry;
    has_plus(number) || (trunk && typed.len() > national.len())
}

fn has_plus(number: &PhoneNumber) -> bool {
    matches!(
        number.country_code_source(),
        CountryCodeSource::FromNumberWithPlusSign | CountryCodeSource::FromNumberWithIdd
    )
}

/// Whether it consists of zeros, which people type into a field that must not be empty.
fn is_placeholder(number: &PhoneNumber) -> bool {
    number.national_number == 0
}

/// Parses a number with letters that stand for digits, as on a keypad. Accepted are those
/// of North America, and numbers of services elsewhere.
fn vanity(number: &str, region: Option<Region>) -> Option<PhoneNumber> {
    const NORTH_AMERICA: i32 = 1;
    let parsed = UTIL.parse_and_keep_raw_input(number, region).ok()?;
    let service = matches!(
        parsed.get_type(),
        PhoneNumberType::TollFree | PhoneNumberType::SharedCost | PhoneNumberType::PremiumRate
    );
    let known = parsed.country_code == NORTH_AMERICA || (service && is_complete(number, &parsed));
    (known && is_valid(&parsed)).then_some(parsed)
}

/// Whether it was typed with its country code or as it is dialled in its country.
fn is_complete(typed: &str, number: &PhoneNumber) -> bool {
    let national = number.format_as(PhoneNumberFormat::National);
    let length = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    has_plus(number) || length(typed) == length(&national)
}

/// A number whose letters only name its extension.
fn extended(number: &str, before: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let main = digits(before, region)?;
    let whole = digits(number, region)?;
    let called = |number: &PhoneNumber| (number.country_code, number.national_number);
    (whole.extension.is_some() && called(&whole) == called(&main)).then_some(whole)
}

/// A number with words after it, such as "(home)". Digits after a word are perhaps those of
/// another number.
fn without_words(number: &str, words: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let more = words.chars().any(char::is_numeric);
    digits((!more).then_some(number)?, region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(number: &str, region: &str) -> String {
        let parsed = parse(number, region.parse().ok());
        parsed.map_or_else(String::new, |parsed| parsed.e164)
    }

    #[test]
    fn no_short_number_of_any_region_has_an_e164() {
        // The examples of libphonenumber's ShortNumberMetadata.xml, version 9.0.18.
        for line in include_str!("short_numbers.txt").lines() {
            let (region, numbers) = line.split_once(' ').unwrap();
            for number in numbers.split(' ') {
                assert_eq!(e164(number, region), "", "{region} {number}");
            }
        }
    }

    #[test]
    fn the_example_numbers_of_every_region_round_trip() {
        for region in UTIL.get_supported_regions() {
            for kind in [PhoneNumberType::FixedLine, PhoneNumberType::Mobile] {
                let Ok(example) = UTIL.get_example_number_for_type_and_region(region, kind) else {
                    continue;
                };
                let expected = example.format_as(PhoneNumberFormat::E164);
                for format in [
                    PhoneNumberFormat::E164,
                    PhoneNumberFormat::International,
                    PhoneNumberFormat::National,
                    PhoneNumberFormat::RFC3966,
                ] {
                    let typed = example.format_as(format);
                    let found = parse(&typed, Some(region)).map(|parsed| parsed.e164);
                    assert_eq!(found.as_deref(), Some(&*expected), "{region:?} {typed}");
                }
            }
        }
    }

    #[test]
    fn a_number_with_a_part_missing_is_not_completed() {
        for (number, region) in [
            ("112", "DE"),
            ("110", "DE"),
            ("133", "AT"),
            ("10086", "CN"),
            ("555-0100", "US"),
            ("123456", "DE"),
            ("+49 110", ""),
            ("+86 10086", ""),
            ("0110", "DE"),
            ("664-3021", "CA"),
            ("7654321", "FR"),
            ("12 34 56", "DK"),
            ("999", "GB"),
            ("1234", "JP"),
        ] {
            assert_eq!(e164(number, region), "", "{region} {number}");
        }
    }

    #[test]
    fn placeholders_are_not_numbers() {
        for number in [
            "0000000000",
            "00000",
            "0",
            "+49 000000000",
            "000-000-0000",
            "+1 000 000 0000",
        ] {
            for region in ["DE", "US", "FR", ""] {
                assert_eq!(e164(number, region), "", "{region} {number}");
            }
        }
    }

    #[test]
    fn words_beside_a_number_are_not_digits() {
        for number in [
            "+49 30 1234567 (home)",
            "030 1234567 privat",
            "Büro: 030 1234567",
            "030 1234567 (vormittags, nicht freitags)",
            "tel. 030/1234567",
            "0049 30 1234567 Zuhause",
            "030 1234567 дома",
        ] {
            assert_eq!(e164(number, "DE"), "+49301234567", "{number}");
        }
        for number in [
            "030 123456 / Büro 040 654321",
            "030 12x34y567z",
            "0800 HALLO1",
        ] {
            assert_eq!(e164(number, "DE"), "", "{number}");
        }
    }

    #[test]
    fn letters_are_digits_only_in_a_vanity_number_of_its_region() {
        for (number, region, expected) in [
            ("1-800-FLOWERS", "US", "+18003569377"),
            ("800 FLOWERS", "US", "+18003569377"),
            ("+1 800 GOFEDEX", "", "+18004633339"),
            ("(212) 664-DUCK", "US", "+12126643825"),
            ("1300 FLOWER", "AU", "+611300356937"),
            ("1-800-FLOWERS", "DE", ""),
            ("FLOWERS", "US", ""),
            ("202 home", "US", ""),
        ] {
            assert_eq!(e164(number, region), expected, "{region} {number}");
        }
    }

    #[test]
    fn every_way_to_write_the_prefixes_is_understood() {
        for number in [
            "+49 30 1234567",
            "0049 30 1234567",
            "+49 (0)30 1234567",
            "0049 (0) 30 1234567",
            "\u{202a}+49 30 1234567\u{202c}",
            "+49\u{2011}30\u{2011}1234567",
            "＋49 30 １２３４５６７",
            "+٤٩ ٣٠ ١٢٣٤٥٦٧",
            "tel:+49-30-1234567",
            "\u{feff}+4930\u{200b}1234567",
        ] {
            for region in ["", "DE", "US"] {
                assert_eq!(e164(number, region), "+49301234567", "{region} {number}");
            }
        }
        assert_eq!(e164("011 49 30 1234567", "US"), "+49301234567");
        assert_eq!(e164("٠٥٠ ١٢٣ ٤٥٦٧", "AE"), "+971501234567");
    }

    #[test]
    fn an_extension_is_separated_from_the_number() {
        for number in [
            "+1 202-555-0173 ext. 89",
            "+1 202-555-0173 x89",
            "+1 202-555-0173;ext=89",
            "tel:+1-202-555-0173;ext=89",
            "+1 202-555-0173 доб. 89",
            "+1 202-555-0173 #89",
        ] {
            let parsed = parse(number, None).unwrap();
            assert_eq!(
                (&*parsed.e164, &*parsed.extension),
                ("+12025550173", "89"),
                "{number}"
            );
        }
    }
}
