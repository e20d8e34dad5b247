//! Reads the files back: what `verify-export` counts.
//!
//! The reader sees bytes from a bucket that somebody may have changed, so a file that is not as the manifest
//! says is an ordinary answer here and never a panic.

use bytes::Bytes;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArrayType, DataType, FixedLenByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use tenant_model::export::{Quantity38, Totals};

/// Values read at a time.
const READ_ROWS: usize = 8_192;

/// Rows and sums per meter of one file, from its columns and not from its footer.
///
/// # Errors
/// When the bytes are no file of ours.
pub fn totals(file: Bytes) -> Result<Totals, ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    let mut totals = Totals::default();
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        let meters = column::<ByteArrayType>(group.as_ref(), "meter")?;
        let quantities = column::<FixedLenByteArrayType>(group.as_ref(), "quantity")?;
        if meters.len() != quantities.len() {
            return Err(damaged("columns of different lengths"));
        }
        for (meter, quantity) in meters.iter().zip(&quantities) {
            let meter = meter.as_utf8()?;
            totals
                .add(meter, 1, decimal(quantity.data())?)
                .map_err(|error| damaged(&error.to_string()))?;
        }
    }
    Ok(totals)
}

fn decimal(bytes: &[u8]) -> Result<Quantity38, ParquetError> {
    let sixteen: [u8; 16] = bytes
        .try_into()
        .map_err(|_| damaged("a decimal of another length"))?;
    Quantity38::from_billionths(i128::from_be_bytes(sixteen)).map_err(|error| damaged(&error.to_string()))
}

/// All values of one column of a row group.
pub(crate) fn column<T: DataType>(group: &dyn RowGroupReader, name: &str) -> Result<Vec<T::T>, ParquetError> {
    let columns = group.metadata().columns();
    let index = columns
        .iter()
        .position(|column| column.column_path().string() == name)
        .ok_or_else(|| damaged("a column is missing"))?;
    if columns[index].column_type() != T::get_physical_type() {
        return Err(damaged("a column of another type"));
    }
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(index)?);
    let mut values = Vec::new();
    loop {
        let (read, _, _) = reader.read_records(READ_ROWS, None, None, &mut values)?;
        if read == 0 {
            return Ok(values);
        }
    }
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}
