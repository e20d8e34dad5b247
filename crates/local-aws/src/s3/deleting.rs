//! DeleteObject and DeleteObjects: of a named version for good, or of a key.
//!
//! In a bucket with versions a key is not deleted but covered with a delete marker. Sources: API_DeleteObject,
//! API_DeleteObjects; S3 user guide, "Deleting object versions from a versioning-enabled bucket".

use s3s::dto::{
    self, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, ETagCondition,
    ObjectIdentifier,
};
use s3s::{S3Request, S3Result};

use super::bucket::{Bucket, WriteCondition, matches, precondition_failed};
use super::content::Sealed;
use super::facts::ObjectFacts;
use super::gate::asking;
use super::lock::may_remove;
use super::reading::{check_version_id, wanted};
use super::refusal::{internal, malformed_xml, not_implemented};
use super::shelf::{NULL, Object};
use super::{Ask, Asking, S3State, mishap};

/// Most keys of one DeleteObjects call.
const DELETE_KEYS_MAX: usize = 1_000;

/// What shall be deleted.
struct Doomed<'a> {
    key: &'a str,
    version: Option<&'a str>,
    condition: Option<ETagCondition>,
    bypass: Option<bool>,
    expected_owner: Option<&'a String>,
}

/// What a deletion did.
#[derive(Default)]
struct Deleted {
    /// The version that went, or the marker that came.
    version: Option<String>,
    /// Whether that is a delete marker.
    marker: bool,
}

impl S3State {
    pub(super) fn delete_object(
        &self,
        request: &S3Request<DeleteObjectInput>,
    ) -> S3Result<DeleteObjectOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
            return Err(not_implemented("conditions of directory buckets"));
        }
        let wanted = wanted!(input);
        let doomed = Doomed {
            key: wanted.key,
            version: wanted.version,
            condition: input.if_match.clone(),
            bypass: input.bypass_governance_retention,
            expected_owner: wanted.expected_owner,
        };
        let deleted = self.delete(&asking, wanted.bucket, &doomed)?;
        Ok(DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version,
            request_charged: None,
        })
    }

    pub(super) fn delete_objects(
        &self,
        request: &S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let objects = &input.delete.objects;
        if objects.is_empty() || objects.len() > DELETE_KEYS_MAX {
            return Err(malformed_xml());
        }
        self.bucket(&input.bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for wanted in objects {
            let doomed = Doomed {
                key: &wanted.key,
                version: wanted.version_id.as_deref(),
                condition: wanted.e_tag.clone().map(ETagCondition::ETag),
                bypass: input.bypass_governance_retention,
                expected_owner: input.expected_bucket_owner.as_ref(),
            };
            let done =
                mishap::refuse_key(&wanted.key).and_then(|()| self.delete(&asking, &input.bucket, &doomed));
            match done {
                Ok(done) => deleted.push(deleted_view(wanted, done)),
                Err(error) => errors.push(dto::Error {
                    key: Some(wanted.key.clone()),
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    version_id: wanted.version_id.clone(),
                }),
            }
        }
        let quiet = input.delete.quiet.unwrap_or_default();
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            request_charged: None,
        })
    }

    fn delete(&self, asking: &Asking, bucket: &str, doomed: &Doomed<'_>) -> S3Result<Deleted> {
        check_version_id(doomed.version)?;
        let ask = Ask::key("s3:DeleteObject", doomed.key, doomed.expected_owner)
            .version((doomed.version, "s3:DeleteObjectVersion"));
        let bucket = self.permitted(asking, bucket, ask)?;
        if let Some(id) = doomed.version {
            return self.delete_version(asking, &bucket, (doomed, id));
        }
        if bucket.settings().facts.config.versioning.is_none() {
            bucket.remove(doomed.key, NULL, |object| check(object, doomed))?;
            return Ok(Deleted::default());
        }
        let condition = WriteCondition {
            if_match: doomed.condition.clone(),
            if_none_match: None,
        };
        let facts = self.marker(&bucket, doomed.key);
        let marker = self.cover(&bucket, facts, &condition)?;
        Ok(Deleted {
            version: Some(marker),
            marker: true,
        })
    }

    fn delete_version(
        &self,
        asking: &Asking,
        bucket: &Bucket,
        (doomed, id): (&Doomed<'_>, &str),
    ) -> S3Result<Deleted> {
        let bypass = self.bypass(asking, (bucket, doomed.key), doomed.bypass)?;
        let now = self.now();
        let taken = bucket.remove(doomed.key, id, |object| {
            check(object, doomed)?;
            may_remove(&object.state, now, bypass)
        })?;
        Ok(Deleted {
            version: Some(id.to_owned()),
            marker: taken.is_some_and(|object| object.facts.delete_marker),
        })
    }

    /// The facts of a new delete marker.
    pub(super) fn marker(&self, bucket: &Bucket, key: &str) -> ObjectFacts {
        let mut facts = ObjectFacts {
            delete_marker: true,
            ..self.new_facts(bucket, key)
        };
        facts.state.replication = self.replication_of(bucket, &facts);
        facts
    }

    /// Puts a delete marker on a key; gives its version id.
    pub(super) fn cover(
        &self,
        bucket: &Bucket,
        facts: ObjectFacts,
        condition: &WriteCondition,
    ) -> S3Result<String> {
        let sealed = Sealed::marker(bucket.objects_directory(), &facts).map_err(internal)?;
        let committed = bucket.commit(sealed, facts, condition)?;
        bucket.sync().map_err(internal)?;
        committed
            .replaced
            .iter()
            .for_each(|replaced| bucket.discard(replaced));
        self.replicate_new(bucket, &committed.object)?;
        Ok(committed.object.version_id().to_owned())
    }
}

fn check(object: &Object, doomed: &Doomed<'_>) -> S3Result<()> {
    let holds = |condition| matches(condition, &object.facts.etag);
    if doomed.condition.as_ref().is_none_or(holds) {
        return Ok(());
    }
    Err(precondition_failed())
}

/// A marker that came and a marker that went are told apart by where its id stands.
fn deleted_view(wanted: &ObjectIdentifier, done: Deleted) -> dto::DeletedObject {
    dto::DeletedObject {
        key: Some(wanted.key.clone()),
        version_id: wanted.version_id.clone(),
        delete_marker: done.marker.then_some(true),
        delete_marker_version_id: done.version.filter(|_| done.marker),
    }
}
