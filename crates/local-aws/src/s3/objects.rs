//! PutObject, and storing any new version.
//!
//! Sources: API_PutObject; S3 user guide, "Conditional writes".

use md5::{Digest, Md5};
use s3s::S3Request;
use s3s::S3Result;
use s3s::dto::{ETag, PutObjectInput, PutObjectOutput};

use super::bucket::{Bucket, WriteCondition};
use super::checksum::{Checksums, Claim};
use super::content::{Spooled, spool, sync_directory};
use super::facts::{Headers, ObjectFacts, ObjectState};
use super::gate::asking;
use super::reading::{empty, shown_version};
use super::refusal::{internal, invalid_request, not_implemented};
use super::shelf::Object;
use super::writing::{check_headers, said, spoken};
use super::{Ask, S3State, lifecycle};

impl S3State {
    pub(super) async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
        let asking = asking(&request)?;
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        let ask = Ask::key("s3:PutObject", &input.key, input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        if input.write_offset_bytes.is_some() {
            return Err(not_implemented("appending to objects of directory buckets"));
        }
        let body = input.body.take().unwrap_or_else(empty);
        let claim = Claim {
            announced: Claim::announced(&headers, input.checksum_algorithm.as_ref()),
            values: claimed(&input),
            md5: input.content_md5.take(),
            trailers: trailing_headers,
        };
        let condition = WriteCondition {
            if_match: input.if_match.take(),
            if_none_match: input.if_none_match.take(),
        };
        if input.object_lock_mode.is_some() && !claim.is_made() {
            return Err(invalid_request(
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
            ));
        }
        let state = self.beginning(&asking, (&bucket, &input.key), &spoken!(input))?;
        let kept = check_headers(said!(input))?;
        let spooled = spool(body, bucket.objects_directory().as_deref(), claim.hasher()).await?;
        claim.check(&spooled.checksums, &spooled.md5)?;
        let facts = self.facts_of(&bucket, &input.key, (kept, state), &spooled);
        let object = self.store(&bucket, spooled, facts, &condition).await?;
        Ok(put_output(&bucket, &object))
    }

    /// The facts of a new version with this body.
    pub(super) fn facts_of(
        &self,
        bucket: &Bucket,
        key: &str,
        (headers, state): (Headers, ObjectState),
        spooled: &Spooled,
    ) -> ObjectFacts {
        ObjectFacts {
            size: spooled.size,
            etag: self.etag_of(spooled.etag(), &state),
            checksums: spooled.checksums.clone(),
            headers,
            state,
            ..self.new_facts(bucket, key)
        }
    }

    /// An object under a KMS key has an ETag that is not its MD5; API_Object, ETag.
    pub(super) fn etag_of(&self, plain: String, state: &ObjectState) -> String {
        if state.encryption.kms_key.is_none() {
            return plain;
        }
        let mut md5 = Md5::new();
        md5.update(plain);
        md5.update(self.core.ids.bytes::<16>());
        hex::encode(md5.finalize())
    }

    /// Seals a body, takes the key and makes the name durable before anybody hears of it.
    pub(super) async fn store(
        &self,
        bucket: &Bucket,
        spooled: Spooled,
        mut facts: ObjectFacts,
        condition: &WriteCondition,
    ) -> S3Result<std::sync::Arc<Object>> {
        facts.state.replication = self.replication_of(bucket, &facts);
        let sealed = spooled.seal(&facts).await.map_err(internal)?;
        let committed = bucket.commit(sealed, facts, condition)?;
        if let Some(directory) = bucket.objects_directory() {
            sync_directory(directory).await.map_err(internal)?;
        }
        committed
            .replaced
            .iter()
            .for_each(|replaced| bucket.discard(replaced));
        self.replicate_new(bucket, &committed.object)?;
        Ok(committed.object)
    }
}

fn claimed(input: &PutObjectInput) -> Checksums {
    Checksums {
        crc32: input.checksum_crc32.clone(),
        crc32c: input.checksum_crc32c.clone(),
        crc64nvme: input.checksum_crc64nvme.clone(),
        sha1: input.checksum_sha1.clone(),
        sha256: input.checksum_sha256.clone(),
        composite: false,
    }
}

fn put_output(bucket: &Bucket, object: &Object) -> PutObjectOutput {
    let (facts, encryption) = (&object.facts, &object.state.encryption);
    let checksums = facts.checksums.clone();
    PutObjectOutput {
        bucket_key_enabled: encryption.bucket_key_header(),
        e_tag: Some(ETag::Strong(facts.etag.clone())),
        checksum_type: checksums.kind(),
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
        expiration: lifecycle::expiration_header(&bucket.settings(), object),
        server_side_encryption: Some(encryption.algorithm()),
        ssekms_key_id: encryption.kms_key.clone(),
        version_id: shown_version(bucket, object),
        ..PutObjectOutput::default()
    }
}
