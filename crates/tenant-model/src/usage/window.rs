//! Windows of time: half open, kept in UTC, asked for in a zone.
//!
//! What a zone's windows cannot be made of exactly is refused, never rounded: a day in Asia/Kolkata
//! begins at half past an hour and cannot be added up from hours.

use chrono::{DateTime, Days, DurationRound, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Most windows one answer may have.
const WINDOWS_MAX: usize = 10_000;

/// Lengths of the windows that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Granularity {
    /// Sixty seconds; kept for three days.
    Minute,
    /// Sixty minutes.
    Hour,
    /// A day of UTC.
    Day,
}

/// Length of the windows somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSize {
    /// Sixty seconds.
    Minute,
    /// Sixty minutes.
    Hour,
    /// From midnight to midnight in the zone; 23 to 25 hours.
    Day,
    /// The whole span as one window.
    None,
}

/// A span of time cut into windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSpan {
    /// What the windows are added up from.
    pub granularity: Granularity,
    /// The edges, strictly rising; a window is `[edge, next edge)`.
    pub edges: Vec<DateTime<Utc>>,
}

/// Why a span cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpan {
    /// `to` is not after `from`.
    #[error("the span is empty: `to` must lie after `from`")]
    Empty,
    /// An end is not the edge of a window.
    #[error("`from` and `to` must be edges of whole windows in the zone")]
    NotAligned,
    /// The zone's windows do not begin on whole hours of UTC.
    #[error("windows of this zone do not begin on whole hours of UTC")]
    ZoneNotExact,
    /// More than 10,000 windows.
    #[error("an answer has at most 10,000 windows; ask for a shorter span or longer windows")]
    TooLong,
}

impl Granularity {
    /// All lengths, the shortest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long such a window is.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::minutes(1),
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }

    /// The beginning of the window `at` lies in.
    #[must_use]
    pub fn floor(self, at: DateTime<Utc>) -> DateTime<Utc> {
        // Refuses only years that RFC 3339 cannot write.
        at.duration_trunc(self.length()).unwrap_or(at)
    }
}

impl UsageSpan {
    /// Cuts `[from, to)` into windows of `size` in `zone`.
    pub fn cut(
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        size: WindowSize,
        zone: Tz,
    ) -> Result<Self, InvalidSpan> {
        if from >= to {
            return Err(InvalidSpan::Empty);
        }
        let edges = match size {
            WindowSize::Minute => even_edges(from, to, Granularity::Minute)?,
            WindowSize::Hour => even_edges(from, to, Granularity::Hour)?,
            WindowSize::Day => midnights(from, to, zone)?,
            WindowSize::None => vec![from, to],
        };
        let granularity = match size {
            WindowSize::Minute => Granularity::Minute,
            WindowSize::Hour => Granularity::Hour,
            WindowSize::Day | WindowSize::None => coarsest(&edges)?,
        };
        Ok(Self { granularity, edges })
    }

    /// The window in which a kept window beginning at `start` lies.
    #[must_use]
    pub fn index_of(&self, start: DateTime<Utc>) -> Option<usize> {
        let after = self.edges.partition_point(|edge| *edge <= start);
        (after > 0 && after < self.edges.len()).then(|| after - 1)
    }
}

/// The longest kept windows whose edges include all of these.
fn coarsest(edges: &[DateTime<Utc>]) -> Result<Granularity, InvalidSpan> {
    let fits = |granularity: Granularity| edges.iter().all(|edge| granularity.floor(*edge) == *edge);
    if fits(Granularity::Day) {
        return Ok(Granularity::Day);
    }
    if fits(Granularity::Hour) {
        return Ok(Granularity::Hour);
    }
    Err(InvalidSpan::ZoneNotExact)
}

fn even_edges(
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    granularity: Granularity,
) -> Result<Vec<DateTime<Utc>>, InvalidSpan> {
    if granularity.floor(from) != from || granularity.floor(to) != to {
        return Err(InvalidSpan::NotAligned);
    }
    bounded(
        std::iter::successors(Some(from), |edge| Some(*edge + granularity.length())),
        to,
    )
}

fn midnights(from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) -> Result<Vec<DateTime<Utc>>, InvalidSpan> {
    let first = from.with_timezone(&zone).date_naive();
    let days = std::iter::successors(Some(first), |day| day.checked_add_days(Days::new(1)));
    let edges = bounded(days.filter_map(|day| start_of_day(day, zone)), to)?;
    if edges.first() != Some(&from) {
        return Err(InvalidSpan::NotAligned);
    }
    Ok(edges)
}

