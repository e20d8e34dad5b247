//! How far AWS's regions are from each other, for latency records.
//!
//! Route 53 answers by latencies that AWS measures all the time and does not publish. Here each region belongs to one of
//! eight parts of the world, and the table holds round trips between these in milliseconds: rough public experience of
//! January 2025, enough for the order of regions and no more.

/// Parts of the world, in the order of the table.
const PARTS: [&str; 8] = [
    "us-east", "us-west", "sa", "eu", "me", "af", "ap-south", "ap-east",
];

const ROUND_TRIPS_MS: [[u32; 8]; 8] = [
    [15, 65, 115, 90, 180, 230, 195, 170],
    [65, 20, 175, 145, 230, 285, 225, 120],
    [115, 175, 10, 195, 290, 340, 310, 270],
    [90, 145, 195, 25, 110, 160, 125, 220],
    [180, 230, 290, 110, 15, 190, 45, 150],
    [230, 285, 340, 160, 190, 10, 260, 340],
    [195, 225, 310, 125, 45, 260, 25, 95],
    [170, 120, 270, 220, 150, 340, 95, 50],
];
/// A region is this far from itself.
const WITHIN_MS: u32 = 2;

/// The round trip between two regions.
pub(super) fn round_trip_ms(one: &str, other: &str) -> u32 {
    if one == other {
        return WITHIN_MS;
    }
    ROUND_TRIPS_MS[part(one)][part(other)]
}

fn part(region: &str) -> usize {
    let name = match region {
        "ca-central-1" => "us-east",
        "ca-west-1" => "us-west",
        "mx-central-1" => "us-west",
        _ if region.starts_with("il-") => "me",
        _ if region.starts_with("ap-south-") => "ap-south",
        _ if region.starts_with("ap-") => "ap-east",
        _ => region.trim_end_matches(|char: char| char == '-' || char.is_ascii_digit()),
    };
    let exact = PARTS.iter().position(|part| *part == name);
    let near = || PARTS.iter().position(|part| name.starts_with(part));
    exact.or_else(near).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_region_is_the_same_one_then_the_same_part_of_the_world() {
        let from = |other| round_trip_ms("eu-central-1", other);
        assert!(from("eu-central-1") < from("eu-west-1"));
        assert!(from("eu-west-1") < from("us-east-1"));
        assert!(from("us-east-1") < from("us-west-2"));
        assert!(from("us-west-2") < from("ap-southeast-2"));
    }

    #[test]
    fn distances_are_the_same_both_ways() {
        for (at, row) in ROUND_TRIPS_MS.iter().enumerate() {
            for (to, trip) in row.iter().enumerate() {
                assert_eq!(*trip, ROUND_TRIPS_MS[to][at]);
            }
        }
    }
}
