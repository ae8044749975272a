//! What the protos say about fields: `google.api.field_behavior` (AIP-203).

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

/// The behaviors of a field by their names, such as `REQUIRED`.
#[must_use]
pub fn behaviors(field: &FieldDescriptor) -> Vec<String> {
    let pool = field.parent_pool();
    let extension = pool.get_extension_by_name("google.api.field_behavior");
    let extension = extension.unwrap();
    let Kind::Enum(names) = extension.kind() else {
        unreachable!("the extension is an enum")
    };
    let options = field.options();
    let marks = options.get_extension(&extension);
    let numbers = marks.as_list().unwrap().iter().map(Value::as_enum_number);
    let name = |number: Option<i32>| names.get_value(number.unwrap()).unwrap().name().to_owned();
    numbers.map(name).collect()
}

/// A field that a message sets, or a message in it.
#[derive(Clone)]
pub struct Place(Vec<FieldDescriptor>);

impl Place {
    /// The field itself.
    #[must_use]
    pub fn field(&self) -> &FieldDescriptor {
        self.0.last().unwrap()
    }

    /// Its path as in `BadRequest`, such as `contact.emails[0].address`.
    #[must_use]
    pub fn path(&self) -> String {
        let (field, above) = self.0.split_last().unwrap();
        let above = above.iter().map(|field| {
            let index = if field.is_list() { "[0]" } else { "" };
            format!("{}{index}.", field.name())
        });
        above.collect::<String>() + field.name()
    }

    /// The message without this field.
    #[must_use]
    pub fn unset(&self, message: &DynamicMessage) -> DynamicMessage {
        let mut changed = message.clone();
        let (field, above) = self.0.split_last().unwrap();
        let inner = above.iter().fold(&mut changed, |message, field| {
            match message.get_field_mut(field) {
                Value::List(list) => list[0].as_message_mut().unwrap(),
                inner => inner.as_message_mut().unwrap(),
            }
        });
        inner.clear_field(field);
        changed
    }
}

/// Every field that a message sets, and those of its messages; of a list, those of the
/// first one.
#[must_use]
pub fn places(message: &DynamicMessage) -> Vec<Place> {
    let mut found = Vec::new();
    collect(message, &mut Vec::new(), &mut found);
    found
}

fn collect(message: &DynamicMessage, above: &mut Vec<FieldDescriptor>, found: &mut Vec<Place>) {
    for (field, value) in message.fields() {
        above.push(field);
        found.push(Place(above.clone()));
        let inner = match value {
            Value::List(list) => list.first().and_then(Value::as_message),
            value => value.as_message(),
        };
        if let Some(inner) = inner {
            collect(inner, above, found);
        }
        above.pop();
    }
}
