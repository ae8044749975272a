//! The settings of an owner's address book.

use chassis::sha256::sha256;
use proto::contacts::v1::LeapDayRule;

use crate::contact::phone::DefaultRegion;

/// What calls use where a request does not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The country code of national numbers; none if empty.
    pub default_region: String,
    /// The IANA name of the time zone that defines today; UTC if empty.
    pub time_zone: String,
    /// How 29 February is treated in a common year.
    pub leap_day_rule: LeapDayRule,
}

impl Settings {
    /// The country of national numbers.
    #[must_use]
    pub fn region(&self) -> DefaultRegion {
        // It was known when it was stored.
        DefaultRegion::parse(&self.default_region).unwrap_or(DefaultRegion::NONE)
    }

    /// The etag, which is the same for the same settings.
    #[must_use]
    pub fn etag(&self) -> String {
        let rule = i32::from(self.leap_day_rule).to_be_bytes();
        let text = format!("{}\n{}\n", self.default_region, self.time_zone);
        let hash = sha256(&[text.as_bytes(), &rule].concat());
        format!("\"{}\"", hex::encode(&hash[..8]))
    }
}

/// A change of settings; `None` keeps a field.
#[derive(Clone, Debug, Default)]
pub struct SettingsUpdate {
    /// The country code.
    pub default_region: Option<String>,
    /// The time zone.
    pub time_zone: Option<String>,
    /// The rule.
    pub leap_day_rule: Option<LeapDayRule>,
    /// The required etag; empty for any.
    pub etag: String,
}

impl SettingsUpdate {
    /// The settings after the change.
    #[must_use]
    pub fn apply(self, current: Settings) -> Settings {
        Settings {
            default_region: self.default_region.unwrap_or(current.default_region),
            time_zone: self.time_zone.unwrap_or(current.time_zone),
            leap_day_rule: self.leap_day_rule.unwrap_or(current.leap_day_rule),
        }
    }
}
