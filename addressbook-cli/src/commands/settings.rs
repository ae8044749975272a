//! `settings`.

use addressbook_client::proto::contacts::v1::{
    GetSettingsRequest, LeapDayRule, Settings as Wire, UpdateSettingsRequest,
};
use addressbook_client::{Client, Error, FieldMask};

use crate::cli::{SetSettings, Settings};
use crate::context::Context;
use crate::output;

/// Runs a sub-command of `settings`.
pub(crate) async fn run(context: &Context, command: Settings) -> Result<(), Error> {
    let client = context.client().await?;
    let settings = match command {
        Settings::Show => {
            let request = GetSettingsRequest {};
            let response = client.contacts().get_settings(request).await?;
            response.into_inner().settings
        }
        Settings::Set(args) => set(&client, args).await?,
    };
    print(context, &settings.unwrap_or_default())
}

async fn set(client: &Client, args: SetSettings) -> Result<Option<Wire>, Error> {
    let fields = [
        ("default_region", args.region.is_some()),
        ("time_zone", args.time_zone.is_some()),
        ("leap_day_rule", args.leap_day.is_some()),
    ];
    let paths = fields.iter().filter(|(_, is_set)| *is_set);
    let paths = paths.map(|(name, _)| (*name).to_owned()).collect();
    let settings = Wire {
        default_region: args.region.unwrap_or_default(),
        time_zone: args.time_zone.unwrap_or_default(),
        leap_day_rule: args
            .leap_day
            .map_or(LeapDayRule::Unspecified, LeapDayRule::from)
            .into(),
        ..Wire::default()
    };
    let request = UpdateSettingsRequest {
        settings: Some(settings),
        // A field that is named and empty is cleared.
        update_mask: Some(FieldMask { paths }),
    };
    let response = client.contacts().update_settings(request).await?;
    Ok(response.into_inner().settings)
}

fn print(context: &Context, settings: &Wire) -> Result<(), Error> {
    if context.output.is_json() {
        return output::message("addressbook.contacts.v1.Settings", settings);
    }
    let or = |text: &str, default: &str| match text {
        "" => default.to_owned(),
        text => text.to_owned(),
    };
    let leap_day = match settings.leap_day_rule() {
        LeapDayRule::Feb28 | LeapDayRule::Unspecified => "on 28 February",
        LeapDayRule::Mar1 => "on 1 March",
        LeapDayRule::LeapYearsOnly => "never",
    };
    let rows = [
        ("region", or(&settings.default_region, "not set")),
        ("time zone", or(&settings.time_zone, "UTC")),
        ("29 February in other years", leap_day.to_owned()),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    output::table(&[], rows.to_vec(), "")
}
