//! Running a COPY inside the warehouse's transaction.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::columns::Column;
use super::{CopyCommand, binary, columns, manifest, parquet, role};
use crate::auth::Caller;
use crate::core::{Core, ObjectSource};

/// Chunks of rows under way between the decoder and the warehouse.
const CHUNKS_IN_FLIGHT: usize = 4;

/// Why a COPY failed. The whole transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// Redshift's own words.
    #[error("{0}")]
    Refused(String),
    /// The warehouse refused.
    #[error(transparent)]
    Warehouse(#[from] tokio_postgres::Error),
}

impl CopyError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }
}

/// Loads what the manifest names; gives the number of rows.
pub(crate) async fn run(
    core: &Core,
    account: &str,
    client: &Client,
    command: &CopyCommand,
) -> Result<u64, CopyError> {
    let caller = role::assume(core, account, &command.role)?;
    let objects = core
        .objects
        .get()
        .ok_or_else(|| CopyError::new("there is no S3 on this endpoint"))?;
    let text = objects.read(&caller, &command.bucket, &command.key).await;
    let text = text.map_err(|refusal| {
        CopyError::new(format!(
            "Problem reading manifest file s3://{}/{} - {}",
            command.bucket, command.key, refusal.code
        ))
    })?;
    let entries = manifest::read(&text)?;
    let columns: Arc<[Column]> = columns::of_table(client, command).await?.into();
    let mut rows = 0;
    for entry in &entries {
        let Some(file) = file(objects, &caller, entry).await? else {
            continue;
        };
        rows += load_file(client, command, &columns, file).await?;
    }
    Ok(rows)
}

async fn file(
    objects: &Arc<dyn ObjectSource>,
    caller: &Caller,
    entry: &manifest::Entry,
) -> Result<Option<Bytes>, CopyError> {
    let (bucket, key) = entry.place()?;
    let expected = entry.content_length()?;
    let file = match objects.read(caller, bucket, key).await {
        Ok(file) => file,
        Err(refusal) if refusal.code == "NoSuchKey" && !entry.mandatory => return Ok(None),
        Err(refusal) => {
            return Err(CopyError::new(format!(
                "Problem reading file {} - {}",
                entry.url, refusal.code
            )));
        }
    };
    if file.len() as u64 != expected {
        return Err(CopyError::new(format!(
            "File size mismatch: the manifest says {expected} bytes for {}, the object has {}",
            entry.url,
            file.len()
        )));
    }
    Ok(Some(file))
}

async fn load_file(
    client: &Client,
    command: &CopyCommand,
    columns: &Arc<[Column]>,
    file: Bytes,
) -> Result<u64, CopyError> {
    let names: Vec<_> = columns
        .iter()
        .map(|column| format!("\"{}\"", column.name.replace('"', "\"\"")))
        .collect();
    let copy = format!(
        "copy {} ({}) from stdin (format binary)",
        command.table,
        names.join(", ")
    );
    let mut sink = Box::pin(client.copy_in::<_, Bytes>(copy.as_str()).await?);
    let (sender, mut chunks) = mpsc::channel::<Bytes>(CHUNKS_IN_FLIGHT);
    let columns = Arc::clone(columns);
    // Decoding is work for a processor, not for the thread that answers requests.
    let decoding = tokio::task::spawn_blocking(move || {
        parquet::convert(file, &columns, |chunk| sender.blocking_send(chunk).is_ok())
    });
    sink.send(Bytes::from_static(binary::HEADER)).await?;
    while let Some(chunk) = chunks.recv().await {
        sink.send(chunk).await?;
    }
    let rows = decoding
        .await
        .map_err(|_| CopyError::new("the file could not be decoded"))??;
    sink.send(Bytes::from_static(binary::TRAILER)).await?;
    sink.as_mut().finish().await?;
    Ok(rows)
}
