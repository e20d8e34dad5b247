//! Figures and times as people read them. Everything comes from integers and decimals; nothing is a float.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

/// A whole number in groups of three: `1,234,567`.
pub(crate) fn count(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let grouped = group(&number.unsigned_abs().to_string());
    if number < 0 {
        format!("−{grouped}")
    } else {
        grouped
    }
}

/// A quantity, at most three digits after the point and no zeros at the end: `1,234.5`.
pub(crate) fn quantity(value: Decimal) -> String {
    let rounded = value
        .round_dp_with_strategy(3, RoundingStrategy::MidpointAwayFromZero)
        .normalize();
    let text = rounded.abs().to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if rounded.is_sign_negative() && !rounded.is_zero() {
        "−"
    } else {
        ""
    };
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{part}", group(whole))
}

/// A quantity in at most four signs, for axes and key figures: `12.4k`, `1.2M`.
pub(crate) fn brief(value: Decimal) -> String {
    let units = [
        (1_000_000_000_000_i64, "T"),
        (1_000_000_000, "G"),
        (1_000_000, "M"),
        (10_000, "k"),
    ];
    for (floor, unit) in units {
        if value.abs() >= Decimal::from(floor) {
            let scale = if unit == "k" { 1_000 } else { floor };
            let scaled = value / Decimal::from(scale);
            let digits = if scaled.abs() >= Decimal::ONE_HUNDRED {
                0
            } else {
                1
            };
            return format!("{}{unit}", scaled.round_dp(digits).normalize());
        }
    }
    quantity(value)
}

/// `23 Nov 2026, 19:02 UTC`.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

/// `23 Nov 2026, 19:02:41 UTC`.
pub(crate) fn moment_precise(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M:%S UTC").to_string()
}

/// A length of time in its two largest units: `3 min 20 s`.
pub(crate) fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds == 0 => "under 1 s".to_owned(),
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// One thing or several: `1 resource`, `3 resources`.
pub(crate) fn things(number: i64, one: &str, several: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { several })
}

/// The unit of a meter behind an amount: `row` is "rows". Symbols such as `GB` and units in the plural stay.
pub(crate) fn unit(unit: &str) -> String {
    let is_word = unit.len() > 2 && unit.chars().all(|letter| letter.is_ascii_lowercase());
    match unit {
        "query" => "queries".to_owned(),
        _ if is_word && !unit.ends_with('s') => format!("{unit}s"),
        _ => unit.to_owned(),
    }
}

/// A wire word as people read it: `awaiting_role` is "Awaiting role".
pub(crate) fn words(wire: &str) -> String {
    let names = ["vpc", "ip", "aws", "api", "id"];
    let word = |word: &str| {
        if names.contains(&word) {
            word.to_uppercase()
        } else {
            word.to_owned()
        }
    };
    let spaced = wire
        .split(['_', '-', '.'])
        .map(word)
        .collect::<Vec<_>>()
        .join(" ");
    let mut letters = spaced.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn group(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn figures_are_grouped_and_never_say_more_than_they_know() {
        let rows = [
            (quantity(decimal("0")), "0"),
            (quantity(decimal("999")), "999"),
            (quantity(decimal("1234567.5000")), "1,234,567.5"),
            (quantity(decimal("-0.0004")), "0"),
            (quantity(decimal("-1200")), "−1,200"),
            (count(1_000), "1,000"),
            (brief(decimal("9999")), "9,999"),
            (brief(decimal("12440")), "12.4k"),
            (brief(decimal("1250000")), "1.2M"),
            (brief(decimal("734000000000")), "734G"),
        ];
        for (shown, expected) in rows {
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn lengths_of_time_show_two_units() {
        let rows = [
            (0, "under 1 s"),
            (59, "59 s"),
            (200, "3 min 20 s"),
            (7_260, "2 h 1 min"),
            (90_000, "1 d 1 h"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(duration(TimeDelta::seconds(seconds)), expected);
        }
    }

    #[test]
    fn units_stand_in_the_plural() {
        let shown = ["row", "query", "seconds", "GB", "s", "GiB-hour"].map(unit);
        assert_eq!(shown, ["rows", "queries", "seconds", "GB", "s", "GiB-hour"]);
    }

    #[test]
    fn wire_words_become_sentence_case() {
        assert_eq!(words("awaiting_role"), "Awaiting role");
        assert_eq!(words("elastic_ip"), "Elastic IP");
        assert_eq!(words(""), "");
    }
}
