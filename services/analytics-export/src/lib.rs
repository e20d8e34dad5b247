//! Usage into S3 and Redshift, exactly once.
