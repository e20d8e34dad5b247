//! What PostgreSQL promises the services: tenants apart, clean connections, an audit chain, stored replies.

mod audit;
mod idempotency;
mod isolation;
mod pool;
