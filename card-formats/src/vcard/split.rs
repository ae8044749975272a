//! Finds the cards of a file, and the properties of a card.

use crate::card::Problem;
use crate::limits;
use crate::lines::Line;
use crate::vcard::property::colon;

/// A card as it is in the file: its properties, each on one line.
#[derive(Default)]
pub(super) struct RawCard {
    pub(super) line: u64,
    pub(super) offset: u64,
    pub(super) properties: Vec<Vec<u8>>,
    pub(super) problem: Option<Problem>,
    /// Whether the next card, or the end of the file, came before its END.
    pub(super) lacks_end: bool,
    /// Whether a property had lines that were not folded.
    pub(super) has_stray_lines: bool,
    bytes: usize,
    depth: usize,
    follows: Follows,
}

/// What the line before was.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Follows {
    #[default]
    Other,
    Blank,
    /// In 2.1 the card of an agent follows its property.
    Agent,
}

impl Follows {
    fn of(line: &[u8]) -> Self {
        let line = line.trim_ascii_end();
        let is_agent = line.len() >= 6 && line[line.len() - 6..].eq_ignore_ascii_case(b"AGENT:");
        match line {
            [] => Self::Blank,
            [.., b'.', _, _, _, _, _, _] | [_, _, _, _, _, _] if is_agent => Self::Agent,
            _ => Self::Other,
        }
    }
}

/// What a line has ended.
pub(super) enum Found {
    Nothing,
    Card(RawCard),
    /// A line outside of a card, the first one of its kind in a row.
    Stray {
        line: u64,
        offset: u64,
    },
}

/// Takes the lines of a file.
#[derive(Default)]
pub(super) struct Splitter {
    card: Option<RawCard>,
    is_stray: bool,
}

impl Splitter {
    pub(super) fn take(&mut self, line: &Line<'_>) -> Found {
        let bytes = line
            .bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(line.bytes);
        let Some(card) = &mut self.card else {
            if is_mark(bytes, b"BEGIN:VCARD") {
                self.begin(line);
            } else if line.is_too_long || !bytes.trim_ascii().is_empty() {
                return self.stray(line);
            }
            return Found::Nothing;
        };
        if is_mark(bytes, b"BEGIN:VCARD") && card.follows != Follows::Agent {
            let card = self.cut();
            self.begin(line);
            return card.map_or(Found::Nothing, Found::Card);
        }
        if is_mark(bytes, b"END:VCARD") && card.depth == 0 {
            return self.end().map_or(Found::Nothing, Found::Card);
        }
        if line.is_too_long {
            card.refuse(Problem::TooLarge);
        } else {
            card.take(bytes);
        }
        Found::Nothing
    }

    /// The card that ends without its END, as at the end of the file.
    pub(super) fn cut(&mut self) -> Option<RawCard> {
        let mut card = self.end()?;
        card.lacks_end = true;
        Some(card)
    }

    fn end(&mut self) -> Option<RawCard> {
        let mut card = self.card.take()?;
        card.join_stray();
        Some(card)
    }

    fn begin(&mut self, line: &Line<'_>) {
        self.is_stray = false;
        self.card = Some(RawCard {
            line: line.number,
            offset: line.offset,
            ..RawCard::default()
        });
    }

    fn stray(&mut self, line: &Line<'_>) -> Found {
        if std::mem::replace(&mut self.is_stray, true) {
            return Found::Nothing;
        }
        Found::Stray {
            line: line.number,
            offset: line.offset,
        }
    }
}

/// Whether a line is the beginning or the end of a card.
fn is_mark(line: &[u8], mark: &[u8]) -> bool {
    line.len() >= mark.len() && line.trim_ascii_end().eq_ignore_ascii_case(mark)
}

impl RawCard {
    /// Keeps nothing of the card but what is wrong with it, and its beginning.
    fn refuse(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
        let mut properties = std::mem::take(&mut self.properties).into_iter().take(3);
        self.properties = properties
            .by_ref()
            .map(|property| property[..property.len().min(limits::EXCERPT)].to_vec())
            .collect();
    }

