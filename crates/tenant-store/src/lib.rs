//! PostgreSQL: one file per aggregate, and the only room with SQL.
