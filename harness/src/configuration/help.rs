//! Parses the settings from the output of `serve --help`.

/// One setting of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Setting {
    /// The heading of its group.
    pub(super) group: String,
    /// The environment variable; the flag has the same name.
    pub(super) name: String,
    /// What it sets.
    pub(super) text: String,
    /// Its default value.
    pub(super) default: Option<String>,
    /// Whether it is optional.
    pub(super) is_required: bool,
    /// Its possible values with their meanings, if it has only a few.
    pub(super) values: Vec<String>,
}

/// The settings in the order of the help. Flags without a variable are skipped.
pub(super) fn settings(help: &str) -> Vec<Setting> {
    let usage = help
        .lines()
        .find(|line| line.starts_with("Usage:"))
        .unwrap_or_default();
    let mut group = "";
    let mut settings: Vec<Setting> = Vec::new();
    for line in help.lines() {
        if let Some(heading) = line.strip_suffix(':')
            && !line.starts_with(' ')
        {
            group = heading;
            continue;
        }
        let line = line.trim();
        if let Some(flag) = line.strip_prefix("--") {
            let flag = flag.split(' ').next().unwrap_or_default();
            settings.push(Setting {
                group: group.to_owned(),
                is_required: usage.contains(&format!("--{flag} ")),
                ..Setting::default()
            });
        } else if let Some(setting) = settings.last_mut() {
            read(setting, line);
        }
    }
    settings.retain(|setting| !setting.name.is_empty());
    settings
}

/// One line of a setting's text.
fn read(setting: &mut Setting, line: &str) {
    let tag = |name: &str| line.strip_prefix(name)?.strip_suffix(']');
    if let Some(variable) = tag("[env: ") {
        variable.trim_end_matches('=').clone_into(&mut setting.name);
    } else if let Some(default) = tag("[default: ") {
        setting.default = Some(default.to_owned());
    } else if let Some(value) = line.strip_prefix("- ") {
        setting.values.push(value.to_owned());
    } else if setting.text.is_empty() {
        line.clone_into(&mut setting.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_with_its_group_default_and_values() {
        let help = "\
Serve until stopped

Usage: auth-service serve [OPTIONS] --database-url <DATABASE_URL>

Database:
      --database-url <DATABASE_URL>
          PostgreSQL URL

          [env: DATABASE_URL=]

Logs:
      --log-format <LOG_FORMAT>
          Format of the log lines

          Possible values:
          - text: For people
          - json: For programs

          [env: LOG_FORMAT=]
          [default: text]

  -h, --help
          Print help
";
        let read = settings(help);

        let [url, format] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!((&*url.group, &*url.name), ("Database", "DATABASE_URL"));
        assert!(url.is_required && url.default.is_none());
        assert_eq!(format.text, "Format of the log lines");
        assert_eq!(format.values, ["text: For people", "json: For programs"]);
        assert_eq!(format.default.as_deref(), Some("text"));
        assert!(!format.is_required);
    }
}
