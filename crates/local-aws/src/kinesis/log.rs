//! The ordered records of one shard.
//!
//! Without a directory the log lives in memory, bounded by retention and by a cap that refuses instead of forgetting.
//! With one, a batch is appended to the newest segment under the shard's lock and acknowledged only after
//! [`Durable::wait`], which lets one fsync cover every batch written before it began. Old records are then kept as
//! places on disk, so memory stays bounded whatever the retention.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::segment::{self, Place};

const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// Data of the newest records kept in memory beside the files.
const RESIDENT_BYTES_MAX: u64 = 32 << 20;
/// Most a shard without a directory may hold; further puts are refused as throttled.
const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// Counters skipped when a log is opened again: a record that was read but lost with the machine never shares its
/// number with a later one.
const COUNTER_GAP: u64 = 1 << 20;

/// One record as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) counter: u64,
    /// Arrival by the endpoint's clock, milliseconds since 1970.
    pub(crate) arrived_ms: i64,
    pub(crate) partition_key: Box<str>,
    pub(crate) data: Bytes,
}

#[derive(Debug)]
enum Kept {
    Memory(Record, Option<Place>),
    Disk {
        counter: u64,
        arrived_ms: i64,
        place: Place,
    },
}

impl Kept {
    fn counter(&self) -> u64 {
        match self {
            Self::Memory(record, _) => record.counter,
            Self::Disk { counter, .. } => *counter,
        }
    }

    fn arrived_ms(&self) -> i64 {
        match self {
            Self::Memory(record, _) => record.arrived_ms,
            Self::Disk { arrived_ms, .. } => *arrived_ms,
        }
    }

    fn segment(&self) -> Option<u64> {
        match self {
            Self::Memory(_, place) => place.map(|place| place.segment),
            Self::Disk { place, .. } => Some(place.segment),
        }
    }

    fn data_bytes(&self) -> u64 {
        match self {
            Self::Memory(record, _) => (record.data.len() + record.partition_key.len()) as u64,
            Self::Disk { place, .. } => u64::from(place.length),
        }
    }
}

#[derive(Debug)]
struct Appender {
    directory: PathBuf,
    file: Arc<File>,
    segment: u64,
    segment_bytes: u64,
    durable: Arc<Durable>,
}

/// How far a shard's writes have reached the disk.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    written: AtomicU64,
    synced: AtomicU64,
    leader: tokio::sync::Mutex<()>,
}

/// A promise that everything up to `written` is safe once [`Ticket::wait`] returns.
#[derive(Debug)]
pub(crate) struct Ticket {
    durable: Arc<Durable>,
    file: Arc<File>,
    written: u64,
}

impl Ticket {
    /// Waits until an fsync has covered this ticket. The first waiter syncs for all that have written by then.
    pub(crate) async fn wait(self) -> io::Result<()> {
        let Self {
            durable,
            file,
            written,
        } = self;
        let _leader = durable.leader.lock().await;
        if durable.synced.load(Ordering::Acquire) >= written {
            return Ok(());
        }
        // Read before the sync: what is written while it runs is covered by the next one only.
        let covers = durable.written.load(Ordering::Acquire);
        tokio::task::spawn_blocking(move || file.sync_data())
            .await
            .map_err(io::Error::other)??;
        durable.synced.fetch_max(covers, Ordering::AcqRel);
        Ok(())
    }
}

/// Why a batch was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// A log without a directory holds as much as it may.
    Full,
    Io(io::Error),
}

/// A page of records and how far it is from the tip.
#[derive(Debug)]
pub(crate) struct PageOfRecords {
    pub(crate) records: Vec<Record>,
    /// Counter from which the next page reads.
    pub(crate) next_counter: u64,
    /// Arrival of the first record not in this page, if there is one.
    pub(crate) next_arrived_ms: Option<i64>,
}

impl PageOfRecords {
    /// Bytes of data and partition keys in the page.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |record: &Record| record.data.len() + record.partition_key.len();
        self.records.iter().map(|record| bytes(record) as u64).sum()
    }
}

/// Bounds of one page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLimit {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

/// The records of one shard, oldest first.
#[derive(Debug)]
pub(crate) struct Log {
    kept: VecDeque<Kept>,
    /// Index of the first entry that may still be in memory; everything before it is on disk.
    first_resident: usize,
    resident_bytes: u64,
    next_counter: u64,
    /// Arrival of the newest record: time never goes back within a shard.
    last_arrived_ms: i64,
    appender: Option<Appender>,
}