/// The first moment of a day: where clocks are put forward at midnight, the day begins later.
fn start_of_day(day: chrono::NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=4)
        .find_map(|half_hours| {
            zone.from_local_datetime(&(midnight + TimeDelta::minutes(30 * half_hours)))
                .earliest()
        })
        .map(|moment| moment.with_timezone(&Utc))
}

fn bounded(
    edges: impl Iterator<Item = DateTime<Utc>>,
    to: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, InvalidSpan> {
    let mut kept = Vec::new();
    for edge in edges.take_while(|edge| *edge <= to) {
        if kept.len() > WINDOWS_MAX {
            return Err(InvalidSpan::TooLong);
        }
        kept.push(edge);
    }
    if kept.last() != Some(&to) {
        return Err(InvalidSpan::NotAligned);
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use chrono_tz::Tz;

    use super::{Granularity, InvalidSpan, UsageSpan, WindowSize};

    fn cut(from: &str, to: &str, size: WindowSize, zone: &str) -> Result<UsageSpan, InvalidSpan> {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        UsageSpan::cut((at(from), at(to)), size, zone.parse::<Tz>().unwrap())
    }

    #[test]
    fn hours_and_days_of_utc_are_cut_evenly() {
        let hours = cut(
            "2026-11-01T00:00:00Z",
            "2026-11-02T00:00:00Z",
            WindowSize::Hour,
            "UTC",
        )
        .unwrap();
        assert_eq!((hours.edges.len(), hours.granularity), (25, Granularity::Hour));
        let days = cut(
            "2026-11-01T00:00:00Z",
            "2026-12-01T00:00:00Z",
            WindowSize::Day,
            "UTC",
        )
        .unwrap();
        assert_eq!((days.edges.len(), days.granularity), (31, Granularity::Day));
        assert_eq!(days.index_of("2026-11-30T00:00:00Z".parse().unwrap()), Some(29));
        assert_eq!(days.index_of("2026-12-01T00:00:00Z".parse().unwrap()), None);
        assert_eq!(days.index_of("2026-10-31T23:00:00Z".parse().unwrap()), None);
    }

    #[test]
    fn a_day_in_berlin_has_25_hours_when_the_clocks_go_back() {
        let days = cut(
            "2026-10-24T22:00:00Z",
            "2026-10-26T23:00:00Z",
            WindowSize::Day,
            "Europe/Berlin",
        )
        .unwrap();
        let lengths: Vec<_> = days
            .edges
            .windows(2)
            .map(|edge| (edge[1] - edge[0]).num_hours())
            .collect();
        assert_eq!((lengths, days.granularity), (vec![25, 24], Granularity::Hour));
    }

    #[test]
    fn what_cannot_be_exact_is_refused() {
        let table = [
            (
                "2026-11-01T00:30:00Z",
                "2026-11-02T00:00:00Z",
                WindowSize::Hour,
                "UTC",
                InvalidSpan::NotAligned,
            ),
            (
                "2026-11-01T00:00:00Z",
                "2026-11-02T00:00:00Z",
                WindowSize::Day,
                "Europe/Berlin",
                InvalidSpan::NotAligned,
            ),
            (
                "2026-10-31T18:30:00Z",
                "2026-11-01T18:30:00Z",
                WindowSize::Day,
                "Asia/Kolkata",
                InvalidSpan::ZoneNotExact,
            ),
            (
                "2026-11-01T00:30:00Z",
                "2026-11-02T00:00:00Z",
                WindowSize::None,
                "UTC",
                InvalidSpan::ZoneNotExact,
            ),
            (
                "2026-11-02T00:00:00Z",
                "2026-11-02T00:00:00Z",
                WindowSize::Hour,
                "UTC",
                InvalidSpan::Empty,
            ),
            (
                "2020-01-01T00:00:00Z",
                "2026-01-01T00:00:00Z",
                WindowSize::Hour,
                "UTC",
                InvalidSpan::TooLong,
            ),
        ];
        for (from, to, size, zone, expected) in table {
            assert_eq!(cut(from, to, size, zone), Err(expected), "{from} {to} {zone}");
        }
    }
}
