//! Each rule that COPY and other readers impose, read back by the crate's own reader.

use bytes::Bytes;
use chrono::{TimeDelta, TimeZone};
use parquet::basic::{Encoding, PageType, Type as PhysicalType};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tenant_model::export::{Quantity38, arrange, totals_of};
use tenant_model::ids::TenantId;

use super::*;
use crate::parquet_read;

const LARGEST: &str = "99999999999999999999999999999.999999999";

fn constants() -> FileConstants {
    FileConstants {
        batch_key: Uuid::from_u128(0xb),
        revision: 0,
        tenant_bucket: 7,
        day: NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day"),
    }
}

fn event(number: u32, quantity: &str) -> BookedEvent {
    let time = Utc
        .with_ymd_and_hms(2026, 11, 1, 12, 0, 0)
        .single()
        .expect("a time")
        + TimeDelta::microseconds(i64::from(number));
    BookedEvent {
        tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
        event_id: format!("evt-{number:06}"),
        source: "urn:test".to_owned(),
        event_type: "rows.scanned".to_owned(),
        meter: if number.is_multiple_of(2) {
            "scans"
        } else {
            "bytes"
        }
        .to_owned(),
        event_time: time,
        ingested_at: time,
        quantity: quantity.parse().expect("a quantity"),
        dimensions: format!("{{\"node\": \"node-{number}\"}}"),
    }
}

fn events(count: u32) -> Vec<BookedEvent> {
    let mut events: Vec<_> = (0..count).map(|number| event(number, "1.000000001")).collect();
    arrange(&mut events);
    events
}

fn read(events: &[BookedEvent]) -> SerializedFileReader<Bytes> {
    let bytes = encode(&constants(), events).expect("encodes");
    SerializedFileReader::new(Bytes::from(bytes)).expect("reads back")
}

#[test]
fn columns_stand_in_the_order_and_types_that_copy_maps_by_position() {
    let reader = read(&events(3));
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns: Vec<String> = schema
        .columns()
        .iter()
        .map(|column| {
            format!(
                "{} {} {:?}",
                column.name(),
                column.physical_type(),
                column.converted_type()
            )
        })
        .collect();
    let expected = [
        "event_id BYTE_ARRAY UTF8",
        "tenant_id BYTE_ARRAY UTF8",
        "meter BYTE_ARRAY UTF8",
        "event_time INT64 TIMESTAMP_MICROS",
        "ingested_at INT64 TIMESTAMP_MICROS",
        "quantity FIXED_LEN_BYTE_ARRAY DECIMAL",
        "event_source BYTE_ARRAY UTF8",
        "event_type BYTE_ARRAY UTF8",
        "dimensions BYTE_ARRAY UTF8",
        "batch_key BYTE_ARRAY UTF8",
        "revision INT32 NONE",
        "schema_id INT32 NONE",
        "tenant_bucket INT32 INT_16",
        "day INT32 DATE",
    ];
    assert_eq!(columns, expected);
}

#[test]
fn no_decimal_is_short_and_no_timestamp_is_int96() {
    let reader = read(&events(3));
    for column in reader.metadata().file_metadata().schema_descr().columns() {
        assert_ne!(column.physical_type(), PhysicalType::INT96, "{}", column.name());
        if column.name() == "quantity" {
            assert_eq!(
                (column.type_precision(), column.type_scale(), column.type_length()),
                (38, 9, 16)
            );
        }
    }
}

#[test]
fn pages_are_of_version_one_and_nothing_is_delta_encoded() {
    let reader = read(&events(5_000));
    let group = reader.get_row_group(0).expect("a row group");
    for (index, column) in group.metadata().columns().iter().enumerate() {
        assert_eq!(
            column.compression(),
            Compression::ZSTD(ZstdLevel::default()),
            "every column is zstd"
        );
        let mut encodings = column.encodings();
        let plain = |encoding| {
            matches!(
                encoding,
                Encoding::PLAIN | Encoding::RLE | Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY
            )
        };
        assert!(encodings.all(plain), "{}", column.column_path());
        for page in group.get_column_page_reader(index).expect("pages") {
            assert_ne!(page.expect("a page").page_type(), PageType::DATA_PAGE_V2);
        }
    }
}

