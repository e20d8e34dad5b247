//! Connections to the PostgreSQL server that plays the warehouse.

use tokio_postgres::{Client, NoTls};

use crate::core::Core;

/// A connection that behaves as Redshift's do: UTC, serializable. Its errors end with it.
pub(super) async fn connect(core: &Core) -> Result<Client, tokio_postgres::Error> {
    let url = core.warehouse_url.as_deref().unwrap_or_default();
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the local warehouse ended");
        }
    });
    client
        .batch_execute(
            "set time zone 'UTC'; set standard_conforming_strings = on; set client_min_messages = error; \
             set default_transaction_isolation = 'serializable'",
        )
        .await?;
    Ok(client)
}

/// The server process behind a connection: what DescribeStatement calls `RedshiftPid`.
pub(super) async fn process_id(client: &Client) -> i64 {
    let asked = client.query_one("select pg_backend_pid()", &[]).await;
    asked
        .and_then(|row| row.try_get::<_, i32>(0))
        .map_or(0, i64::from)
}
