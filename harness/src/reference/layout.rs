//! Lays out nested values: in one line where they fit, otherwise an item a line.

/// The longest line, in characters.
const WIDTH: usize = 90;

/// A text, or a group of them in brackets.
pub(super) enum Node {
    Leaf(String),
    Group {
        /// With what is before the bracket, such as a key.
        open: String,
        items: Vec<Node>,
        close: &'static str,
    },
}

impl Node {
    /// The text, whose first line begins in the column `indent`; each level of items is
    /// indented by `step`.
    pub(super) fn text(&self, indent: usize, step: usize) -> String {
        let line = self.line();
        match self {
            Self::Group { open, items, close }
                if indent + line.chars().count() > WIDTH
                    && !matches!(&items[..], [Self::Leaf(_)]) =>
            {
                let inner = " ".repeat(indent + step);
                let items = items.iter().map(|item| {
                    let text = item.text(indent + step, step);
                    format!("{inner}{text}")
                });
                let items = items.collect::<Vec<_>>().join(",\n");
                format!("{open}\n{items}\n{}{close}", " ".repeat(indent))
            }
            _ => line,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Group { open, items, close } => {
                let items: Vec<_> = items.iter().map(Self::line).collect();
                format!("{open}{}{close}", items.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_fit_is_broken() {
        let short = || Node::Group {
            open: "b: [".to_owned(),
            items: vec![Node::Leaf("1".to_owned()), Node::Leaf("2".to_owned())],
            close: "]",
        };
        let long = Node::Group {
            open: "{".to_owned(),
            items: vec![Node::Leaf("a".repeat(WIDTH)), short()],
            close: "}",
        };

        assert_eq!(short().text(0, 2), "b: [1, 2]");
        let text = format!("{{\n  {},\n  b: [1, 2]\n}}", "a".repeat(WIDTH));
        assert_eq!(long.text(0, 2), text);
    }
}
