//! One bucket: its settings, the versions of its keys and the uploads under way.
//!
//! A put reads and syncs its body first and then, under the bucket's lock, checks its condition and takes the key in
//! one step: of two conditional writers exactly one wins. Each commit has a file of its own, named by its number, so a
//! reader of the old object never sees the new one's bytes, and a restart finds the order of the versions again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use s3s::dto::ETagCondition;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::content::{Content, Sealed};
use super::disk;
use super::facts::{BucketFacts, ObjectFacts, ObjectState, PartFacts, UploadFacts};
use super::refusal::{internal, refused};
use super::shelf::{Object, Shelf};
use crate::iam::policy::Document;

/// A part of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) facts: PartFacts,
    pub(crate) content: Content,
}

/// An upload under way.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) facts: UploadFacts,
    pub(crate) parts: BTreeMap<i32, Part>,
}

/// When a write may take its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteCondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    /// API_PutObject, If-Match and If-None-Match. `existing` is the ETag of the object that has the key.
    pub(crate) fn check(&self, existing: Option<&str>) -> S3Result<()> {
        if let Some(condition) = &self.if_match {
            let existing = existing.ok_or_else(|| S3Error::new(S3ErrorCode::NoSuchKey))?;
            if !matches(condition, existing) {
                return Err(precondition_failed());
            }
        }
        if let (Some(condition), Some(existing)) = (&self.if_none_match, existing)
            && matches(condition, existing)
        {
            return Err(precondition_failed());
        }
        Ok(())
    }
}

/// 412 `PreconditionFailed`.
pub(crate) fn precondition_failed() -> S3Error {
    refused(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

/// Whether an ETag header names this ETag, or any.
pub(crate) fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == etag,
    }
}

/// What a bucket is and how it is configured, with its policy read.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) facts: BucketFacts,
    pub(crate) policy: Option<Document>,
}

/// A version that has taken its key.
pub(crate) struct Committed {
    pub(crate) object: Arc<Object>,
    /// The null version that it took the place of; its file goes once the new name is durable.
    pub(crate) replaced: Option<Arc<Object>>,
}

/// A bucket and what is in it.
pub(crate) struct Bucket {
    directory: Option<PathBuf>,
    settings: RwLock<Arc<Settings>>,
    shelf: RwLock<Shelf>,
    /// Number of the last commit; the order of a key's versions on disk.
    commits: AtomicI64,
    uploads: Mutex<BTreeMap<String, Upload>>,
    /// The day, counted from 1970, on which the lifecycle rules were last applied.
    lifecycle_day: AtomicI64,
}

impl Bucket {
    /// Makes a bucket; on disk when there is a directory.
    pub(crate) fn create(facts: BucketFacts, directory: Option<PathBuf>) -> io::Result<Self> {
        if let Some(directory) = &directory {
            disk::prepare(directory)?;
        }
        let bucket = Self::with(
            Settings { facts, policy: None },
            directory,
            disk::Found::default(),
        );
        bucket.save(&bucket.settings())?;
        Ok(bucket)
    }

    /// Takes up a bucket as it lies on disk; files that were not finished are removed.
    pub(crate) fn open(directory: PathBuf) -> io::Result<Self> {
        disk::prepare(&directory)?;
        let facts: BucketFacts = serde_json::from_slice(&std::fs::read(directory.join("bucket.json"))?)
            .map_err(io::Error::other)?;
        let text = facts.policy.as_deref();
        let policy = text.and_then(|text| Document::resource(text).ok());
        let found = disk::read(&directory)?;
        Ok(Self::with(Settings { facts, policy }, Some(directory), found))
    }

    fn with(settings: Settings, directory: Option<PathBuf>, found: disk::Found) -> Self {
        Self {
            directory,
            settings: RwLock::new(Arc::new(settings)),
            shelf: RwLock::new(found.shelf),
            commits: AtomicI64::new(found.last_commit),
            uploads: Mutex::new(found.uploads),
            lifecycle_day: AtomicI64::new(i64::MIN),
        }
    }

