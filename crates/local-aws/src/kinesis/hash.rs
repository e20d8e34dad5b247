//! Which shard owns a partition key.
//!
//! A partition key is hashed with MD5 to a 128-bit integer, and the shard whose range holds it takes the record; an
//! explicit hash key is that integer itself. Source: API_PutRecord, "MD5 hash function is used to map partition keys
//! to 128-bit integer values".

use md5::{Digest, Md5};

/// The hash key of a partition key.
pub(crate) fn of_partition_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

/// Reads an explicit hash key: decimal, no sign, no leading zero, below 2^128.
pub(crate) fn parse(text: &str) -> Option<u128> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && digits).then(|| text.parse().ok()).flatten()
}

/// Cuts the whole hash space into `count` ranges (inclusive bounds) as CreateStream does: equal steps, and the last
/// range takes what is left over.
pub(crate) fn even_ranges(count: u32) -> Vec<(u128, u128)> {
    let count = u128::from(count.max(1));
    // 2^128 does not fit, and the quotient of 2^128 - 1 differs from it only when `count` is a power of two.
    let exact = count.is_power_of_two() && count > 1;
    let step = u128::MAX / count + u128::from(exact);
    (0..count)
        .map(|index| {
            let start = index.wrapping_mul(step);
            let last = index + 1 == count;
            let end = if last { u128::MAX } else { start + (step - 1) };
            (start, end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ranges_meet_in_the_middle() {
        let half = 1_u128 << 127;
        assert_eq!(even_ranges(2), [(0, half - 1), (half, u128::MAX)]);
    }

    #[test]
    fn ranges_cover_the_space_without_gap_or_overlap() {
        for count in 1..=257 {
            let ranges = even_ranges(count);
            assert_eq!(ranges.len(), count as usize);
            assert_eq!(ranges[0].0, 0);
            assert_eq!(ranges[ranges.len() - 1].1, u128::MAX);
            assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
        }
    }

    #[test]
    fn a_partition_key_hashes_with_md5() {
        // RFC 1321, test suite: MD5 ("abc") = 900150983cd24fb0d6963f7d28e17f72
        assert_eq!(of_partition_key("abc"), 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72);
    }

    #[test]
    fn an_explicit_hash_key_is_canonical_decimal_below_2_128() {
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("340282366920938463463374607431768211455"), Some(u128::MAX));
        for wrong in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            "1 ",
            "340282366920938463463374607431768211456",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
