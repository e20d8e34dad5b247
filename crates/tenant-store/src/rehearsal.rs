//! Time for tests: leases and due times follow the database's clock, which nobody can move, so the
//! deadlines move towards it instead.
//!
//! A deadline is any column named `lease_until` or `due_at`. Only a test's world calls this, as superuser
//! on a database of its own.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::StoreError;

/// Lets every lease be over, as if its worker had been silent for too long.
///
/// # Errors
/// When the database does not answer.
pub async fn expire_leases(admin_url: &str) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect(admin_url).await?;
    for (table, column) in deadlines(&mut connection).await? {
        if column == "lease_until" {
            let statement = format!(
                "update {table} set lease_until = now() - interval '1 second' where lease_until > now()"
            );
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await?;
        }
    }
    connection.close().await?;
    Ok(())
}

/// Brings every deadline nearer, as if `by` had passed on the database's clock.
///
/// # Errors
/// When the database does not answer.
pub async fn advance(admin_url: &str, by: Duration) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    for (table, column) in deadlines(&mut connection).await? {
        let statement = format!(
            "update {table} set {column} = {column} - $1 * interval '1 millisecond' where {column} is not null"
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(milliseconds)
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}

/// Every deadline of the schema as quoted names of table and column.
async fn deadlines(connection: &mut PgConnection) -> Result<Vec<(String, String)>, StoreError> {
    let columns = sqlx::query_as(
        "select quote_ident(c.table_name), quote_ident(c.column_name) from information_schema.columns c
           join information_schema.tables t using (table_schema, table_name)
          where table_schema = 'public' and table_type = 'BASE TABLE'
            and c.column_name in ('lease_until', 'due_at')
          order by 1, 2",
    );
    Ok(columns.fetch_all(connection).await?)
}
