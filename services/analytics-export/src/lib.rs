//! Usage into S3 and Redshift, exactly once.

pub mod parquet_file;
pub mod parquet_read;