impl Log {
    /// A log in memory.
    pub(crate) fn in_memory() -> Self {
        Self {
            kept: VecDeque::new(),
            first_resident: 0,
            resident_bytes: 0,
            next_counter: 1,
            last_arrived_ms: i64::MIN,
            appender: None,
        }
    }

    /// Opens or makes the log of a directory and takes a torn tail away.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let mut log = Self::in_memory();
        let segments = segment::list(directory)?;
        for &number in &segments {
            log.kept.extend(
                segment::recover(directory, number)?
                    .into_iter()
                    .map(|found| Kept::Disk {
                        counter: found.counter,
                        arrived_ms: found.arrived_ms,
                        place: found.place,
                    }),
            );
        }
        log.first_resident = log.kept.len();
        log.last_arrived_ms = log.kept.back().map_or(i64::MIN, Kept::arrived_ms);
        // A file without a whole frame still says how far counting had come.
        let counted = log.kept.back().map(|last| last.counter() + COUNTER_GAP);
        log.next_counter = counted.or(segments.last().copied()).unwrap_or(log.next_counter);
        let number = log.next_counter;
        log.appender = Some(Appender {
            directory: directory.to_owned(),
            file: Arc::new(segment::create(directory, number)?),
            segment: number,
            segment_bytes: 0,
            durable: Arc::default(),
        });
        Ok(log)
    }

    /// Counter the next record will have.
    pub(crate) fn next_counter(&self) -> u64 {
        self.next_counter
    }

    /// Appends a batch; counters are given here. The batch is readable at once and acknowledged after the ticket. To a
    /// full disk it gets half way, as a real one lets it, and nothing of it stays.
    pub(crate) fn append(
        &mut self,
        mut batch: Vec<Record>,
        disk_full: bool,
    ) -> Result<(u64, Option<Ticket>), AppendError> {
        let first = self.next_counter;
        for (record, counter) in batch.iter_mut().zip(first..) {
            record.counter = counter;
            // Two calls may reach the shard in another order than they reached the endpoint.
            record.arrived_ms = record.arrived_ms.max(self.last_arrived_ms);
        }
        let bytes: u64 = batch
            .iter()
            .map(|record| (record.data.len() + record.partition_key.len()) as u64)
            .sum();
        if self.appender.is_none() && self.resident_bytes + bytes > MEMORY_BYTES_MAX {
            return Err(AppendError::Full);
        }
        let (places, ticket) = match &mut self.appender {
            Some(appender) => appender
                .write(&batch, disk_full)
                .map(|(places, ticket)| (places, Some(ticket)))?,
            None if disk_full => return Err(AppendError::Io(io::ErrorKind::StorageFull.into())),
            None => (Vec::new(), None),
        };
        self.next_counter += batch.len() as u64;
        self.last_arrived_ms = batch.last().map_or(self.last_arrived_ms, |last| last.arrived_ms);
        self.resident_bytes += bytes;
        let mut places = places.into_iter();
        self.kept.extend(
            batch
                .into_iter()
                .map(|record| Kept::Memory(record, places.next())),
        );
        self.evict();
        Ok((first, ticket))
    }

    fn evict(&mut self) {
        while self.appender.is_some() && self.resident_bytes > RESIDENT_BYTES_MAX {
            let Some(entry) = self.kept.get_mut(self.first_resident) else {
                return;
            };
            if let Kept::Memory(record, Some(place)) = entry {
                self.resident_bytes -= (record.data.len() + record.partition_key.len()) as u64;
                *entry = Kept::Disk {
                    counter: record.counter,
                    arrived_ms: record.arrived_ms,
                    place: *place,
                };
            }
            self.first_resident += 1;
        }
    }

    /// Forgets what arrived before `horizon_ms`, and the files that held nothing else.
    pub(crate) fn trim(&mut self, horizon_ms: i64) {
        let before = self.kept.front().and_then(Kept::segment);
        while self
            .kept
            .front()
            .is_some_and(|entry| entry.arrived_ms() < horizon_ms)
        {
            if let Some(Kept::Memory(record, _)) = self.kept.pop_front() {
                self.resident_bytes -= (record.data.len() + record.partition_key.len()) as u64;
            }
            self.first_resident = self.first_resident.saturating_sub(1);
        }
        let after = self.kept.front().and_then(Kept::segment);
        if before != after
            && let Some(appender) = &self.appender
        {
            appender.remove_before(after.unwrap_or(appender.segment));
        }
    }

    /// Counter of the first record that arrived at or after the moment; the next counter if there is none.
    pub(crate) fn counter_at(&self, moment_ms: i64) -> u64 {
        let index = self.kept.partition_point(|entry| entry.arrived_ms() < moment_ms);
        self.kept.get(index).map_or(self.next_counter, Kept::counter)
    }

    /// Counter of the oldest record that is still there; the next counter if there is none.
    pub(crate) fn horizon(&self) -> u64 {
        self.kept.front().map_or(self.next_counter, Kept::counter)
    }

    /// Reads from the first record whose counter is at least `from`.
    pub(crate) fn page(&self, from: u64, limit: PageLimit) -> io::Result<PageOfRecords> {
        let start = self.kept.partition_point(|entry| entry.counter() < from);
        let (mut records, mut bytes) = (Vec::new(), 0);
        for entry in self.kept.range(start..) {
            bytes += entry.data_bytes() as usize;
            // The first record always goes, so that a reader with any limit makes progress.
            if records.len() == limit.records || (bytes > limit.bytes && !records.is_empty()) {
                break;
            }
            records.push(self.load(entry)?);
        }
        let next = self.kept.get(start + records.len());
        let after_last = records.last().map_or(from, |record: &Record| record.counter + 1);
        Ok(PageOfRecords {
            next_counter: after_last,
            next_arrived_ms: next.map(Kept::arrived_ms),
            records,
        })
    }

    fn load(&self, entry: &Kept) -> io::Result<Record> {
        match (entry, &self.appender) {
            (Kept::Memory(record, _), _) => Ok(record.clone()),
            (Kept::Disk { place, .. }, Some(appender)) => segment::read(&appender.directory, *place),
            (Kept::Disk { .. }, None) => Err(io::Error::other("a log in memory keeps no places")),
        }
    }
}