    /// The bucket as it is set up now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the settings; durable before anybody sees them.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut Settings)) -> S3Result<()> {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Settings::clone(&settings);
        change(&mut changed);
        self.save(&changed).map_err(internal)?;
        *settings = Arc::new(changed);
        self.lifecycle_day.store(i64::MIN, Ordering::Relaxed);
        Ok(())
    }

    fn save(&self, settings: &Settings) -> io::Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let content = serde_json::to_vec_pretty(&settings.facts)?;
        crate::kinesis::replace_file(&directory.join("bucket.json"), &content)
    }

    /// Whether the lifecycle rules are still to be applied on this day; says yes once a day.
    pub(crate) fn begin_lifecycle_day(&self, day: i64) -> bool {
        self.lifecycle_day.swap(day, Ordering::Relaxed) != day
    }

    /// Where bodies of objects are written; none in memory.
    pub(crate) fn objects_directory(&self) -> Option<PathBuf> {
        self.directory.as_deref().map(disk::objects)
    }

    /// Where parts of an upload are written; none in memory.
    pub(crate) fn upload_directory(&self, upload: &str) -> Option<PathBuf> {
        self.directory
            .as_deref()
            .map(|home| disk::uploads(home).join(upload))
    }

    /// The versions of all keys.
    pub(crate) fn shelf(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf_mut(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uploads by id.
    pub(crate) fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of a key.
    pub(crate) fn object(&self, key: &str) -> Option<Arc<Object>> {
        self.shelf().current(key).cloned()
    }

    /// A version of a key, by its id; without one the newest, be it a delete marker.
    pub(crate) fn version(&self, key: &str, id: Option<&str>) -> Option<Arc<Object>> {
        let shelf = self.shelf();
        let versions = shelf.keys.get(key)?;
        let found = match id {
            Some(id) => versions.find(id),
            None => versions.latest(),
        };
        found.cloned()
    }

    /// Takes the key for a sealed body if the condition holds.
    pub(crate) fn commit(
        &self,
        sealed: Sealed,
        facts: ObjectFacts,
        condition: &WriteCondition,
    ) -> S3Result<Committed> {
        let mut shelf = self.shelf_mut();
        require_open(&shelf)?;
        condition.check(shelf.current(&facts.key).map(|object| object.facts.etag.as_str()))?;
        let content = sealed.publish(self.next_file()).map_err(internal)?;
        let object = Arc::new(Object {
            state: facts.state.clone(),
            facts,
            content,
        });
        let replaced = shelf.put(Arc::clone(&object));
        Ok(Committed { object, replaced })
    }

    /// Takes over a version of another bucket as it is, under another state.
    pub(crate) fn adopt(&self, object: &Object, state: ObjectState) -> S3Result<()> {
        let mut shelf = self.shelf_mut();
        require_open(&shelf)?;
        let adopted = Object {
            facts: object.facts.clone(),
            state,
            content: match self.next_file() {
                Some(path) => Content::File(Arc::new(path)),
                None => object.content.clone(),
            },
        };
        // The state first: without it the version would begin as its source did.
        self.save_state(&adopted).map_err(internal)?;
        object.content.link_to(&adopted.content).map_err(internal)?;
        let replaced = shelf.put(Arc::new(adopted));
        drop(shelf);
        replaced.iter().for_each(|replaced| self.discard(replaced));
        self.sync().map_err(internal)
    }

    /// Changes the state of a version; durable before anybody sees it. `None` when the version is not there.
    pub(crate) fn change<R>(
        &self,
        key: &str,
        id: &str,
        change: impl FnOnce(&Object, &mut ObjectState) -> S3Result<R>,
    ) -> S3Result<Option<R>> {
        let mut shelf = self.shelf_mut();
        let Some(object) = shelf.keys.get(key).and_then(|versions| versions.find(id)) else {
            return Ok(None);
        };
        let mut changed = Object::clone(object);
        let outcome = change(object, &mut changed.state)?;
        if changed.state != object.state {
            self.save_state(&changed).map_err(internal)?;
            shelf.exchange(Arc::new(changed));
        }
        Ok(Some(outcome))
    }

    /// Removes a version for good if `check` lets it go; nothing there is success.
    pub(crate) fn remove(
        &self,
        key: &str,
        id: &str,
        check: impl FnOnce(&Object) -> S3Result<()>,
    ) -> S3Result<Option<Arc<Object>>> {
        let mut shelf = self.shelf_mut();
        let Some(object) = shelf.keys.get(key).and_then(|versions| versions.find(id)) else {
            return Ok(None);
        };
        check(object)?;
        self.discard(object);
        let taken = shelf.take(key, id);
        drop(shelf);
        self.sync().map_err(internal)?;
        Ok(taken)
    }

    /// Ends the bucket unless it holds a version.
    pub(crate) fn close(&self) -> bool {
        let mut shelf = self.shelf_mut();
        shelf.closed = shelf.keys.is_empty();
        shelf.closed
    }

    fn next_file(&self) -> Option<PathBuf> {
        self.objects_directory()
            .map(|directory| disk::file_of(&directory, (self.next_commit(), "obj")))
    }

    /// The file of a new part in an upload's folder.
    pub(crate) fn next_part_file(&self, upload: &Path) -> PathBuf {
        disk::file_of(upload, (self.next_commit(), "part"))
    }

    fn next_commit(&self) -> i64 {
        self.commits.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn save_state(&self, object: &Object) -> io::Result<()> {
        match self.state_file(object) {
            Some(file) => crate::kinesis::replace_file(&file, &serde_json::to_vec(&object.state)?),
            None => Ok(()),
        }
    }

    fn state_file(&self, object: &Object) -> Option<PathBuf> {
        let home = self.directory.as_deref()?;
        object.content.file().map(|path| disk::state_of(home, path))
    }

    /// Removes the files of a version that is no more.
    pub(crate) fn discard(&self, object: &Object) {
        object.content.discard();
        if let Some(file) = self.state_file(object) {
            // A state without its version is swept at the next start.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Makes the names of new and removed objects durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.objects_directory() {
            Some(directory) => std::fs::File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn require_open(shelf: &Shelf) -> S3Result<()> {
    if shelf.closed {
        return Err(no_bucket());
    }
    Ok(())
}

/// 404 `NoSuchBucket`.
pub(crate) fn no_bucket() -> S3Error {
    refused(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
}

/// Whether this is the home of a bucket; facts are written last, so one without them never was a bucket.
pub(crate) fn is_home(directory: &Path) -> bool {
    directory.join("bucket.json").exists()
}
