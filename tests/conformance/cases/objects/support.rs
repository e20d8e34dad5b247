//! What the cases of S3 share: a bucket that is gone after the case, writes and reads.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::operation::create_bucket::builders::CreateBucketFluentBuilder;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Tag, Tagging,
    VersioningConfiguration,
};
use chrono::TimeDelta;
use conformance::{Aws, aws, controlled_with};
use local_aws::{Clock, Options};

/// A client of an account, or of other keys.
pub(crate) fn client_of(config: &SdkConfig) -> Client {
    Client::from_conf(Builder::from(config).force_path_style(true).build())
}

/// A bucket of the vendor.
pub(crate) struct Bucket {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// Runs a case on a new bucket and deletes the bucket with all that is in it.
pub(crate) async fn on_bucket(case: impl AsyncFnOnce(&Aws, &Bucket)) {
    let aws = aws().await;
    let bucket = Bucket::create(&aws).await;
    case(&aws, &bucket).await;
    bucket.delete().await;
}

/// Ten in the morning of the first of March 2026, so that days can be counted.
pub(crate) const MORNING: &str = "2026-03-01T10:00:00Z";

/// An endpoint that stands still at [`MORNING`], with a bucket.
pub(crate) async fn on_a_morning() -> Option<(Aws, Bucket)> {
    let clock = Clock::manual(MORNING.parse().expect("a time"));
    let aws = controlled_with(Options {
        clock,
        ..Options::default()
    })
    .await?;
    let bucket = Bucket::create(&aws).await;
    Some((aws, bucket))
}

/// The same with a bucket that keeps versions.
pub(crate) async fn versioned_on_a_morning() -> Option<(Aws, Bucket)> {
    let (aws, bucket) = on_a_morning().await?;
    bucket.set_versioning(BucketVersioningStatus::Enabled).await;
    Some((aws, bucket))
}

/// The setting that puts a bucket into a region.
pub(crate) fn in_region(region: &str) -> CreateBucketConfiguration {
    CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region))
        .build()
}

impl Bucket {
    pub(crate) async fn create(aws: &Aws) -> Self {
        Self::create_with(aws, |create| create).await
    }

    /// The same with one more setting.
    pub(crate) async fn create_with(
        aws: &Aws,
        setting: impl FnOnce(CreateBucketFluentBuilder) -> CreateBucketFluentBuilder,
    ) -> Self {
        let bucket = Self {
            client: client_of(&aws.vendor().config),
            name: aws.name("objects"),
        };
        let create = bucket.client.create_bucket().bucket(&bucket.name);
        let create = setting(create.create_bucket_configuration(in_region(aws.region())));
        create.send().await.expect("created");
        bucket
    }

    /// The same bucket through another account's client.
    pub(crate) fn seen_by(&self, config: &SdkConfig) -> Self {
        Self {
            client: client_of(config),
            name: self.name.clone(),
        }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.name)
    }

    pub(crate) fn put(&self, key: &str, body: &str) -> PutObjectFluentBuilder {
        let put = self.client.put_object().bucket(&self.name).key(key);
        put.body(ByteStream::from(body.as_bytes().to_vec()))
    }

    /// Puts an object; gives its version id, empty where there are none.
    pub(crate) async fn write(&self, key: &str, body: &str) -> String {
        let put = self.put(key, body).send().await.expect("written");
        version_of(&put)
    }

    /// An object large enough to be moved by lifecycle rules.
    pub(crate) async fn write_large(&self, key: &str) -> String {
        self.write(key, &"x".repeat(128 << 10)).await
    }

    pub(crate) async fn read(&self, key: &str) -> String {
        let get = self.client.get_object().bucket(&self.name).key(key);
        text(get.send().await.expect("read")).await
    }

    pub(crate) async fn read_version(&self, key: &str, id: &str) -> String {
        let get = self.client.get_object().bucket(&self.name).key(key);
        text(get.version_id(id).send().await.expect("read")).await
    }

    pub(crate) async fn head(&self, key: &str) -> HeadObjectOutput {
        let head = self.client.head_object().bucket(&self.name).key(key);
        head.send().await.expect("is there")
    }

    /// Whether the key has an object.
    pub(crate) async fn has(&self, key: &str) -> bool {
        let list = self.client.list_objects_v2().bucket(&self.name).prefix(key);
        let listed = list.send().await.expect("listed");
        listed.contents().iter().any(|object| object.key() == Some(key))
    }

    /// The storage class an object lies in.
    pub(crate) async fn class(&self, key: &str) -> String {
        let head = self.head(key).await;
        head.storage_class
            .map_or("STANDARD".to_owned(), |class| class.to_string())
    }

    pub(crate) async fn remove(&self, key: &str) -> Option<String> {
        let delete = self.client.delete_object().bucket(&self.name).key(key);
        delete.send().await.expect("deleted").version_id
    }

    pub(crate) async fn set_versioning(&self, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let put = self.client.put_bucket_versioning().bucket(&self.name);
        let put = put.versioning_configuration(configuration).send().await;
        put.expect("configured");
    }

    pub(crate) async fn versions(&self) -> ListObjectVersionsOutput {
        let list = self.client.list_object_versions().bucket(&self.name);
        list.send().await.expect("listed")
    }

    /// Sets the bucket's policy: one statement that allows.
    pub(crate) async fn allow(&self, principal: &str, action: &str, resource: &str) {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
            "Action":{action},"Resource":"{resource}"}}]}}"#
        );
        let put = self.client.put_bucket_policy().bucket(&self.name);
        put.policy(policy).send().await.expect("allowed");
    }

    /// Deletes every version and the bucket.
    pub(crate) async fn delete(&self) {
        loop {
            let listed = self.versions().await;
            let versions = listed
                .versions()
                .iter()
                .map(|one| (one.key.clone(), one.version_id.clone()));
            let markers = listed
                .delete_markers()
                .iter()
                .map(|one| (one.key.clone(), one.version_id.clone()));
            for (key, id) in versions.chain(markers) {
                let delete = self.client.delete_object().bucket(&self.name);
                let delete = delete.set_key(key).set_version_id(id);
                delete.send().await.expect("deleted");
            }
            if listed.is_truncated() != Some(true) {
                break;
            }
        }
        let delete = self.client.delete_bucket().bucket(&self.name);
        delete.send().await.expect("an empty bucket goes");
    }
}

/// The version that a put made; empty where there are none.
pub(crate) fn version_of(put: &PutObjectOutput) -> String {
    put.version_id().unwrap_or_default().to_owned()
}

pub(crate) async fn text(object: GetObjectOutput) -> String {
    let bytes = object.body.collect().await.expect("whole").into_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

pub(crate) fn tagging(pairs: &[(&str, &str)]) -> Tagging {
    let tags = pairs.iter().map(|(key, value)| tag(key, value)).collect();
    Tagging::builder().set_tag_set(Some(tags)).build().expect("tags")
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a tag")
}

/// So much after [`MORNING`].
pub(crate) fn after_morning(by: TimeDelta) -> DateTime {
    let morning: chrono::DateTime<chrono::Utc> = MORNING.parse().expect("a time");
    DateTime::from_secs((morning + by).timestamp())
}
