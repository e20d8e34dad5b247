//! Backup windows (`03:00-03:30`, every day) and maintenance windows (`mon:05:00-mon:05:30`, every week), in UTC.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use super::request::invalid;
use crate::error::AwsError;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES: i64 = 24 * 60;
const WEEK_MINUTES: i64 = 7 * DAY_MINUTES;
/// Either window has half an hour at least.
const LEAST_MINUTES: i64 = 30;

pub(super) const BACKUP_DEFAULT: &str = "03:30-04:00";
pub(super) const MAINTENANCE_DEFAULT: &str = "sun:05:00-sun:05:30";

/// Checks both windows, which must not overlap.
pub(super) fn check(backup: &str, maintenance: &str) -> Result<(), AwsError> {
    let (daily, daily_minutes) = span(backup, DAY_MINUTES, minute_of_day)
        .ok_or_else(|| invalid(format!("Invalid backup window format: {backup}")))?;
    let (weekly, weekly_minutes) = span(maintenance, WEEK_MINUTES, minute_of_week)
        .ok_or_else(|| invalid(format!("Invalid maintenance window format: {maintenance}")))?;
    if daily_minutes < LEAST_MINUTES || weekly_minutes < LEAST_MINUTES {
        return Err(invalid("A window must be at least 30 minutes long."));
    }
    // The backup window comes round every day, so that the distance to the last one before is what counts.
    let since_backup = (weekly - daily).rem_euclid(DAY_MINUTES);
    let overlaps = since_backup < daily_minutes || since_backup + weekly_minutes > DAY_MINUTES;
    if overlaps {
        return Err(invalid(
            "The backup window and maintenance window must not overlap.",
        ));
    }
    Ok(())
}

/// When a maintenance window opens next.
pub(super) fn next_opening(maintenance: &str, now: DateTime<Utc>) -> DateTime<Utc> {
    let opens = span(maintenance, WEEK_MINUTES, minute_of_week).map_or(0, |(opens, _)| opens);
    let day = i64::from(now.weekday().num_days_from_monday());
    let minute = day * DAY_MINUTES + i64::from(now.hour() * 60 + now.minute());
    let wait = (opens - minute - 1).rem_euclid(WEEK_MINUTES) + 1;
    now + TimeDelta::minutes(wait) - TimeDelta::seconds(now.second().into())
}

/// Beginning and length in minutes.
fn span(text: &str, cycle: i64, read: fn(&str) -> Option<i64>) -> Option<(i64, i64)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (read(from)?, read(to)?);
    Some((from, (to - from).rem_euclid(cycle)))
}

fn minute_of_day(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str, bound: i64| -> Option<i64> {
        let number = (text.len() == 2).then(|| text.parse().ok())??;
        (0..bound).contains(&number).then_some(number)
    };
    Some(two(hour, 24)? * 60 + two(minute, 60)?)
}

fn minute_of_week(text: &str) -> Option<i64> {
    let (day, time) = text.split_once(':')?;
    let day = DAYS.iter().position(|name| name.eq_ignore_ascii_case(day))?;
    Some(i64::try_from(day).ok()? * DAY_MINUTES + minute_of_day(time)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_and_must_not_overlap() {
        assert!(check(BACKUP_DEFAULT, MAINTENANCE_DEFAULT).is_ok());
        assert!(check("03:00-03:30", "mon:03:15-mon:03:45").is_err());
        assert!(check("23:45-00:15", "tue:00:10-tue:00:40").is_err());
        assert!(check("3:00-4:00", MAINTENANCE_DEFAULT).is_err());
        assert!(check("03:00-03:20", MAINTENANCE_DEFAULT).is_err());
    }

    #[test]
    fn a_window_opens_in_the_week_ahead() {
        let monday: DateTime<Utc> = "2025-01-06T10:00:30Z".parse().expect("a time");
        let opens = next_opening("mon:10:00-mon:10:30", monday);
        assert_eq!(opens.to_rfc3339(), "2025-01-13T10:00:00+00:00");
        let soon = next_opening("mon:10:05-mon:10:35", monday);
        assert_eq!(soon.to_rfc3339(), "2025-01-06T10:05:00+00:00");
    }
}
