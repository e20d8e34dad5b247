//! The state file: what EC2, IAM, CloudFormation and the key ring hold, as one JSON text in the data directory.
//!
//! It is written whole to a temporary file that then takes the old one's place, so a kill leaves the old or the
//! new state and never half of one. Writes are gathered: at most one a second, and one at a clean stop, so a kill
//! may lose the last second of calls. Streams and objects keep their own files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::StartError;
use crate::auth::Key;
use crate::endpoint::Endpoint;
use crate::iam::IamAccount;

/// The file's content.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// How often the endpoint was started over this directory; seeds the ids.
    pub(crate) generation: u64,
    keys: HashMap<String, Key>,
    iam: std::collections::BTreeMap<String, IamAccount>,
    services: HashMap<String, serde_json::Value>,
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("state.json")
}

/// Reads the file and counts the start. Without a directory or a file the state is empty.
pub(crate) async fn load(data_dir: Option<&Path>) -> Result<Saved, StartError> {
    let Some(data_dir) = data_dir else {
        return Ok(Saved::default());
    };
    tokio::fs::create_dir_all(data_dir).await?;
    let mut saved: Saved = match tokio::fs::read(file(data_dir)).await {
        Ok(text) => serde_json::from_slice(&text).map_err(StartError::State)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Saved::default(),
        Err(error) => return Err(error.into()),
    };
    saved.generation += 1;
    // The start is counted before any id of it is given out: a kill must not lead to the same ids again.
    write(data_dir, &saved).await?;
    Ok(saved)
}

/// Hands the state to its owners.
pub(crate) fn restore(endpoint: &Endpoint, mut saved: Saved) -> Result<(), StartError> {
    endpoint
        .core
        .generation
        .store(saved.generation, std::sync::atomic::Ordering::Relaxed);
    endpoint.core.keys.restore(saved.keys);
    *endpoint.core.iam.lock() = saved.iam;
    for service in &endpoint.services {
        if let Some(state) = saved.services.remove(service.signing_name()) {
            service.restore(state).map_err(StartError::State)?;
        }
    }
    Ok(())
}

/// Writes the file when something changed since the last time.
pub(crate) async fn save(endpoint: &Endpoint) -> std::io::Result<()> {
    let Some(data_dir) = &endpoint.core.data_dir else {
        return Ok(());
    };
    if !endpoint.core.take_dirty() {
        return Ok(());
    }
    endpoint.core.keys.forget_ended(endpoint.core.clock.now());
    let written = write(data_dir, &gather(endpoint)).await;
    if written.is_err() {
        endpoint.core.mark_dirty();
    }
    written
}

pub(crate) fn gather(endpoint: &Endpoint) -> Saved {
    let snapshots = endpoint
        .services
        .iter()
        .map(|service| (service.signing_name().to_owned(), service.snapshot()));
    Saved {
        generation: endpoint
            .core
            .generation
            .load(std::sync::atomic::Ordering::Relaxed),
        keys: endpoint.core.keys.snapshot(),
        iam: endpoint.core.iam.lock().clone(),
        services: snapshots.filter(|(_, state)| !state.is_null()).collect(),
    }
}

async fn write(data_dir: &Path, saved: &Saved) -> std::io::Result<()> {
    let text = serde_json::to_vec(saved)?;
    let temporary = data_dir.join("state.json.new");
    let mut options = tokio::fs::OpenOptions::new();
    // Keys are in it: for the owner's eyes only.
    options.create(true).write(true).truncate(true).mode(0o600);
    let mut out = options.open(&temporary).await?;
    out.write_all(&text).await?;
    out.sync_all().await?;
    tokio::fs::rename(&temporary, file(data_dir)).await
}
