//! The journey through HTTP.
