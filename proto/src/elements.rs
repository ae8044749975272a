//! Counts the elements of an encoded message. An empty element takes two bytes on the
//! wire and hundreds in memory, so a request is counted before it is decoded.

/// The maximum number of elements at the top level, such as the requests of a batch.
const TOP_MAX: usize = 5_000;
/// The maximum number of elements in all; one more for each 16 bytes.
const ALL_MAX: usize = 50_000;
/// How deep nested messages are counted: a batch, its request, its contact, its lists.
const DEPTH: u32 = 5;

/// Whether a message has more elements than any request needs.
pub(crate) fn are_too_many(message: &[u8]) -> bool {
    top(message) > TOP_MAX || all(message, DEPTH) > ALL_MAX + message.len() / 16
}

fn top(message: &[u8]) -> usize {
    Elements(message).count()
}

/// A text can look like elements, too: without control characters, of 32 bytes or more
/// each.
fn all(message: &[u8], depth: u32) -> usize {
    if depth == 0 {
        return 0;
    }
    Elements(message)
        .map(|element| 1 + all(element, depth - 1))
        .sum()
}

/// The length-delimited fields of a message, up to the first that is malformed
/// (protobuf.dev/programming-guides/encoding).
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let skipped = match self.varint()? & 7 {
                0 => self.varint().map(|_| 0)?,
                1 => 8,
                2 => {
                    let length = usize::try_from(self.varint()?).ok()?;
                    return self.take(length);
                }
                5 => 4,
                _ => return None,
            };
            self.take(skipped)?;
        }
    }
}

impl<'a> Elements<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::contacts::v1::{BatchCreateContactsRequest, Contact, CreateContactRequest, Phone};

    fn batch(requests: usize, phones: usize) -> Vec<u8> {
        let contact = Contact {
            phones: vec![Phone::default(); phones],
            notes: "bee boo".repeat(1_000),
            ..Contact::default()
        };
        let request = CreateContactRequest {
            contact: Some(contact),
            ..CreateContactRequest::default()
        };
        BatchCreateContactsRequest {
            requests: vec![request; requests],
            ..BatchCreateContactsRequest::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn the_largest_batch_is_let_through() {
        assert!(!are_too_many(&batch(500, 60)));
    }

    #[test]
    fn empty_elements_are_too_many_at_every_depth() {
        let empty = [0x0a, 0].repeat(TOP_MAX + 1);
        assert!(are_too_many(&empty));

        assert!(are_too_many(&batch(1, 100_000)));
        assert!(are_too_many(&batch(100, 2_000)));
    }

    #[test]
    fn what_cannot_be_read_in_the_end_is_counted_before_it() {
        let mut broken = [0x0a, 0].repeat(TOP_MAX + 1);
        broken.push(0xff);
        assert!(are_too_many(&broken));
    }

    #[test]
    fn other_fields_are_passed_over() {
        // A varint, eight bytes, four bytes, then a text.
        let message = [
            8, 1, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x1d, 0, 0, 0, 0, 0x22, 2, 97, 97,
        ];
        let found: Vec<_> = Elements(&message).collect();
        assert_eq!(found, [&[97, 97]]);
    }
}
