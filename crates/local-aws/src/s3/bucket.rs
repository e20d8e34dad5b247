//! One bucket: its policy, its objects by key and the uploads under way.
//!
//! A put reads and syncs its body first and then, under the bucket's lock, checks its condition and takes the key in
//! one step: of two conditional writers exactly one wins. Each commit has a file of its own, so a reader of the old
//! object never sees the new one's bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use s3s::dto::ETagCondition;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::content::{Content, Sealed, read_facts};
use super::facts::{BucketFacts, ObjectFacts, PartFacts, UploadFacts};
use crate::iam::policy::Document;

/// An object: facts that never change and the bytes they speak of.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) facts: ObjectFacts,
    pub(crate) content: Content,
}

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
        let failed = || {
            S3Error::with_message(
                S3ErrorCode::PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold",
            )
        };
        if let Some(condition) = &self.if_match {
            let existing = existing.ok_or_else(|| S3Error::new(S3ErrorCode::NoSuchKey))?;
            if !matches(condition, existing) {
                return Err(failed());
            }
        }
        if let (Some(condition), Some(existing)) = (&self.if_none_match, existing)
            && matches(condition, existing)
        {
            return Err(failed());
        }
        Ok(())
    }
}

/// Whether an ETag header names this ETag, or any.
pub(crate) fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == etag,
    }
}

struct Settings {
    facts: BucketFacts,
    policy: Option<Document>,
}

/// A bucket and what is in it.
pub(crate) struct Bucket {
    directory: Option<PathBuf>,
    settings: RwLock<Settings>,
    objects: RwLock<BTreeMap<String, Arc<Object>>>,
    uploads: Mutex<BTreeMap<String, Upload>>,
}

