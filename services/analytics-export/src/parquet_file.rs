//! Writes the events of one partition as one Parquet file.
//!
//! The bytes are a function of the rows alone: fixed writer settings, a fixed `created_by`, no clock, no
//! hash order. The rules that the readers impose (COPY maps by position and is strict about types) are in
//! [`SCHEMA`] and [`properties`], and each has its test below.
//!
//! The low-level writer is used instead of Arrow's, because the rows are already sorted and one file is open
//! at a time: nothing is buffered but the column being written.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use tenant_model::export::{BookedEvent, EVENTS_SCHEMA_ID};
use uuid::Uuid;

/// Stands in every file. Another writer, another text: a file must never differ without saying why.
const CREATED_BY: &str = "tenantry analytics-export, events schema 1";

/// Rows of a row group. COPY of a large file is split by row group.
const ROW_GROUP_ROWS: usize = 131_072;

/// Rows converted to Parquet's values at a time; bounds the copy that the conversion needs.
const CONVERTED_ROWS: usize = 4_096;

/// Tenants of one file for which the Bloom filter keeps its rate. A bucket rarely holds more.
const TENANTS_PER_FILE: u64 = 4_096;

/// Columns in the order in which COPY loads them, which is by position and not by name.
///
/// Timestamps are microseconds, because nanoseconds and INT96 are read as other years by some readers;
/// the decimal has 38 digits, because COPY expects shorter ones in eight bytes and writers disagree.
pub const SCHEMA: &str = "message events {
  required binary event_id (STRING);
  required binary tenant_id (STRING);
  required binary meter (STRING);
  required int64 event_time (TIMESTAMP(MICROS, true));
  required int64 ingested_at (TIMESTAMP(MICROS, true));
  required fixed_len_byte_array(16) quantity (DECIMAL(38, 9));
  required binary event_source (STRING);
  required binary event_type (STRING);
  required binary dimensions (STRING);
  required binary batch_key (STRING);
  required int32 revision;
  required int32 schema_id;
  required int32 tenant_bucket (INTEGER(16, true));
  required int32 day (DATE);
}";

/// Few distinct values in a file, so a dictionary pays. For ids, times and quantities it would only cost.
const DICTIONARY_COLUMNS: [&str; 8] = [
    "meter",
    "event_source",
    "event_type",
    "batch_key",
    "revision",
    "schema_id",
    "tenant_bucket",
    "day",
];

/// Values that are equal in every row of a file and stand in it because COPY adds no columns.
#[derive(Clone, Copy, Debug)]
pub struct FileConstants {
    /// See `BatchIdentity::batch_key`.
    pub batch_key: Uuid,
    /// See `BatchIdentity::revision`.
    pub revision: i32,
    /// Partition by tenant.
    pub tenant_bucket: i16,
    /// Partition by day.
    pub day: NaiveDate,
}

/// The bytes of a file with `events`, which must be sorted and of one partition.
///
/// # Errors
/// Only if the Parquet writer refuses its own settings, which is a mistake of ours.
pub fn encode(constants: &FileConstants, events: &[BookedEvent]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties()?))?;
    for rows in events.chunks(ROW_GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        write_events(&mut group, rows)?;
        write_constants(&mut group, constants, rows)?;
        group.close()?;
    }
    writer.into_inner()
}

/// The order of the calls is the order of [`SCHEMA`].
fn write_events(group: &mut Group<'_>, rows: &[BookedEvent]) -> Result<(), ParquetError> {
    column::<ByteArrayType>(group, rows, |event| text(&event.event_id))?;
    column::<ByteArrayType>(group, rows, |event| text(&event.tenant_id.as_uuid().to_string()))?;
    column::<ByteArrayType>(group, rows, |event| text(&event.meter))?;
    column::<Int64Type>(group, rows, |event| event.event_time.timestamp_micros())?;
    column::<Int64Type>(group, rows, |event| event.ingested_at.timestamp_micros())?;
    column::<FixedLenByteArrayType>(group, rows, |event| {
        FixedLenByteArray::from(event.quantity.to_be_bytes().to_vec())
    })?;
    column::<ByteArrayType>(group, rows, |event| text(&event.source))?;
    column::<ByteArrayType>(group, rows, |event| text(&event.event_type))?;
    column::<ByteArrayType>(group, rows, |event| text(&event.dimensions))
}

fn write_constants(
    group: &mut Group<'_>,
    constants: &FileConstants,
    rows: &[BookedEvent],
) -> Result<(), ParquetError> {
    let batch_key = text(&constants.batch_key.to_string());
    let day = days_since_epoch(constants.day)?;
    column::<ByteArrayType>(group, rows, |_| batch_key.clone())?;
    column::<Int32Type>(group, rows, |_| constants.revision)?;
    column::<Int32Type>(group, rows, |_| EVENTS_SCHEMA_ID)?;
    column::<Int32Type>(group, rows, |_| i32::from(constants.tenant_bucket))?;
    column::<Int32Type>(group, rows, |_| day)
}

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn column<T: DataType>(
    group: &mut Group<'_>,
    rows: &[BookedEvent],
    value: impl Fn(&BookedEvent) -> T::T,
) -> Result<(), ParquetError> {
    let too_few = || ParquetError::General("the schema has fewer columns than are written".to_owned());
    let mut column = group.next_column()?.ok_or_else(too_few)?;
    for some in rows.chunks(CONVERTED_ROWS) {
        let values: Vec<T::T> = some.iter().map(&value).collect();
        column.typed::<T>().write_batch(&values, None, None)?;
    }
    column.close()
}

fn text(value: &str) -> ByteArray {
    ByteArray::from(value)
}

fn days_since_epoch(day: NaiveDate) -> Result<i32, ParquetError> {
    let days = day
        .signed_duration_since(DateTime::<Utc>::UNIX_EPOCH.date_naive())
        .num_days();
    i32::try_from(days).map_err(|_| ParquetError::General("a day outside Parquet's DATE".to_owned()))
}

/// Data pages of version 1 without delta encodings, because many readers lack them; zstd 3, which COPY reads.
fn properties() -> Result<WriterProperties, ParquetError> {
    let tenant_id = ColumnPath::from("tenant_id");
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_enabled(false)
        // Free text: its extremes prune nothing and would repeat a tenant's data in the footer.
        .set_column_statistics_enabled(ColumnPath::from("dimensions"), EnabledStatistics::None)
        .set_column_bloom_filter_enabled(tenant_id.clone(), true)
        .set_column_bloom_filter_max_ndv(tenant_id, TENANTS_PER_FILE);
    for name in DICTIONARY_COLUMNS {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), true);
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests;
