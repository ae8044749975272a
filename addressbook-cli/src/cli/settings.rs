//! Arguments of `settings`.

use addressbook_client::proto::contacts::v1::LeapDayRule;
use clap::{Args, Subcommand, ValueEnum};

/// The sub-commands of `settings`.
#[derive(Debug, Subcommand)]
pub(crate) enum Settings {
    /// Show your settings
    Show,
    /// Change some of your settings; an empty value removes one
    Set(SetSettings),
}

/// The settings to change.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(crate) struct SetSettings {
    /// The country of phone numbers without a country code, such as DE
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) region: Option<String>,
    /// The time zone that defines today, such as Europe/Berlin; UTC if it is not set
    #[arg(long, value_name = "NAME")]
    pub(crate) time_zone: Option<String>,
    /// When birthdays of 29 February are in other years
    #[arg(long, value_name = "WHEN", value_enum)]
    pub(crate) leap_day: Option<LeapDay>,
}

/// When a birthday of 29 February is in other years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeapDay {
    /// On 28 February
    #[value(name = "feb-28")]
    Feb28,
    /// On 1 March
    #[value(name = "mar-1")]
    Mar1,
    /// Never
    LeapYearsOnly,
}

impl From<LeapDay> for LeapDayRule {
    fn from(rule: LeapDay) -> Self {
        match rule {
            LeapDay::Feb28 => Self::Feb28,
            LeapDay::Mar1 => Self::Mar1,
            LeapDay::LeapYearsOnly => Self::LeapYearsOnly,
        }
    }
}
