//! The files: `state.json`, and beside it `journal-<n>` with what has changed since.
//!
//! A line of the journal is one write: a checksum and a list of `[owner, place, state]`. The state file names the
//! journal that goes on from it, so that folding one into the other is done at the moment the new state file has its
//! name; a journal that no state file names is an old one.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::parts::{self, Name};
use super::state::Saved;
use crate::StartError;

/// What one write changed: owner, place, state.
type Line = Vec<(String, String, Value)>;

/// A journal is folded when it is longer than this, and than twice the state.
const JOURNAL_BYTES_MIN: u64 = 8 << 20;

/// The open journal of a data directory.
pub(crate) struct Journal {
    path: PathBuf,
    number: u64,
    file: File,
    /// Whole lines in the file. More than these is what a failed write left.
    bytes: u64,
    /// A write failed, or was given up: the file may hold half a line.
    torn: bool,
    /// Folding began and did not end: the state file may name another journal already.
    disowned: bool,
    state_bytes: u64,
    /// How many changes of the endpoint are on disk.
    covers: u64,
    /// A hash of each part as it was last written, so that what did not change is not written again.
    written: HashMap<Name, u64>,
    /// Parts that wait to be written.
    waiting: BTreeMap<Name, String>,
}

fn state_path(directory: &Path) -> PathBuf {
    directory.join("state.json")
}

fn journal_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("journal-{number}"))
}

impl Journal {
    /// Reads the state file and the journal, counts the start and folds both into a new state file.
    pub(super) async fn open(directory: &Path) -> Result<(Self, Saved), StartError> {
        let (mut saved, number) = read(directory).await?;
        saved.generation += 1;
        let opened = Self::write_new(directory, saved, number + 1).await;
        opened.map_err(|source| StartError::Directory {
            path: directory.to_owned(),
            source,
        })
    }

    /// Writes a state file and begins the journal that it names.
    async fn write_new(directory: &Path, mut saved: Saved, number: u64) -> io::Result<(Self, Saved)> {
        saved.journal = number;
        let text = serde_json::to_vec(&saved)?;
        let file = private(&journal_path(directory, number)).await?;
        let temporary = directory.join("state.json.new");
        let mut out = private(&temporary).await?;
        out.write_all(&text).await?;
        out.sync_all().await?;
        tokio::fs::rename(&temporary, state_path(directory)).await?;
        File::open(directory).await?.sync_all().await?;
        sweep(directory, number).await?;
        let journal = Self {
            path: directory.to_owned(),
            number,
            file,
            bytes: 0,
            torn: false,
            disowned: false,
            state_bytes: text.len() as u64,
            covers: 0,
            written: HashMap::new(),
            waiting: BTreeMap::new(),
        };
        Ok((journal, saved))
    }

    pub(super) fn covers(&self) -> u64 {
        self.covers
    }

    pub(super) fn cover(&mut self, changes: u64) {
        self.covers = changes;
    }

    /// Takes up what differs from what was last written.
    pub(super) fn collect(&mut self, parts: Vec<(Name, Value)>) {
        for (name, state) in parts {
            let text = state.to_string();
            let hash = hash(&text);
            if self.written.insert(name.clone(), hash) != Some(hash) {
                self.waiting.insert(name, text);
            }
        }
    }

    /// Takes note of parts that are on disk already.
    pub(super) fn know(&mut self, parts: Vec<(Name, Value)>) {
        let known = parts.into_iter();
        self.written
            .extend(known.map(|(name, state)| (name, hash(&state.to_string()))));
    }

    /// Whether the next write must fold.
    pub(super) fn must_fold(&self) -> bool {
        self.disowned || self.bytes > JOURNAL_BYTES_MIN.max(self.state_bytes.saturating_mul(2))
    }

    /// Appends what waits and makes it durable. What fails goes on waiting.
    pub(super) async fn append(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if self.torn {
            self.file.set_len(self.bytes).await?;
        }
        // Until the line is whole: whoever waits for this may give up.
        self.torn = true;
        let line = line(&self.waiting);
        self.file.write_all(line.as_bytes()).await?;
        self.file.flush().await?;
        self.file.sync_data().await?;
        self.torn = false;
        self.bytes += line.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Writes the whole state in place of the state file and the journal.
    pub(super) async fn fold(&mut self, saved: Saved) -> io::Result<()> {
        self.disowned = true;
        let (journal, _) = Self::write_new(&self.path, saved, self.number + 1).await?;
        let before = std::mem::replace(self, journal);
        self.covers = before.covers;
        Ok(())
    }
}

/// Removes the journals that the state file does not name.
async fn sweep(directory: &Path, number: u64) -> io::Result<()> {
    let own = format!("journal-{number}");
    let mut entries = tokio::fs::read_dir(directory).await?;
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("journal-") && *name != own {
            tokio::fs::remove_file(entry.path()).await?;
        }
    }
    Ok(())
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// One write; the states are JSON already.
fn line(parts: &BTreeMap<Name, String>) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|(name, state)| format!("[{},{},{state}]", json!(name.owner), json!(name.place)))
        .collect();
    let content = format!("[{}]", parts.join(","));
    format!("{:08x} {content}\n", crc32fast::hash(content.as_bytes()))
}

/// The parts of a line, if it is whole.
fn parse(line: &[u8]) -> Option<Line> {
    let text = std::str::from_utf8(line).ok()?;
    let (checksum, content) = text.split_once(' ')?;
    let expected = u32::from_str_radix(checksum, 16).ok()?;
    if crc32fast::hash(content.as_bytes()) != expected {
        return None;
    }
    serde_json::from_str(content).ok()
}

/// A new file. Keys are in it: for the owner's eyes only.
async fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600);
    options.open(path).await
}

/// The state as it was last acknowledged, and the number of its journal.
async fn read(directory: &Path) -> Result<(Saved, u64), StartError> {
    let path = state_path(directory);
    let text = found(&path).await?;
    let damaged = |path: &Path, source: serde_json::Error| StartError::State {
        path: path.to_owned(),
        source: source.into(),
    };
    let mut saved: Saved = match text {
        Some(text) => serde_json::from_slice(&text).map_err(|error| damaged(&path, error))?,
        None => Saved::default(),
    };
    let number = saved.journal;
    let path = journal_path(directory, number);
    let text = found(&path).await?.unwrap_or_default();
    for parts in whole_lines(&text, &path)? {
        for (owner, place, state) in parts {
            let put = parts::put(&mut saved, Name { owner, place }, state);
            put.map_err(|error| damaged(&path, error))?;
        }
    }
    Ok((saved, number))
}

async fn found(path: &Path) -> Result<Option<Vec<u8>>, StartError> {
    match tokio::fs::read(path).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StartError::Directory {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The lines of a journal but for a torn last one. One that is damaged before others is no torn write, and no guess is
/// made about it.
fn whole_lines(text: &[u8], path: &Path) -> Result<Vec<Line>, StartError> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut whole = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        match line.strip_suffix(b"\n").and_then(parse) {
            Some(parts) => whole.push(parts),
            None if index + 1 == lines.len() => {}
            None => {
                let why = format!("line {} is damaged", index + 1);
                return Err(StartError::State {
                    path: path.to_owned(),
                    source: why.into(),
                });
            }
        }
    }
    Ok(whole)
}
