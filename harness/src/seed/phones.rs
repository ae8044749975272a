//! Phone numbers that are not in use.

use fastrand::Rng;

/// Returns a number of the country (ISO 3166-1 alpha-2): from the range that its
/// regulator reserves for fiction, or, if there is none, one whose subscriber part begins
/// with zero, which is not assigned.
pub(crate) fn fictional(rng: &mut Rng, country: &str) -> String {
    let ranges: &[&str] = match country {
        // 555-0100 to 555-0199 in every area code.
        "US" => &["+1 212-555-01##", "+1 415-555-01##", "(312) 555-01##"],
        // Reserved by Ofcom.
        "GB" => &["+44 20 7946 0###", "+44 7700 900###", "0117 496 0###"],
        // Reserved by the Bundesnetzagentur.
        "DE" => &["+49 30 23125 ###", "+49 40 66969 ###", "+49 171 39200##"],
        // Reserved by Arcep.
        "FR" => &["+33 1 99 00 ## ##", "+33 6 39 98 ## ##"],
        // Reserved by PTS.
        "SE" => &["+46 8 465 004 ##", "+46 70 174 06 ##"],
        // Reserved by ACMA.
        "AU" => &["+61 2 5550 ####", "+61 3 7010 ####"],
        "ES" => &["+34 900 000 0##"],
        "PL" => &["+48 22 000 0# ##"],
        "CZ" => &["+420 200 000 0##"],
        "TR" => &["+90 212 000 0# ##"],
        "VN" => &["+84 24 0000 0###"],
        "RU" => &["+7 495 000-0#-##"],
        "UA" => &["+380 44 000 0# ##"],
        "GR" => &["+30 210 000 0###"],
        "JP" => &["+81 3-0000-0###", "+81 90-0000-0###"],
        "CN" => &["+86 10 0000 0###"],
        "KR" => &["+82 2-000-0###"],
        "EG" => &["+20 2 0000 0###"],
        "IL" => &["+972 3-000-0###"],
        "IN" => &["+91 11 0000 0###"],
        _ => &["+1 202-555-01##"],
    };
    let range = rng.choice(ranges).copied().unwrap_or_default();
    let digit = |c| if c == '#' { rng.digit(10) } else { c };
    range.chars().map(digit).collect()
}
