//! How a bucket lies on disk.
//!
//! ```text
//! <bucket>/bucket.json                    its facts and settings
//! <bucket>/objects/<commit>-<uuid>.obj    a version: bytes, then facts (see `content`)
//! <bucket>/states/<commit>-<uuid>.json    what became of that version, once it has changed
//! <bucket>/uploads/<id>/                  an upload: upload.json and its parts
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bucket::{Part, Upload};
use super::content::{Content, read_facts};
use super::facts::{ObjectFacts, PartFacts, UploadFacts};
use super::shelf::{Object, Shelf};

/// Digits of a commit's number in a file's name.
const COMMIT_DIGITS: usize = 19;

/// What was found of a bucket.
#[derive(Default)]
pub(super) struct Found {
    pub(super) shelf: Shelf,
    pub(super) last_commit: i64,
    pub(super) uploads: BTreeMap<String, Upload>,
}

/// Where versions lie.
pub(super) fn objects(home: &Path) -> PathBuf {
    home.join("objects")
}

fn states(home: &Path) -> PathBuf {
    home.join("states")
}

/// Where uploads lie.
pub(super) fn uploads(home: &Path) -> PathBuf {
    home.join("uploads")
}

/// Makes the folders of a bucket.
pub(super) fn prepare(home: &Path) -> io::Result<()> {
    for folder in [objects(home), states(home), uploads(home)] {
        std::fs::create_dir_all(folder)?;
    }
    Ok(())
}

/// The file of a new version or part.
pub(super) fn file_of(directory: &Path, (commit, kind): (i64, &str)) -> PathBuf {
    let name = format!("{commit:0COMMIT_DIGITS$}-{}.{kind}", uuid::Uuid::new_v4());
    directory.join(name)
}

/// The file of a version's state.
pub(super) fn state_of(home: &Path, object: &Path) -> PathBuf {
    let name = object.file_stem().unwrap_or_default();
    states(home).join(name).with_extension("json")
}

/// The number in a version's file name; older files have none and come first.
fn commit_of(path: &Path) -> i64 {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.split_once('-')
        .filter(|(digits, _)| digits.len() == COMMIT_DIGITS)
        .and_then(|(digits, _)| digits.parse().ok())
        .unwrap_or(0)
}

/// Reads what is whole and removes what is not.
pub(super) fn read(home: &Path) -> io::Result<Found> {
    let mut files = files(&objects(home))?;
    files.sort_by_key(|path| commit_of(path));
    let mut found = Found {
        uploads: read_uploads(&uploads(home))?,
        ..Found::default()
    };
    for path in files {
        let Some(facts) = read_facts::<ObjectFacts>(&path)? else {
            std::fs::remove_file(&path)?;
            continue;
        };
        found.last_commit = found.last_commit.max(commit_of(&path));
        let object = Arc::new(Object {
            state: read_state(home, &path)?.unwrap_or_else(|| facts.state.clone()),
            facts,
            content: Content::File(Arc::new(path)),
        });
        // The process ended between the new version's name and the old one's removal.
        if let Some(replaced) = found.shelf.put(object) {
            replaced.content.discard();
        }
    }
    let parts = found.uploads.values().flat_map(|upload| upload.parts.values());
    let last_part = parts.filter_map(|part| part.content.file()).map(commit_of).max();
    found.last_commit = found.last_commit.max(last_part.unwrap_or(0));
    sweep_states(home)?;
    Ok(found)
}

fn read_state<T: serde::de::DeserializeOwned>(home: &Path, object: &Path) -> io::Result<Option<T>> {
    match std::fs::read(state_of(home, object)) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sweep_states(home: &Path) -> io::Result<()> {
    for state in files(&states(home))? {
        let name = state.file_stem().unwrap_or_default();
        let whole = state.extension().is_some_and(|kind| kind == "json");
        if !whole || !objects(home).join(name).with_extension("obj").exists() {
            std::fs::remove_file(&state)?;
        }
    }
    Ok(())
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory)?;
    entries.map(|entry| entry.map(|entry| entry.path())).collect()
}

fn read_uploads(directory: &Path) -> io::Result<BTreeMap<String, Upload>> {
    let mut uploads = BTreeMap::new();
    for home in files(directory)? {
        let Ok(text) = std::fs::read(home.join("upload.json")) else {
            std::fs::remove_dir_all(&home)?;
            continue;
        };
        let facts: UploadFacts = serde_json::from_slice(&text).map_err(io::Error::other)?;
        let parts = read_parts(&home)?;
        uploads.insert(facts.id.clone(), Upload { facts, parts });
    }
    Ok(uploads)
}

fn read_parts(home: &Path) -> io::Result<BTreeMap<i32, Part>> {
    let mut parts = BTreeMap::<i32, Part>::new();
    let mut paths = files(home)?;
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "part"));
    // Of two files for one number the later commit counts.
    paths.sort_by_key(|path| commit_of(path));
    for path in paths {
        if let Some(facts) = read_facts::<PartFacts>(&path)? {
            let content = Content::File(Arc::new(path));
            if let Some(older) = parts.insert(facts.number, Part { facts, content }) {
                older.content.discard();
            }
        }
    }
    Ok(parts)
}
