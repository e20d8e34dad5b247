//! A Parquet file as rows of PostgreSQL's binary COPY, a few thousand rows at a time.

use bytes::{BufMut, Bytes, BytesMut};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::binary;
use super::columns::{Column, Kind, check};
use super::load::CopyError;

/// Rows converted at a time: bounds the memory of one conversion whatever the row group.
const CHUNK_ROWS: usize = 4_096;

impl From<ParquetError> for CopyError {
    fn from(error: ParquetError) -> Self {
        Self::new(format!(
            "Spectrum Scan Error. The file cannot be read as Parquet: {error}"
        ))
    }
}

/// Converts a file and hands out its rows; gives their number. `send` says no when nobody listens any more.
pub(super) fn convert(
    file: Bytes,
    columns: &[Column],
    mut send: impl FnMut(Bytes) -> bool,
) -> Result<u64, CopyError> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    if schema.num_columns() != columns.len() {
        return Err(CopyError::new(format!(
            "Spectrum Scan Error. Unmatched number of columns between table and file. Table columns: {}, Data columns: {}",
            columns.len(),
            schema.num_columns()
        )));
    }
    for (index, column) in columns.iter().enumerate() {
        check(column, &schema.column(index))?;
    }
    let mut rows = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let readers = (0..columns.len()).map(|index| group.get_column_reader(index));
        let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let wanted = left.min(CHUNK_ROWS);
            let chunk = rows_of(&mut readers, columns, wanted)?;
            if !send(chunk) {
                return Ok(rows);
            }
            left -= wanted;
            rows += wanted as u64;
        }
    }
    Ok(rows)
}

/// Fields of one column: encoded one behind the other, and where each ends.
struct Fields {
    encoded: BytesMut,
    ends: Vec<usize>,
}

fn rows_of(readers: &mut [ColumnReader], columns: &[Column], rows: usize) -> Result<Bytes, CopyError> {
    let mut fields = Vec::with_capacity(columns.len());
    for (reader, column) in readers.iter_mut().zip(columns) {
        let read = read(reader, column, rows)?;
        if read.ends.len() != rows {
            return Err(CopyError::new(format!(
                "Spectrum Scan Error. Column '{}' has too few values",
                column.name
            )));
        }
        fields.push(read);
    }
    let mut out =
        BytesMut::with_capacity(fields.iter().map(|field| field.encoded.len()).sum::<usize>() + rows * 2);
    let count = i16::try_from(columns.len()).map_err(|_| CopyError::new("too many columns"))?;
    for row in 0..rows {
        out.put_i16(count);
        for field in &fields {
            let start = if row == 0 { 0 } else { field.ends[row - 1] };
            out.put_slice(&field.encoded[start..field.ends[row]]);
        }
    }
    Ok(out.freeze())
}

fn read(reader: &mut ColumnReader, column: &Column, rows: usize) -> Result<Fields, CopyError> {
    match (reader, column.kind) {
        (ColumnReader::ByteArrayColumnReader(reader), Kind::Text { bytes_max }) => {
            fields(reader, rows, |out, value: &ByteArray| {
                text(out, column, value.data(), bytes_max)
            })
        }
        (ColumnReader::Int32ColumnReader(reader), Kind::SmallInt) => {
            fields(reader, rows, |out, value: &i32| {
                let value = i16::try_from(*value).map_err(|_| out_of_range(column))?;
                binary::bytes(out, &value.to_be_bytes());
                Ok(())
            })
        }
        (ColumnReader::Int32ColumnReader(reader), Kind::Date) => fields(reader, rows, |out, value: &i32| {
            binary::date(out, *value).ok_or_else(|| out_of_range(column))
        }),
        (ColumnReader::Int32ColumnReader(reader), _) => fields(reader, rows, |out, value: &i32| {
            binary::bytes(out, &value.to_be_bytes());
            Ok(())
        }),
        (ColumnReader::Int64ColumnReader(reader), Kind::Timestamp) => {
            fields(reader, rows, |out, value: &i64| {
                binary::timestamp(out, *value).ok_or_else(|| out_of_range(column))
            })
        }
        (ColumnReader::Int64ColumnReader(reader), Kind::Numeric { scale, .. }) => {
            fields(reader, rows, |out, value: &i64| {
                binary::numeric(out, i128::from(*value), scale);
                Ok(())
            })
        }
        (ColumnReader::Int64ColumnReader(reader), _) => fields(reader, rows, |out, value: &i64| {
            binary::bytes(out, &value.to_be_bytes());
            Ok(())
        }),
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Kind::Numeric { scale, precision }) => {
            fields(reader, rows, |out, value: &FixedLenByteArray| {
                let unscaled =
                    unscaled(value.data()).filter(|value| value.unsigned_abs() < 10_u128.pow(precision));
                binary::numeric(out, unscaled.ok_or_else(|| out_of_range(column))?, scale);
                Ok(())
            })
        }
        (ColumnReader::BoolColumnReader(reader), _) => fields(reader, rows, |out, value: &bool| {
            binary::bytes(out, &[u8::from(*value)]);
            Ok(())
        }),
        (ColumnReader::FloatColumnReader(reader), _) => fields(reader, rows, |out, value: &f32| {
            binary::bytes(out, &value.to_be_bytes());
            Ok(())
        }),
        (ColumnReader::DoubleColumnReader(reader), _) => fields(reader, rows, |out, value: &f64| {
            binary::bytes(out, &value.to_be_bytes());
            Ok(())
        }),
        _ => Err(CopyError::new(format!(
            "Spectrum Scan Error. Column '{}' has an unexpected type",
            column.name
        ))),
    }
}

fn fields<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    mut encode: impl FnMut(&mut BytesMut, &T::T) -> Result<(), CopyError>,
) -> Result<Fields, CopyError> {
    let (mut levels, mut values) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut read = 0;
    // A call may stop at the end of a page.
    while read < rows {
        let (records, _, _) = reader.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    let mut fields = Fields {
        encoded: BytesMut::new(),
        ends: Vec::with_capacity(rows),
    };
    let mut values = values.iter();
    for row in 0..read {
        // Without definition levels every value is there.
        let present = levels.get(row).is_none_or(|level| *level > 0);
        match if present { values.next() } else { None } {
            Some(value) => encode(&mut fields.encoded, value)?,
            None => binary::null(&mut fields.encoded),
        }
        fields.ends.push(fields.encoded.len());
    }
    Ok(fields)
}

fn text(out: &mut BytesMut, column: &Column, value: &[u8], bytes_max: usize) -> Result<(), CopyError> {
    let valid = std::str::from_utf8(value).is_ok_and(|text| !text.contains('\0'));
    if !valid {
        return Err(CopyError::new(format!(
            "String contains invalid or unsupported UTF8 codepoints in column '{}'",
            column.name
        )));
    }
    if value.len() > bytes_max {
        return Err(CopyError::new(format!(
            "The length of the data column {} is longer than the length defined in the table. Table: {bytes_max}, Data: {}",
            column.name,
            value.len()
        )));
    }
    binary::bytes(out, value);
    Ok(())
}

fn unscaled(bytes: &[u8]) -> Option<i128> {
    match bytes.len() {
        16 => Some(i128::from_be_bytes(bytes.try_into().ok()?)),
        8 => Some(i128::from(i64::from_be_bytes(bytes.try_into().ok()?))),
        _ => None,
    }
}

fn out_of_range(column: &Column) -> CopyError {
    CopyError::new(format!("A value of column '{}' is out of its range", column.name))
}
