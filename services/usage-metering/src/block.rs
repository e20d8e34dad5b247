//! The record on the stream: events of several tenants, compressed together.
//!
//! Layout, version 1, integers little endian: magic `TNUB`, version, codec, 16 bytes of block id, raw
//! length, CRC-32 of the compressed body, body. The body holds the sealing time, then for each tenant its
//! id, how many of its events were rejected at the door, and its events as they were sent. Rejected events
//! travel as a number, so that the books know of them too.
//!
//! The decoder trusts nothing: it checks the sum first and allocates no more than its bounds.

use chrono::{DateTime, Utc};
use tenant_model::TenantId;
use uuid::Uuid;

const MAGIC: &[u8; 4] = b"TNUB";
const VERSION: u8 = 1;
const CODEC_ZSTD: u8 = 1;
const HEADER_BYTES: usize = 30;
const ZSTD_LEVEL: i32 = 3;
/// Largest body the decoder unpacks.
pub const RAW_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most events the decoder takes.
pub const EVENTS_MAX: usize = 65_536;

/// What one record carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Names the block: a copy of it changes nothing.
    pub id: Uuid,
    /// When it was closed; the rejected events are booked on this day.
    pub sealed_at: DateTime<Utc>,
    /// The tenants' parts.
    pub parts: Vec<TenantPart>,
}

/// One tenant's share of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantPart {
    /// From the credential that sent the events.
    pub tenant_id: TenantId,
    /// Events refused at the door.
    pub rejected: u64,
    /// Events that go on, in the order they were sent.
    pub events: Vec<RawEvent>,
}

/// One event as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEvent {
    /// When it arrived at the door.
    pub arrived_at: DateTime<Utc>,
    /// The JSON object.
    pub json: bytes::Bytes,
}

/// Why a record is not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Another producer's, or another version.
    #[error("the record is not a block of a version we know")]
    NotABlock,
    /// Bytes changed on the way.
    #[error("the checksum of the block is wrong")]
    Crc,
    /// The sum is right and the content is not.
    #[error("the block is damaged or beyond its bounds")]
    Damaged,
}

impl Block {
    /// The record's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let raw = self.body();
        let body = zstd::bulk::compress(&raw, ZSTD_LEVEL).expect("compressing memory to memory cannot fail");
        let mut record = Vec::with_capacity(HEADER_BYTES + body.len());
        record.extend_from_slice(MAGIC);
        record.extend_from_slice(&[VERSION, CODEC_ZSTD]);
        record.extend_from_slice(self.id.as_bytes());
        record.extend_from_slice(&u32::try_from(raw.len()).unwrap_or(u32::MAX).to_le_bytes());
        let sum = checksum(&record, &body);
        record.extend_from_slice(&sum.to_le_bytes());
        record.extend_from_slice(&body);
        record
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not an intact block.
    pub fn decode(record: &[u8]) -> Result<Self, BlockError> {
        let (header, body) = record
            .split_at_checked(HEADER_BYTES)
            .ok_or(BlockError::NotABlock)?;
        if header[..4] != *MAGIC || header[4] != VERSION || header[5] != CODEC_ZSTD {
            return Err(BlockError::NotABlock);
        }
        let id = Uuid::from_slice(&header[6..22]).map_err(|_| BlockError::NotABlock)?;
        let number =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let raw_bytes = usize::try_from(number(22)).unwrap_or(usize::MAX);
        if checksum(&header[..26], body) != number(26) {
            return Err(BlockError::Crc);
        }
        if raw_bytes > RAW_BYTES_MAX {
            return Err(BlockError::Damaged);
        }
        let raw = zstd::bulk::decompress(body, raw_bytes).map_err(|_| BlockError::Damaged)?;
        Reader {
            rest: bytes::Bytes::from(raw),
        }
        .block(id)
        .ok_or(BlockError::Damaged)
    }

    fn body(&self) -> Vec<u8> {
        let mut raw = Vec::new();
        raw.extend_from_slice(&self.sealed_at.timestamp_micros().to_le_bytes());
        put_number(&mut raw, self.parts.len() as u64);
        for part in &self.parts {
            raw.extend_from_slice(part.tenant_id.as_uuid().as_bytes());
            put_number(&mut raw, part.rejected);
            put_number(&mut raw, part.events.len() as u64);
            for event in &part.events {
                raw.extend_from_slice(&event.arrived_at.timestamp_micros().to_le_bytes());
                put_number(&mut raw, event.json.len() as u64);
                raw.extend_from_slice(&event.json);
            }
        }
        raw
    }
}

