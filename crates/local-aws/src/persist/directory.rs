//! The data directory belongs to one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::StartError;

/// A directory that this process alone writes to. The system ends the claim with the process, however it ends.
pub(crate) struct Directory {
    lock: File,
    released: AtomicBool,
}

impl Directory {
    /// Makes the directory, if need be, and claims it.
    pub(super) async fn take(path: &Path) -> Result<Self, StartError> {
        let unusable = |source: io::Error| StartError::Directory {
            path: path.to_owned(),
            source,
        };
        tokio::fs::create_dir_all(path).await.map_err(unusable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                lock,
                released: AtomicBool::new(false),
            }),
            Err(TryLockError::WouldBlock) => Err(StartError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    pub(super) fn release(&self) {
        self.released.store(true, Ordering::Release);
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the data directory stays claimed until the process ends");
        }
    }
}