impl Bucket {
    /// Makes a bucket; on disk when there is a directory.
    pub(crate) fn create(facts: BucketFacts, directory: Option<PathBuf>) -> io::Result<Self> {
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory.join("objects"))?;
            std::fs::create_dir_all(directory.join("uploads"))?;
        }
        let bucket = Self {
            directory,
            settings: RwLock::new(Settings { facts, policy: None }),
            objects: RwLock::default(),
            uploads: Mutex::default(),
        };
        bucket.save()?;
        Ok(bucket)
    }

    /// Takes up a bucket as it lies on disk; files that were not finished are removed. Gives the highest commit too.
    pub(crate) fn open(directory: PathBuf) -> io::Result<(Self, u64)> {
        let facts: BucketFacts = serde_json::from_slice(&std::fs::read(directory.join("bucket.json"))?)
            .map_err(io::Error::other)?;
        let policy = facts
            .policy
            .as_deref()
            .and_then(|text| Document::resource(text).ok());
        let (mut objects, mut last) = (BTreeMap::<String, Arc<Object>>::new(), 0);
        for path in files(&directory.join("objects"))? {
            let Some(facts) = read_facts::<ObjectFacts>(&path)? else {
                std::fs::remove_file(&path)?;
                continue;
            };
            last = last.max(facts.commit);
            let object = Arc::new(Object {
                content: Content::File(Arc::new(path)),
                facts,
            });
            // Two files of one key: the process ended between the new one's name and the old one's removal.
            let older = match objects.get(&object.facts.key) {
                Some(other) if other.facts.commit > object.facts.commit => Some(object),
                _ => objects.insert(object.facts.key.clone(), object),
            };
            if let Some(older) = older {
                older.content.discard();
            }
        }
        let uploads = uploads(&directory.join("uploads"))?;
        let bucket = Self {
            directory: Some(directory),
            settings: RwLock::new(Settings { facts, policy }),
            objects: RwLock::new(objects),
            uploads: Mutex::new(uploads),
        };
        Ok((bucket, last))
    }

    /// The bucket's facts.
    pub(crate) fn facts(&self) -> BucketFacts {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .facts
            .clone()
    }

    /// The bucket's policy, read.
    pub(crate) fn policy(&self) -> Option<Document> {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .policy
            .clone()
    }

    /// Replaces the policy, or removes it.
    pub(crate) fn set_policy(&self, policy: Option<Document>) -> io::Result<()> {
        {
            let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
            settings.facts.policy = policy.as_ref().map(|document| document.text.to_string());
            settings.policy = policy;
        }
        self.save()
    }

    fn save(&self) -> io::Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let content = serde_json::to_vec_pretty(&self.facts())?;
        crate::kinesis::replace_file(&directory.join("bucket.json"), &content)
    }

    /// Where bodies of objects are written; none in memory.
    pub(crate) fn objects_directory(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.join("objects"))
    }

    /// Where parts of an upload are written; none in memory.
    pub(crate) fn upload_directory(&self, upload: &str) -> Option<PathBuf> {
        self.directory
            .as_ref()
            .map(|directory| directory.join("uploads").join(upload))
    }

    /// Objects by key.
    pub(crate) fn objects(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Object>>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn objects_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Object>>> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uploads by id.
    pub(crate) fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of a key.
    pub(crate) fn object(&self, key: &str) -> Option<Arc<Object>> {
        self.objects().get(key).cloned()
    }

    /// Takes the key for a sealed body if the condition holds.
    pub(crate) fn commit(
        &self,
        sealed: Sealed,
        facts: ObjectFacts,
        condition: &WriteCondition,
    ) -> S3Result<Arc<Object>> {
        let final_path = self
            .objects_directory()
            .map(|directory| directory.join(format!("{}.obj", uuid::Uuid::new_v4())));
        let mut objects = self.objects_mut();
        condition.check(objects.get(&facts.key).map(|object| object.facts.etag.as_str()))?;
        let content = sealed.publish(final_path).map_err(S3Error::internal_error)?;
        let object = Arc::new(Object { facts, content });
        let replaced = objects.insert(object.facts.key.clone(), Arc::clone(&object));
        drop(objects);
        if let Some(replaced) = replaced {
            replaced.content.discard();
        }
        Ok(object)
    }

    /// Removes a key if the condition holds; nothing there is success.
    pub(crate) fn remove(&self, key: &str, if_match: Option<&ETagCondition>) -> S3Result<()> {
        let mut objects = self.objects_mut();
        let Some(object) = objects.get(key) else {
            return Ok(());
        };
        if let Some(condition) = if_match
            && !matches(condition, &object.facts.etag)
        {
            return Err(S3Error::new(S3ErrorCode::PreconditionFailed));
        }
        object.content.discard();
        objects.remove(key);
        Ok(())
    }
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory)?;
    entries.map(|entry| entry.map(|entry| entry.path())).collect()
}

fn uploads(directory: &Path) -> io::Result<BTreeMap<String, Upload>> {
    let mut uploads = BTreeMap::new();
    for home in files(directory)? {
        let Ok(text) = std::fs::read(home.join("upload.json")) else {
            std::fs::remove_dir_all(&home)?;
            continue;
        };
        let facts: UploadFacts = serde_json::from_slice(&text).map_err(io::Error::other)?;
        uploads.insert(
            facts.id.clone(),
            Upload {
                parts: parts(&home)?,
                facts,
            },
        );
    }
    Ok(uploads)
}

fn parts(home: &Path) -> io::Result<BTreeMap<i32, Part>> {
    let mut parts = BTreeMap::<i32, Part>::new();
    for path in files(home)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "part"))
    {
        let Some(facts) = read_facts::<PartFacts>(&path)? else {
            continue;
        };
        let newer = parts
            .get(&facts.number)
            .is_none_or(|part| part.facts.uploaded_at <= facts.uploaded_at);
        if newer {
            parts.insert(
                facts.number,
                Part {
                    content: Content::File(Arc::new(path)),
                    facts,
                },
            );
        }
    }
    Ok(parts)
}
