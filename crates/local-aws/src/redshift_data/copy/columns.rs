//! The target's columns, and which Parquet type each of them takes.
//!
//! Redshift loads columnar files by position and refuses a type that is not exactly the column's.

use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::ColumnDescriptor;
use tokio_postgres::Client;

use super::CopyCommand;
use super::load::CopyError;

/// A column's type with what limits its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// At most so many bytes.
    Text {
        bytes_max: usize,
    },
    SmallInt,
    Integer,
    BigInt,
    Numeric {
        precision: u32,
        scale: u32,
    },
    Timestamp,
    Date,
    Boolean,
    Real,
    Double,
}

/// One column of the target.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The columns COPY fills, in order.
pub(super) async fn of_table(client: &Client, command: &CopyCommand) -> Result<Vec<Column>, CopyError> {
    let rows = client
        .query(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute \
             where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum",
            &[&command.table],
        )
        .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let (name, kind): (String, String) = (row.get(0), row.get(1));
        all.push(Column {
            kind: kind_of(&name, &kind)?,
            name,
        });
    }
    if all.is_empty() {
        return Err(CopyError::new(format!(
            "Cannot COPY into nonexistent table {}",
            command.table
        )));
    }
    if command.columns.is_empty() {
        return Ok(all);
    }
    let chosen = command.columns.iter().map(|wanted| {
        let name = wanted.trim_matches('"').replace("\"\"", "\"");
        let found = all.iter().find(|column| column.name == name).cloned();
        found.ok_or_else(|| {
            CopyError::new(format!(
                "column \"{name}\" of relation {} does not exist",
                command.table
            ))
        })
    });
    chosen.collect()
}

fn kind_of(column: &str, text: &str) -> Result<Kind, CopyError> {
    let unknown = || {
        CopyError::new(format!(
            "COPY into column {column} of type {text} is not supported by local warehouse"
        ))
    };
    let (base, arguments) = text
        .split_once('(')
        .map_or((text, ""), |(base, rest)| (base, rest));
    let mut arguments = arguments
        .trim_end_matches(')')
        .split(',')
        .filter_map(|argument| argument.parse::<u32>().ok());
    let kind = match base {
        "character varying" | "character" => Kind::Text {
            bytes_max: arguments.next().ok_or_else(unknown)? as usize,
        },
        "smallint" => Kind::SmallInt,
        "integer" => Kind::Integer,
        "bigint" => Kind::BigInt,
        "numeric" => Kind::Numeric {
            precision: arguments.next().ok_or_else(unknown)?,
            scale: arguments.next().unwrap_or(0),
        },
        "timestamp without time zone" => Kind::Timestamp,
        "date" => Kind::Date,
        "boolean" => Kind::Boolean,
        "real" => Kind::Real,
        "double precision" => Kind::Double,
        _ => return Err(unknown()),
    };
    Ok(kind)
}

/// Checks that a file's column is exactly what the target takes.
pub(super) fn check(column: &Column, file: &ColumnDescriptor) -> Result<(), CopyError> {
    let mismatch = || {
        CopyError::new(format!(
            "Spectrum Scan Error. File has an incompatible Parquet schema for column '{}': its type is {:?} {:?}, the column's is {:?}",
            column.name,
            file.physical_type(),
            file.logical_type_ref(),
            column.kind,
        ))
    };
    if file.max_rep_level() != 0 || file.max_def_level() > 1 {
        return Err(mismatch());
    }
    if takes(column.kind, file) {
        Ok(())
    } else {
        Err(mismatch())
    }
}

fn takes(kind: Kind, file: &ColumnDescriptor) -> bool {
    let logical = file.logical_type_ref();
    let integer = |bits: i8| matches!(logical, Some(LogicalType::Integer(integer)) if integer.is_signed && integer.bit_width == bits);
    match (kind, file.physical_type()) {
        (Kind::Text { .. }, Physical::BYTE_ARRAY) => {
            matches!(logical, Some(LogicalType::String | LogicalType::Json))
        }
        (Kind::SmallInt, Physical::INT32) => integer(16),
        (Kind::Integer, Physical::INT32) => logical.is_none() || integer(32),
        (Kind::BigInt, Physical::INT64) => logical.is_none() || integer(64),
        (Kind::Date, Physical::INT32) => matches!(logical, Some(LogicalType::Date)),
        (Kind::Timestamp, Physical::INT64) => {
            matches!(logical, Some(LogicalType::Timestamp(timestamp)) if timestamp.unit == TimeUnit::MICROS)
        }
        (Kind::Boolean, Physical::BOOLEAN)
        | (Kind::Real, Physical::FLOAT)
        | (Kind::Double, Physical::DOUBLE) => true,
        // Up to 18 digits Redshift expects eight bytes, above that sixteen.
        (Kind::Numeric { precision, scale }, physical) => {
            let decimal = matches!(logical, Some(LogicalType::Decimal(decimal))
                if u32::try_from(decimal.precision) == Ok(precision) && u32::try_from(decimal.scale) == Ok(scale));
            let width = match physical {
                Physical::INT64 => 8,
                Physical::FIXED_LEN_BYTE_ARRAY => file.type_length(),
                _ => 0,
            };
            decimal && width == if precision <= 18 { 8 } else { 16 }
        }
        _ => false,
    }
}
