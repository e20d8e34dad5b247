//! Passwords: argon2id (m = 19,456 KiB, t = 2, p = 1), at most one hash per core at a time.
//!
//! An unknown person costs the same hash as a known one, so that timing does not tell who has an
//! account. The semaphore is part of the control: without it, sign-ins would starve everything else.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::{Ids, Problem, kinds};

/// A password is the only factor, so it is long; there are no rules on its characters.
const LENGTH_MIN: usize = 15;
/// Longer texts only cost time.
const LENGTH_MAX: usize = 256;
/// What people type when they are asked for fifteen characters.
const BLOCKED: [&str; 14] = [
    "password",
    "passwort",
    "123456",
    "qwerty",
    "qwertz",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
    "abc",
    "111111",
    "000000",
    "tenantry",
    "correcthorsebatterystaple",
];

/// Why a new password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too short.
    #[error("needs at least 15 characters")]
    TooShort,
    /// Too long.
    #[error("may have at most 256 bytes")]
    TooLong,
    /// One of the first guesses of anybody.
    #[error("is easy to guess")]
    Guessable,
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    ids: Ids,
    /// The hash that an unknown person's attempt is compared with.
    nobody: Arc<str>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// Prepares hashing with one turn per core.
    #[must_use]
    pub fn new(ids: Ids) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let params = Params::new(19_456, 2, 1, None).expect("these figures are within argon2's bounds");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, b"nobody has this password", &ids.secret_bytes::<16>());
        Self {
            argon2,
            turns: Arc::new(Semaphore::new(cores)),
            ids,
            nobody: nobody.into(),
        }
    }

    /// Judges a new password.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn judge(password: &str) -> Result<(), PasswordProblem> {
        if password.chars().count() < LENGTH_MIN {
            return Err(PasswordProblem::TooShort);
        }
        if password.len() > LENGTH_MAX {
            return Err(PasswordProblem::TooLong);
        }
        if guessable(password) {
            return Err(PasswordProblem::Guessable);
        }
        Ok(())
    }

    /// The text to store for a password (PHC string).
    ///
    /// # Errors
    /// `rate-limited` when every turn is taken.
    pub async fn hash(&self, password: &SecretString) -> Result<String, Problem> {
        let salt = self.ids.secret_bytes::<16>();
        let password = password.clone();
        self.take_turn(move |argon2| hash(argon2, password.expose_secret().as_bytes(), &salt))
            .await
    }

    /// Whether `password` is the one of `stored`; for an unknown person pass none, which costs the same.
    ///
    /// # Errors
    /// `rate-limited` when every turn is taken.
    pub async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, Problem> {
        let known = stored.is_some();
        let reference: Arc<str> = stored.map_or_else(|| self.nobody.clone(), Arc::from);
        let password = password.clone();
        let equal = self
            .take_turn(move |argon2| {
                argon2
                    .verify_password(password.expose_secret().as_bytes(), &*reference)
                    .is_ok()
            })
            .await?;
        Ok(equal && known)
    }

    async fn take_turn<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> R + Send + 'static,
    ) -> Result<R, Problem> {
        let turn = tokio::time::timeout(
            std::time::Duration::from_secs(2),
            self.turns.clone().acquire_owned(),
        );
        let Ok(Ok(turn)) = turn.await else {
            return Err(Problem::of(&kinds::RATE_LIMITED).retry_after(2));
        };
        let argon2 = self.argon2.clone();
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&argon2);
            drop(turn);
            result
        });
        done.await.map_err(|error| Problem::internal(&error))
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8; 16]) -> String {
    argon2
        .hash_password_with_salt(password, salt)
        .expect("salt and output lengths are fixed")
        .to_string()
}

fn guessable(password: &str) -> bool {
    let folded: String = password
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    // A blocked word repeated, or padded by digits, is still the first guess.
    let padded = |word: &str| {
        folded
            .replace(word, "")
            .chars()
            .all(|letter| letter.is_ascii_digit())
    };
    distinct.len() < 5 || BLOCKED.iter().any(|word| folded.contains(word) && padded(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    #[test]
    fn long_and_not_a_first_guess() {
        let table = [
            ("a quiet river at dusk", None),
            ("fourteen chars", Some(PasswordProblem::TooShort)),
            ("passwordpassword", Some(PasswordProblem::Guessable)),
            ("Password12345678", Some(PasswordProblem::Guessable)),
            ("aaaaaaaaaaaaaaaaaaaa", Some(PasswordProblem::Guessable)),
            ("correct horse battery staple", Some(PasswordProblem::Guessable)),
        ];
        for (password, expected) in table {
            assert_eq!(Passwords::judge(password).err(), expected, "{password}");
        }
        assert_eq!(
            Passwords::judge(&"ab cd ef".repeat(40)),
            Err(PasswordProblem::TooLong)
        );
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_person_passes() {
        let passwords = Passwords::new(Ids::seeded(Clock::system(), 1));
        let right = SecretString::from("a quiet river at dusk");
        let stored = passwords.hash(&right).await.expect("a turn is free");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(passwords.verify(&right, Some(&stored)).await, Ok(true));
        assert_eq!(
            passwords
                .verify(&SecretString::from("another one"), Some(&stored))
                .await,
            Ok(false)
        );
        assert_eq!(
            passwords
                .verify(&SecretString::from("nobody has this password"), None)
                .await,
            Ok(false)
        );
    }
}
