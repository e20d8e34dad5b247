//! What survives: the state of everything but streams and objects, which keep their own files.
//!
//! An acknowledged call that changed something is on disk: before it is answered, what it changed is appended to a
//! journal and synced, and calls that wait at the same time share one sync. The journal is folded into the state file
//! at each start, and when it has grown. Calls that only read write nothing. A kill therefore loses nothing that was
//! acknowledged, and finds no half of anything: a torn last line of the journal is a call that was never answered.
//!
//! [`state`] is what is saved, [`parts`] what changed, [`journal`] the files, [`directory`] who may write them.

mod directory;
mod journal;
mod parts;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::Ordering;

use crate::endpoint::Endpoint;
use crate::{Options, StartError};

use directory::Directory;
use journal::Journal;
pub(crate) use state::{Saved, gather, restore, take_back};

/// The files of an endpoint with a data directory.
pub(crate) struct Files {
    directory: Directory,
    journal: tokio::sync::Mutex<Journal>,
}

impl Files {
    /// Takes the directory for this process and reads what it holds; the start is counted before any id of it is
    /// given out, because a kill must not lead to the same ids again.
    pub(crate) async fn open(options: &Options) -> Result<(Option<Self>, Saved), StartError> {
        let Some(path) = &options.data_dir else {
            return Ok((None, Saved::default()));
        };
        let directory = Directory::take(path).await?;
        let (journal, saved) = Journal::open(path).await?;
        let journal = tokio::sync::Mutex::new(journal);
        Ok((Some(Self { directory, journal }), saved))
    }

    /// Takes note of the state that was just read from the files.
    pub(crate) async fn know(&self, endpoint: &Endpoint) {
        self.journal.lock().await.know(parts::changed(endpoint));
    }

    /// Lets another process have the directory; nothing is written from then on.
    pub(crate) fn release(&self) {
        self.directory.release();
    }
}

/// Makes everything durable that has changed by now. Whoever waits here at the same time shares one write.
///
/// # Errors
/// The disk refused; the changes stay to be written next time.
pub(crate) async fn save(endpoint: &Endpoint) -> io::Result<()> {
    let Some(files) = &endpoint.files else {
        return Ok(());
    };
    let wanted = endpoint.core.changes.load(Ordering::Acquire);
    let mut journal = files.journal.lock().await;
    if journal.covers() >= wanted {
        return Ok(());
    }
    if files.directory.is_released() {
        return Err(io::Error::other("the endpoint has stopped"));
    }
    // Read before the state is: what changes after this is covered by the next write only.
    let covers = endpoint.core.changes.load(Ordering::Acquire);
    endpoint.core.keys.forget_ended(endpoint.core.clock.now());
    journal.collect(parts::changed(endpoint));
    let rewritten = endpoint.core.rewrite.swap(false, Ordering::AcqRel);
    let written = if rewritten || journal.must_fold() {
        journal.fold(gather(endpoint)).await
    } else {
        journal.append().await
    };
    if written.is_err() && rewritten {
        endpoint.core.rewrite.store(true, Ordering::Release);
    }
    written?;
    journal.cover(covers);
    Ok(())
}
