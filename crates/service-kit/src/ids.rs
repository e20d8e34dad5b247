//! The only source of ids and secrets: UUIDv7 from the clock plus randomness that a test may seed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::{Builder, Uuid};

use crate::Clock;

/// Draws ids and secrets. Clones share the generator.
#[derive(Clone)]
pub struct Ids {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

struct State {
    random: StdRng,
    last_millisecond: u64,
    counter: u16,
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The generator's state would tell the next secrets.
        f.write_str("Ids(***)")
    }
}

impl Ids {
    /// Ids for production, seeded by the operating system.
    #[must_use]
    pub fn random(clock: Clock) -> Self {
        Self::with(clock, rand::make_rng())
    }

    /// The same ids and secrets for the same seed and times. For tests only: secrets become guessable.
    #[must_use]
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Self::with(clock, StdRng::seed_from_u64(seed))
    }

    fn with(clock: Clock, random: StdRng) -> Self {
        let state = State {
            random,
            last_millisecond: 0,
            counter: 0,
        };
        Self {
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A UUIDv7 that is greater than every earlier one of this generator (RFC 9562, method 1: a
    /// twelve-bit counter behind the millisecond).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (millisecond, counter) = state.next_place(now);
        let mut random = [0u8; 10];
        state.random.fill_bytes(&mut random);
        random[0] = (counter >> 8) as u8;
        random[1] = (counter & 0xff) as u8;
        Builder::from_unix_timestamp_millis(millisecond, &random).into_uuid()
    }

    /// `N` secret random bytes.
    #[must_use]
    pub fn secret_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0u8; N];
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.random.fill_bytes(&mut bytes);
        bytes
    }
}

impl State {
    fn next_place(&mut self, now: u64) -> (u64, u16) {
        if now > self.last_millisecond {
            self.last_millisecond = now;
            self.counter = 0;
        } else if self.counter == 0x0fff {
            // More than 4,096 ids in a millisecond borrow from the next one.
            self.last_millisecond += 1;
            self.counter = 0;
        } else {
            self.counter += 1;
        }
        (self.last_millisecond, self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn ids_of_one_millisecond_still_grow() {
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).expect("in range"));
        let ids = Ids::seeded(clock, 1);
        let drawn: Vec<Uuid> = (0..10_000).map(|_| ids.uuid()).collect();
        assert!(drawn.is_sorted_by(|one, next| one < next));
        assert!(drawn.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).expect("in range"));
        let one = Ids::seeded(clock.clone(), 1).secret_bytes::<32>();
        assert_eq!(one, Ids::seeded(clock.clone(), 1).secret_bytes::<32>());
        assert_ne!(one, Ids::seeded(clock, 2).secret_bytes::<32>());
    }
}
