//! Tests across the services.