    fn take(&mut self, line: &[u8]) {
        let before = std::mem::replace(&mut self.follows, Follows::of(line));
        let begins_agent = before == Follows::Agent && is_mark(line, b"BEGIN:VCARD");
        let is_nested = self.depth > 0 || begins_agent;
        if begins_agent {
            self.depth += 1;
            if self.depth > limits::NESTING {
                self.refuse(Problem::TooDeep);
            }
        } else if is_mark(line, b"END:VCARD") {
            self.depth -= 1;
        }
        self.bytes += line.len() + 1;
        if self.bytes > limits::CARD_BYTES {
            self.refuse(Problem::TooLarge);
        }
        if self.problem.is_some() {
            return;
        }
        if line.is_empty() {
            return;
        }
        if is_nested {
            return self.nest(line);
        }
        if !self.extend(line, before == Follows::Blank) {
            self.join_stray();
            self.properties.push(line.to_vec());
            if self.properties.len() > limits::PROPERTIES {
                self.refuse(Problem::TooManyProperties);
            }
        }
    }

    /// Appends a line of an agent's card to the agent, as the text that it is in 3.0.
    fn nest(&mut self, line: &[u8]) {
        let Some(agent) = self.properties.last_mut() else {
            return;
        };
        if let Some(folded) = line.strip_prefix(b" ").or_else(|| line.strip_prefix(b"\t")) {
            agent.extend_from_slice(&escaped(folded));
            return;
        }
        while agent.last().is_some_and(u8::is_ascii_whitespace) {
            agent.pop();
        }
        if agent.last() != Some(&b':') {
            agent.extend_from_slice(b"\\n");
        }
        agent.extend_from_slice(&escaped(line));
    }

    /// Appends a line to the property that it continues. Returns whether it does.
    fn extend(&mut self, line: &[u8], follows_blank: bool) -> bool {
        let Some(last) = self.properties.last_mut() else {
            return false;
        };
        let kind = Kind::of(last);
        if kind == Kind::QuotedPrintable && last.ends_with(b"=") {
            last.pop();
            last.extend_from_slice(line);
            return true;
        }
        if let Some(folded) = line.strip_prefix(b" ").or_else(|| line.strip_prefix(b"\t")) {
            last.extend_from_slice(folded);
            return true;
        }
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\t ".contains(byte);
        if kind == Kind::Base64 && !follows_blank && line.iter().all(is_base64) {
            last.extend_from_slice(line);
            return true;
        }
        false
    }

    /// Appends the last line to the property before if it is not a property: a line break
    /// that its program forgot to escape.
    fn join_stray(&mut self) {
        let [.., before, last] = self.properties.as_mut_slice() else {
            return;
        };
        let kind = Kind::of(before);
        if last.contains(&b':') || kind == Kind::Base64 {
            return;
        }
        let is_encoded = kind == Kind::QuotedPrintable;
        before.extend_from_slice(if is_encoded { b"=0A" } else { b"\\n" });
        before.append(last);
        self.properties.pop();
        self.has_stray_lines = true;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    QuotedPrintable,
    Base64,
}

impl Kind {
    /// How the value of a property is encoded.
    fn of(property: &[u8]) -> Self {
        // Each line of a property looks here again.
        let head = &property[..property.len().min(limits::PARAMETERS_BYTES)];
        let head = &head[..colon(head).unwrap_or(head.len())];
        let mut is_quoted = false;
        let parameters = head.split(|byte| {
            is_quoted ^= *byte == b'"';
            *byte == b';' && !is_quoted
        });
        let kinds = parameters.skip(1).find_map(|parameter| {
            let (name, value) = match parameter.iter().position(|byte| *byte == b'=') {
                Some(at) => (&parameter[..at], &parameter[at + 1..]),
                None => (b"ENCODING".as_slice(), parameter),
            };
            if !name.trim_ascii().eq_ignore_ascii_case(b"ENCODING") {
                return None;
            }
            match value.trim_ascii().to_ascii_uppercase().as_slice() {
                b"QUOTED-PRINTABLE" | b"Q" => Some(Self::QuotedPrintable),
                b"BASE64" | b"B" => Some(Self::Base64),
                _ => None,
            }
        });
        kinds.unwrap_or(Self::Plain)
    }
}

fn escaped(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    for byte in line {
        if b"\\,;".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}
