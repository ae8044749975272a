//! Peppers: secrets outside the database that are part of password hashes, so that
//! passwords cannot be guessed with a dump.

use std::collections::BTreeMap;

use chassis::settings::keyring::{Key32, KeyRing};

/// The peppers of a service.
#[derive(Clone, Default)]
pub struct Peppers {
    keys: BTreeMap<u8, Key32>,
    current: Option<u8>,
}

/// The file lacks the pepper for new hashes.
#[derive(Debug, thiserror::Error)]
#[error("PASSWORD_PEPPER_FILE has no KID {0}, which PASSWORD_PEPPER_KID requires")]
pub struct NoSuchPepper(u8);

impl Peppers {
    /// Parses the lines of a file. New hashes use the pepper with this number, none with
    /// 0; by default the highest.
    pub fn new(ring: &KeyRing, kid: Option<u8>) -> Result<Self, NoSuchPepper> {
        let keys = ring.all("password-pepper");
        let current = match kid {
            Some(0) => None,
            Some(kid) if !keys.contains_key(&kid) => return Err(NoSuchPepper(kid)),
            Some(kid) => Some(kid),
            None => Some(ring.current_kid()),
        };
        Ok(Self { keys, current })
    }

    /// The number of the pepper for new hashes.
    pub(crate) fn current(&self) -> Option<u8> {
        self.current
    }

    /// The pepper that argon2's `keyid` names.
    pub(crate) fn get(&self, keyid: &[u8]) -> Option<&[u8]> {
        let [kid] = keyid else { return None };
        self.keys.get(kid).map(|key| key.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use chassis::settings::keyring::generate_line;

    use super::*;

    fn peppers(kids: [u8; 2], kid: Option<u8>) -> Result<Peppers, NoSuchPepper> {
        let lines = kids.map(|kid| generate_line(kid).unwrap().to_string());
        Peppers::new(&KeyRing::parse(&lines.join("\n")).unwrap(), kid)
    }

    #[test]
    fn the_highest_number_peppers_unless_another_is_named() {
        let current = |kid| peppers([7, 3], kid).unwrap().current();
        assert_eq!(current(None), Some(7));
        assert_eq!(current(Some(3)), Some(3));
        assert_eq!(current(Some(0)), None);
        assert!(peppers([7, 3], Some(5)).is_err());
    }

    #[test]
    fn no_pepper_is_found_by_a_name_that_is_not_ours() {
        let peppers = peppers([7, 3], None).unwrap();
        assert!(peppers.get(&[3]).is_some());
        for keyid in [&[][..], &[4], &[3, 3], &[0]] {
            assert!(peppers.get(keyid).is_none());
        }
    }
}