#[test]
fn ids_times_and_quantities_have_no_dictionary_and_the_rest_has_one() {
    let reader = read(&events(5_000));
    for column in reader.metadata().row_group(0).columns() {
        let name = column.column_path().string();
        let expected = DICTIONARY_COLUMNS.contains(&name.as_str());
        assert_eq!(column.dictionary_page_offset().is_some(), expected, "{name}");
    }
}

#[test]
fn only_the_tenant_has_a_bloom_filter_and_free_text_has_no_statistics() {
    let reader = read(&events(100));
    for column in reader.metadata().row_group(0).columns() {
        let name = column.column_path().string();
        assert_eq!(
            column.bloom_filter_offset().is_some(),
            name == "tenant_id",
            "{name}"
        );
        assert_eq!(column.statistics().is_some(), name != "dimensions", "{name}");
    }
}

#[test]
fn quantities_are_exact_to_the_last_of_38_digits() {
    let quantities = [
        LARGEST,
        "-99999999999999999999999999999.999999999",
        "0.000000001",
        "-0.000000001",
        "0",
    ];
    let mut written: Vec<_> = quantities
        .iter()
        .zip(0..)
        .map(|(quantity, number)| event(number, quantity))
        .collect();
    arrange(&mut written);
    let reader = read(&written);
    let group = reader.get_row_group(0).expect("a row group");
    let raw = parquet_read::column::<FixedLenByteArrayType>(group.as_ref(), "quantity").expect("a column");
    let read: Vec<Quantity38> = raw
        .iter()
        .map(|value| {
            let bytes: [u8; 16] = value.data().try_into().expect("sixteen bytes");
            Quantity38::from_billionths(i128::from_be_bytes(bytes)).expect("38 digits")
        })
        .collect();
    assert_eq!(
        read,
        written.iter().map(|event| event.quantity).collect::<Vec<_>>()
    );
}

#[test]
fn times_are_read_back_to_the_microsecond() {
    let written = events(10);
    let reader = read(&written);
    let group = reader.get_row_group(0).expect("a row group");
    let micros = parquet_read::column::<Int64Type>(group.as_ref(), "event_time").expect("a column");
    let expected: Vec<i64> = written
        .iter()
        .map(|event| event.event_time.timestamp_micros())
        .collect();
    assert_eq!(micros, expected);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let written = events(2_000);
    let once = encode(&constants(), &written).expect("encodes");
    assert_eq!(once, encode(&constants(), &written).expect("encodes again"));
    let created_by = String::from_utf8_lossy(&once).contains(CREATED_BY);
    assert!(
        created_by,
        "the writer names itself, and nothing in the footer is a time"
    );
}

#[test]
fn totals_read_from_the_file_are_those_of_the_rows() {
    let written = events(10_001);
    let bytes = Bytes::from(encode(&constants(), &written).expect("encodes"));
    assert_eq!(
        parquet_read::totals(bytes).expect("reads"),
        totals_of(&written).expect("adds up")
    );
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let whole = encode(&constants(), &events(200)).expect("encodes");
    for length in [0, 3, 4, 100, whole.len() - 1] {
        let cut = Bytes::copy_from_slice(&whole[..length]);
        assert!(parquet_read::totals(cut).is_err(), "cut to {length} bytes");
    }
}

/// A row group never grows beyond its bound, so a large window stays splittable.
#[test]
fn many_rows_become_several_row_groups() {
    let one = event(0, "1");
    let rows = vec![one; ROW_GROUP_ROWS + 1];
    let reader = read(&rows);
    let counts: Vec<i64> = reader
        .metadata()
        .row_groups()
        .iter()
        .map(RowGroupMetaData::num_rows)
        .collect();
    assert_eq!(counts, [i64::try_from(ROW_GROUP_ROWS).expect("small"), 1]);
}