impl Appender {
    fn write(&mut self, batch: &[Record], disk_full: bool) -> Result<(Vec<Place>, Ticket), AppendError> {
        if self.segment_bytes > SEGMENT_BYTES_MAX
            && let Some(first) = batch.first()
        {
            self.rotate(first.counter).map_err(AppendError::Io)?;
        }
        let mut buffer = Vec::with_capacity(batch.iter().map(|record| record.data.len() + 64).sum());
        let places = batch
            .iter()
            .map(|record| {
                let (offset, length) = segment::encode(&mut buffer, record);
                Place {
                    segment: self.segment,
                    offset: self.segment_bytes + offset,
                    length,
                }
            })
            .collect();
        if let Err(error) = put(&self.file, &buffer, disk_full) {
            // A half-written batch must not stay before the next one: recovery would stop there.
            self.file.set_len(self.segment_bytes).map_err(AppendError::Io)?;
            return Err(AppendError::Io(error));
        }
        self.segment_bytes += buffer.len() as u64;
        let written = self
            .durable
            .written
            .fetch_add(buffer.len() as u64, Ordering::AcqRel)
            + buffer.len() as u64;
        Ok((
            places,
            Ticket {
                durable: Arc::clone(&self.durable),
                file: Arc::clone(&self.file),
                written,
            },
        ))
    }

    fn rotate(&mut self, first_counter: u64) -> io::Result<()> {
        // Tickets of the old file may still wait; they sync their own handle. What has been synced is counted by file.
        self.file.sync_data()?;
        self.durable = Arc::default();
        self.file = Arc::new(segment::create(&self.directory, first_counter)?);
        self.segment = first_counter;
        self.segment_bytes = 0;
        Ok(())
    }

    fn remove_before(&self, segment: u64) {
        let numbers = segment::list(&self.directory).unwrap_or_default();
        for number in numbers
            .into_iter()
            .filter(|number| *number < segment && *number != self.segment)
        {
            // A file that stays costs disk only; its records are trimmed again after a restart.
            let _ = std::fs::remove_file(segment::path(&self.directory, number));
        }
    }
}

/// Writes a buffer; a disk that a fault fills takes the first half of it.
fn put(mut file: &File, buffer: &[u8], disk_full: bool) -> io::Result<()> {
    if disk_full {
        file.write_all(&buffer[..buffer.len() / 2])?;
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.write_all(buffer)
}

#[cfg(test)]
mod tests;