/// Over the header up to the sum itself, and the body: id and length are as precious as the content.
fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(body);
    hasher.finalize()
}

/// Seven bits a byte, the low ones first.
fn put_number(raw: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        raw.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    raw.push(number as u8);
}

/// Takes a body apart; `None` as soon as it says more than it has.
struct Reader {
    rest: bytes::Bytes,
}

impl Reader {
    fn block(mut self, id: Uuid) -> Option<Block> {
        let sealed_at = self.time()?;
        let count = self.number()?;
        let (mut parts, mut events) = (Vec::new(), 0);
        for _ in 0..count {
            let part = self.part()?;
            events += part.events.len();
            if events > EVENTS_MAX {
                return None;
            }
            parts.push(part);
        }
        self.rest.is_empty().then_some(Block { id, sealed_at, parts })
    }

    fn part(&mut self) -> Option<TenantPart> {
        let tenant_id = TenantId::from_uuid(Uuid::from_slice(&self.take(16)?).ok()?);
        let rejected = self.number()?;
        let count = self.number()?;
        if count > EVENTS_MAX as u64 || rejected > u64::from(u32::MAX) {
            return None;
        }
        let mut events = Vec::new();
        for _ in 0..count {
            let arrived_at = self.time()?;
            let length = usize::try_from(self.number()?).ok()?;
            events.push(RawEvent {
                arrived_at,
                json: self.take(length)?,
            });
        }
        Some(TenantPart {
            tenant_id,
            rejected,
            events,
        })
    }

    fn take(&mut self, length: usize) -> Option<bytes::Bytes> {
        (length <= self.rest.len()).then(|| self.rest.split_to(length))
    }

    fn time(&mut self) -> Option<DateTime<Utc>> {
        let bytes = self.take(8)?;
        DateTime::from_timestamp_micros(i64::from_le_bytes(bytes[..].try_into().ok()?))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use tenant_model::TenantId;
    use uuid::Uuid;

    use super::{Block, BlockError, HEADER_BYTES, RawEvent, TenantPart, checksum};

    fn block() -> impl Strategy<Value = Block> {
        let event = (
            0..2_000_000_000_000_000_i64,
            proptest::collection::vec(any::<u8>(), 0..100),
        )
            .prop_map(|(micros, json)| RawEvent {
                arrived_at: DateTime::from_timestamp_micros(micros).unwrap(),
                json: json.into(),
            });
        let part = (
            any::<u128>(),
            0..1_000_u64,
            proptest::collection::vec(event, 0..20),
        )
            .prop_map(|(tenant, rejected, events)| TenantPart {
                tenant_id: TenantId::from_uuid(Uuid::from_u128(tenant)),
                rejected,
                events,
            });
        (any::<u128>(), proptest::collection::vec(part, 0..5)).prop_map(|(id, parts)| Block {
            id: Uuid::from_u128(id),
            sealed_at: DateTime::UNIX_EPOCH,
            parts,
        })
    }

    proptest! {
        #[test]
        fn a_block_reads_back_as_written(block in block()) {
            prop_assert_eq!(Block::decode(&block.encode()), Ok(block));
        }

        #[test]
        fn a_changed_byte_is_found(block in block(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let mut record = block.encode();
            let at = at.index(record.len());
            record[at] ^= 1 << bit;
            prop_assert!(Block::decode(&record).is_err(), "byte {}", at);
        }

        #[test]
        fn any_bytes_are_refused_without_a_panic(record in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Block::decode(&record).is_err());
        }
    }

    #[test]
    fn a_block_that_promises_more_than_it_has_is_damaged() {
        let whole = Block {
            id: Uuid::nil(),
            sealed_at: DateTime::UNIX_EPOCH,
            parts: Vec::new(),
        }
        .encode();
        assert_eq!(Block::decode(&whole[..20]), Err(BlockError::NotABlock));
        let mut bomb = whole.clone();
        bomb[22..26].copy_from_slice(&u32::MAX.to_le_bytes());
        // A sender that means harm gets its sum right.
        let sum = checksum(&bomb[..26], &bomb[HEADER_BYTES..]);
        bomb[26..HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Block::decode(&bomb), Err(BlockError::Damaged));
        let mut broken = whole;
        broken[26] ^= 1;
        assert_eq!(Block::decode(&broken), Err(BlockError::Crc));
    }
}
