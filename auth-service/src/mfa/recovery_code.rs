//! Recovery codes for a lost authenticator app: 100 random bits each, so that a plain
//! hash is sufficient.

use aws_lc_rs::rand;
use chassis::user_id::UserId;
use zeroize::Zeroizing;

use crate::error::Result;
use chassis::sha256::sha256;

/// The number of codes of a user.
pub(crate) const COUNT: usize = 10;
/// Five bits each. No letter looks like a digit (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CHARS: usize = 20;
const GROUP: usize = 5;

/// Generates a code: `xxxxx-xxxxx-xxxxx-xxxxx`.
pub(crate) fn generate() -> Result<String> {
    let mut random = Zeroizing::new([0; CHARS]);
    rand::fill(&mut *random)?;
    let mut code = String::with_capacity(CHARS + CHARS / GROUP);
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(code)
}

/// The normalized form of a typed code.
pub(crate) fn normalise(text: &str) -> Zeroizing<String> {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    Zeroizing::new(
        kept.map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .collect(),
    )
}

/// The stored hash of a normalized code. It includes the user, so that a guess is for one
/// user's codes, not for everybody's.
pub(crate) fn hash(user_id: UserId, normalised: &str) -> [u8; 32] {
    let parts: [&[u8]; 2] = [user_id.0.as_bytes(), normalised.as_bytes()];
    sha256(&Zeroizing::new(parts.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_written() {
        let code = normalise("0a1b2-c3d4e-f5g6h-j7k8m");
        for text in [
            "0A1B2-C3D4E-F5G6H-J7K8M",
            " oa1b2 c3d4e f5g6h j7k8m\n",
            "Oalb2c3d4ef5g6hj7k8m",
            "oaIb2_c3d4e_f5g6h_j7k8m",
        ] {
            assert_eq!(normalise(text), code, "{text}");
        }
        assert_ne!(normalise("0a1b2-c3d4e-f5g6h-j7k8"), code);
    }

    #[test]
    fn codes_have_all_letters_and_differ() {
        let codes: Vec<_> = (0..100).map(|_| generate().unwrap()).collect();
        let all = codes.concat();
        assert!(
            ALPHABET
                .iter()
                .all(|letter| all.contains(char::from(*letter)))
        );
        let distinct: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), 100);
        assert!(codes.iter().all(|code| normalise(code).len() == CHARS));
    }

    #[test]
    fn the_same_code_of_another_user_has_another_hash() {
        let hashes = [(); 2].map(|()| hash(UserId::generate(), "0a1b2"));
        assert_ne!(hashes[0], hashes[1]);
    }
}
