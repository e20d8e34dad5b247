//! How long to wait before trying again: full jitter, doubling up to five minutes.

use std::time::Duration;

use service_kit::Ids;

const PAUSE_MAX: Duration = Duration::from_secs(300);
/// 2^9 times the base is beyond [`PAUSE_MAX`] for any sensible base.
const DOUBLINGS_MAX: u32 = 9;

/// A pause between nothing and the ceiling of the `attempt`-th try, drawn evenly: many deployments that
/// failed together do not come back together.
pub(super) fn pause(ids: &Ids, base: Duration, attempt: i32) -> Duration {
    let drawn = u64::from_be_bytes(ids.secret_bytes::<8>());
    share(ceiling(base, attempt), drawn)
}

/// Between nine and eleven tenths of `interval`, so that passes spread over time.
pub(super) fn spread(ids: &Ids, interval: Duration) -> Duration {
    let drawn = u64::from_be_bytes(ids.secret_bytes::<8>());
    interval * 9 / 10 + share(interval / 5, drawn)
}

fn ceiling(base: Duration, attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt).unwrap_or(0).min(DOUBLINGS_MAX);
    base.saturating_mul(1 << doublings).min(PAUSE_MAX)
}

fn share(ceiling: Duration, drawn: u64) -> Duration {
    let span = u64::try_from(ceiling.as_micros())
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    Duration::from_micros(drawn % span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_and_stops_at_five_minutes() {
        let second = Duration::from_secs(1);
        let ceilings = [0, 1, 2, 8, 9, 1000].map(|attempt| ceiling(second, attempt).as_secs());
        assert_eq!(ceilings, [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn a_share_never_exceeds_its_ceiling() {
        let ceiling = Duration::from_millis(200);
        for drawn in [0, 1, 200_000, 200_001, u64::MAX] {
            assert!(share(ceiling, drawn) <= ceiling, "{drawn}");
        }
        assert_eq!(share(Duration::ZERO, u64::MAX), Duration::ZERO);
    }
}
