//! Records of one shard on disk: append-only files of checked frames.
//!
//! A frame is `length u32 · crc32 u32 · payload`; the payload is `counter u64 · arrival i64 · key length u16 · key ·
//! data`, all little-endian. A file is named by its first counter. Only the last frames of the newest file can be torn
//! by a crash; they were never acknowledged, so recovery cuts them off. See [`super::log`] for who appends when.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::log::Record;

const HEADER_BYTES: usize = 8;
const FIXED_PAYLOAD_BYTES: usize = 18;
/// No record is longer than 1 MiB and a key than 1 KiB; a larger length is a torn or foreign frame.
const PAYLOAD_BYTES_MAX: usize = (1 << 20) + 2048;

/// Where a record lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// First counter of the file that holds it.
    pub(crate) segment: u64,
    /// Start of the payload within the file.
    pub(crate) offset: u64,
    /// Length of the payload.
    pub(crate) length: u32,
}

/// What recovery learns of one frame; the data stays on disk.
pub(crate) struct Recovered {
    pub(crate) counter: u64,
    pub(crate) arrived_ms: i64,
    pub(crate) place: Place,
}

/// Path of the file whose first record has this counter.
pub(crate) fn path(directory: &Path, segment: u64) -> PathBuf {
    directory.join(format!("{segment:020}.seg"))
}

/// Appends one frame to `buffer`; gives the offset of its payload within the buffer and the payload's length.
pub(crate) fn encode(buffer: &mut Vec<u8>, record: &Record) -> (u64, u32) {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEADER_BYTES]);
    buffer.extend_from_slice(&record.counter.to_le_bytes());
    buffer.extend_from_slice(&record.arrived_ms.to_le_bytes());
    let key_bytes =
        u16::try_from(record.partition_key.len()).expect("keys are checked to have at most 1 KiB");
    buffer.extend_from_slice(&key_bytes.to_le_bytes());
    buffer.extend_from_slice(record.partition_key.as_bytes());
    buffer.extend_from_slice(&record.data);
    let payload = start + HEADER_BYTES;
    let length = u32::try_from(buffer.len() - payload).expect("records are checked to have at most 1 MiB");
    let checksum = crc32fast::hash(&buffer[payload..]);
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
    buffer[start + 4..payload].copy_from_slice(&checksum.to_le_bytes());
    (payload as u64, length)
}

/// Opens a new file for appending and makes its name durable.
pub(crate) fn create(directory: &Path, segment: u64) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(path(directory, segment))?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

/// Reads one record back.
pub(crate) fn read(directory: &Path, place: Place) -> io::Result<Record> {
    let file = File::open(path(directory, place.segment))?;
    let mut payload = vec![0; place.length as usize];
    file.read_exact_at(&mut payload, place.offset)?;
    decode(payload).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "damaged record"))
}

fn decode(payload: Vec<u8>) -> Option<Record> {
    let counter = u64::from_le_bytes(payload.get(0..8)?.try_into().ok()?);
    let arrived_ms = i64::from_le_bytes(payload.get(8..16)?.try_into().ok()?);
    let key_bytes = usize::from(u16::from_le_bytes(
        payload.get(16..FIXED_PAYLOAD_BYTES)?.try_into().ok()?,
    ));
    let key_end = FIXED_PAYLOAD_BYTES + key_bytes;
    let partition_key = std::str::from_utf8(payload.get(FIXED_PAYLOAD_BYTES..key_end)?)
        .ok()?
        .into();
    let data = Bytes::from(payload).slice(key_end..);
    Some(Record {
        counter,
        arrived_ms,
        partition_key,
        data,
    })
}

/// Files of the directory, by first counter, oldest first.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<u64>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number: Option<u64> = name
            .to_str()
            .and_then(|name| name.strip_suffix(".seg"))
            .and_then(|stem| stem.parse().ok());
        segments.extend(number);
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Walks a file's whole frames and cuts a torn tail off, so that the next append follows a whole frame.
pub(crate) fn recover(directory: &Path, segment: u64) -> io::Result<Vec<Recovered>> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path(directory, segment))?;
    let bytes = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 18, &file);
    let (mut found, mut offset) = (Vec::new(), 0_u64);
    while let Some(payload) = next_frame(&mut reader)? {
        let place = Place {
            segment,
            offset: offset + HEADER_BYTES as u64,
            length: u32::try_from(payload.len()).unwrap_or(u32::MAX),
        };
        offset = place.offset + u64::from(place.length);
        let Some(record) = decode(payload) else { break };
        found.push(Recovered {
            counter: record.counter,
            arrived_ms: record.arrived_ms,
            place,
        });
    }
    if offset < bytes {
        file.set_len(offset)?;
        file.sync_all()?;
    }
    Ok(found)
}

/// The next whole frame's payload, or `None` at the end or at the first frame that does not check.
fn next_frame(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER_BYTES];
    if !fill(reader, &mut header)? {
        return Ok(None);
    }
    let [l0, l1, l2, l3, c0, c1, c2, c3] = header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if !(FIXED_PAYLOAD_BYTES..=PAYLOAD_BYTES_MAX).contains(&length) {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    let whole =
        fill(reader, &mut payload)? && crc32fast::hash(&payload) == u32::from_le_bytes([c0, c1, c2, c3]);
    Ok(whole.then_some(payload))
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file so that after a crash either the old or the new content is there, never a mixture.
pub(crate) fn replace_file(target: &Path, content: &[u8]) -> io::Result<()> {
    let directory = target.parent().unwrap_or_else(|| Path::new("."));
    let temporary = target.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, target)?;
    File::open(directory)?.sync_all()
}
