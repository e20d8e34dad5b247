//! PostgreSQL's binary COPY form. Source: PostgreSQL, "COPY", "Binary Format"; values as their `…recv` functions read.

use bytes::{BufMut, BytesMut};

/// The file header: signature, flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The end of the data.
pub(super) const TRAILER: &[u8] = &[0xff, 0xff];

/// Days and microseconds between 1970 and PostgreSQL's 2000.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

pub(super) fn null(out: &mut BytesMut) {
    out.put_i32(-1);
}

pub(super) fn bytes(out: &mut BytesMut, value: &[u8]) {
    out.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
    out.put_slice(value);
}

/// Microseconds since 1970; none when PostgreSQL cannot hold the moment.
pub(super) fn timestamp(out: &mut BytesMut, micros: i64) -> Option<()> {
    let value = micros.checked_sub(EPOCH_MICROS)?;
    out.put_i32(8);
    out.put_i64(value);
    Some(())
}

/// Days since 1970.
pub(super) fn date(out: &mut BytesMut, days: i32) -> Option<()> {
    let value = days.checked_sub(EPOCH_DAYS)?;
    out.put_i32(4);
    out.put_i32(value);
    Some(())
}

/// An unscaled decimal: digits in base 10,000, the weight of the first, sign, and digits after the point.
pub(super) fn numeric(out: &mut BytesMut, unscaled: i128, scale: u32) {
    let sign: u16 = if unscaled < 0 { 0x4000 } else { 0 };
    let groups_after_point = scale.div_ceil(4);
    // Digits after the point must fill whole groups of four.
    let padding = 10_u128.pow(groups_after_point * 4 - scale);
    let (mut low, mut high) = widen(unscaled.unsigned_abs(), padding);
    let mut groups = Vec::with_capacity(12);
    while low != 0 || high != 0 {
        let rest;
        (high, low, rest) = divide(high, low);
        groups.push(rest);
    }
    let count = i16::try_from(groups.len()).unwrap_or(i16::MAX);
    let weight = count - 1 - i16::try_from(groups_after_point).unwrap_or(0);
    groups.reverse();
    while groups.last() == Some(&0) {
        groups.pop();
    }
    out.put_i32(8 + 2 * i32::try_from(groups.len()).unwrap_or(0));
    out.put_i16(i16::try_from(groups.len()).unwrap_or(0));
    out.put_i16(if groups.is_empty() { 0 } else { weight });
    out.put_u16(sign);
    out.put_u16(u16::try_from(scale).unwrap_or(0));
    for group in groups {
        out.put_u16(group);
    }
}

/// A product as low and high part in base 10^32, because 38 digits and three more do not fit 128 bits.
fn widen(value: u128, factor: u128) -> (u128, u128) {
    const BASE: u128 = 10_u128.pow(32);
    let low = (value % BASE) * factor;
    let high = (value / BASE) * factor;
    (low % BASE, high + low / BASE)
}

/// Divides by 10,000; 10^32 is a multiple of it, so the parts stay apart.
fn divide(high: u128, low: u128) -> (u128, u128, u16) {
    const SHIFT: u128 = 10_u128.pow(28);
    let carried = high % 10_000;
    let next_low = low / 10_000 + carried * SHIFT;
    (high / 10_000, next_low, u16::try_from(low % 10_000).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(unscaled: i128, scale: u32) -> (i16, u16, Vec<u16>) {
        let mut out = BytesMut::new();
        numeric(&mut out, unscaled, scale);
        let words: Vec<u16> = out[4..]
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(usize::from(words[0]), words.len() - 4);
        (
            i16::from_be_bytes(words[1].to_be_bytes()),
            words[2],
            words[4..].to_vec(),
        )
    }

    #[test]
    fn decimals_become_groups_of_four_digits() {
        assert_eq!(parts(0, 9), (0, 0, vec![]));
        assert_eq!(parts(1_500_000_000, 9), (0, 0, vec![1, 5000]));
        assert_eq!(parts(-12_345_678_901, 9), (0, 0x4000, vec![12, 3456, 7890, 1000]));
        assert_eq!(parts(1, 9), (-3, 0, vec![1000]));
        assert_eq!(parts(12_345_678, 0), (1, 0, vec![1234, 5678]));
        assert_eq!(
            parts(10_i128.pow(38) - 1, 9),
            (
                7,
                0,
                vec![9, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9000]
            )
        );
    }
}
