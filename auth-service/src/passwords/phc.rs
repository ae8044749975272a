//! Password hashes at rest: argon2id in PHC string format.

use std::str::FromStr;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, KeyId, Params, ParamsBuilder, Version};
use aws_lc_rs::rand;

use crate::error::Error;
use crate::passwords::pepper::Peppers;

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;
/// A stored hash that requires more memory, in KiB, is refused.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;

/// Why a password could not be hashed or checked. Contains neither.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The parameters are out of argon2's range.
    #[error("argon2: {0}")]
    Argon2(#[from] argon2::Error),
    /// The stored text is not an argon2 hash.
    #[error("the stored password hash is broken: {0}")]
    Stored(#[from] argon2::password_hash::phc::Error),
    /// The stored hash is of a kind that this service does not create.
    #[error("the stored password hash is of an unknown kind: {0}")]
    Foreign(#[from] argon2::password_hash::Error),
    /// The stored hash lacks its salt or output, or requires too much memory.
    #[error("the stored password hash is not usable")]
    Unusable,
    /// The stored hash uses a pepper that is missing.
    #[error("a stored password hash needs a pepper that PASSWORD_PEPPER_FILE lacks")]
    PepperMissing,
    /// The system returned no random bytes.
    #[error("no random bytes")]
    Random(#[from] aws_lc_rs::error::Unspecified),
    /// The threads have stopped.
    #[error("the hasher has stopped")]
    Stopped,
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        Self::internal("cannot hash a password")(error)
    }
}

/// The result of a password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is wrong.
    Wrong,
    /// The password is correct, and its hash is current.
    Right,
    /// The password is correct, but its hash has outdated parameters or another pepper.
    RightButOutdated,
}

/// How new passwords are hashed.
#[derive(Clone)]
pub struct Recipe {
    /// `keyid` names the pepper.
    params: Params,
    peppers: Peppers,
}

impl Recipe {
    /// Checks argon2id's parameters.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, HashError> {
        let params = Params::new(memory_kib, iterations, parallelism, Some(OUTPUT_BYTES))?;
        let peppers = Peppers::default();
        Ok(Self { params, peppers })
    }

    /// Uses these peppers, and hashes with the current one.
    pub fn with(mut self, peppers: Peppers) -> Result<Self, HashError> {
        if let Some(kid) = peppers.current() {
            self.params = ParamsBuilder::new()
                .m_cost(self.params.m_cost())
                .t_cost(self.params.t_cost())
                .p_cost(self.params.p_cost())
                .output_len(OUTPUT_BYTES)
                .keyid(KeyId::new(&[kid])?)
                .build()?;
        }
        self.peppers = peppers;
        Ok(self)
    }

    /// The hasher with the pepper that the parameters name.
    fn argon2(
        &self,
        algorithm: Algorithm,
        version: Version,
        params: Params,
    ) -> Result<Argon2<'_>, HashError> {
        if params.keyid().is_empty() {
            return Ok(Argon2::new(algorithm, version, params));
        }
        let pepper = self.peppers.get(params.keyid());
        let pepper = pepper.ok_or(HashError::PepperMissing)?;
        Ok(Argon2::new_with_secret(pepper, algorithm, version, params)?)
    }

    /// Allocates the memory of one hash, which later calls can use again.
    #[must_use]
    pub fn memory(&self) -> Vec<Block> {
        vec![Block::default(); self.params.block_count()]
    }

    /// An estimate of one hash's duration, until one was measured.
    #[must_use]
    pub fn estimated_cost(&self) -> Duration {
        Duration::from_nanos(500) * self.params.m_cost() * self.params.t_cost()
    }

    /// Hashes a password with a fresh salt.
    pub fn hash(&self, password: &[u8], memory: &mut [Block]) -> Result<String, HashError> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt)?;
        let mut output = [0; OUTPUT_BYTES];
        self.argon2(Algorithm::Argon2id, Version::V0x13, self.params.clone())?
            .hash_password_into_with_memory(password, &salt, &mut output, memory)?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(Salt::new(&salt)?),
            hash: Some(Output::new(&output)?),
        };
        Ok(hash.to_string())
    }

    /// Checks a password against a stored hash, with the hash's own parameters.
    pub fn verify(
        &self,
        password: &[u8],
        stored: &str,
        memory: &mut Vec<Block>,
    ) -> Result<Verdict, HashError> {
        let stored = PasswordHash::new(stored)?;
        let params = Params::try_from(&stored)?;
        let algorithm = Algorithm::from_str(stored.algorithm.as_str())?;
        let version = Version::try_from(stored.version.unwrap_or(Version::V0x10.into()))?;
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
            return Err(HashError::Unusable);
        };
        if params.m_cost() > MEMORY_KIB_MAX {
            return Err(HashError::Unusable);
        }

        let argon2 = self.argon2(algorithm, version, params.clone())?;
        let kept = memory.len();
        if params.block_count() > kept {
            memory.resize(params.block_count(), Block::default());
        }
        let mut output = vec![0; expected.len()];
        let computed =
            argon2.hash_password_into_with_memory(password, salt, &mut output, &mut *memory);
        memory.truncate(kept);
        memory.shrink_to_fit();
        computed?;

        // `Output` is compared in constant time.
        if Output::new(&output)? != *expected {
            return Ok(Verdict::Wrong);
        }
        let today =
            algorithm == Algorithm::Argon2id && version == Version::V0x13 && params == self.params;
        Ok(if today {
            Verdict::Right
        } else {
            Verdict::RightButOutdated
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(memory_kib: u32) -> Recipe {
        Recipe::new(memory_kib, 1, 1).unwrap()
    }

    #[test]
    fn a_hash_is_a_phc_string_with_its_parameters() {
        let recipe = Recipe::new(64, 3, 2).unwrap();
        let hash = recipe.hash(b"secret", &mut recipe.memory()).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=3,p=2$"), "{hash}");
    }

    #[test]
    fn only_the_password_is_right() {
        let recipe = recipe(64);
        let mut memory = recipe.memory();
        let hash = recipe.hash(b"secret", &mut memory).unwrap();
        assert_eq!(
            recipe.verify(b"secret", &hash, &mut memory).unwrap(),
            Verdict::Right
        );
        assert_eq!(
            recipe.verify(b"Secret", &hash, &mut memory).unwrap(),
            Verdict::Wrong
        );
        assert_eq!(
            recipe.verify(b"", &hash, &mut memory).unwrap(),
            Verdict::Wrong
        );
    }

    #[test]
    fn a_hash_with_other_parameters_is_checked_with_its_own() {
        let (small, large) = (recipe(64), recipe(256));
        let by_large = large.hash(b"secret", &mut large.memory()).unwrap();
        let mut memory = small.memory();
        let verdict = small.verify(b"secret", &by_large, &mut memory).unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
        assert_eq!(
            small.verify(b"no", &by_large, &mut memory).unwrap(),
            Verdict::Wrong
        );
        assert_eq!(memory.len(), small.memory().len());
    }

    #[test]
    fn the_reference_implementations_hash_is_understood() {
        // From the argon2 crate's tests, created by the C implementation.
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                      $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let verdict = recipe(64)
            .verify(b"password", stored, &mut Vec::new())
            .unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
    }

    #[test]
    fn a_broken_hash_is_an_error_and_not_a_wrong_password() {
        for stored in [
            "",
            "x",
            "$argon2id$",
            "$argon2id$v=19$m=64,t=1,p=1",
            "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$pbkdf2-sha256$i=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            assert!(
                recipe(64).verify(b"a", stored, &mut Vec::new()).is_err(),
                "{stored}"
            );
        }
    }
}
