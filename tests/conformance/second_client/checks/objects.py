"""S3."""

import base64
import hashlib

from suite import check, equal, policy, refused, root

API = "https://docs.aws.amazon.com/AmazonS3/latest/API"
GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"


def bucket(world, account=None):
    s3 = world.client("s3", account)
    name = f"conformance-{account or world.vendor}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return s3, name


@check("what is put is got, with its type and tag", f"{API}/API_GetObject.html")
def put_and_get(world):
    s3, name = bucket(world)
    put = s3.put_object(Bucket=name, Key="a/b", Body=b"hello", ContentType="text/plain", Metadata={"tenant": "acme"})
    got = s3.get_object(Bucket=name, Key="a/b")
    equal((got["Body"].read(), got["ContentType"], got["Metadata"]), (b"hello", "text/plain", {"tenant": "acme"}))
    equal((put["ETag"], got["ETag"]), ('"5d41402abc4b2a76b9719d911017c592"',) * 2)


@check("an object that is not there is not found", f"{API}/ErrorResponses.html")
def missing_object(world):
    s3, name = bucket(world)
    with refused("NoSuchKey"):
        s3.get_object(Bucket=name, Key="missing")
    with refused("NoSuchBucket"):
        s3.get_object(Bucket=name + "-missing", Key="missing")


@check("a range gives its bytes", f"{API}/API_GetObject.html")
def ranges(world):
    s3, name = bucket(world)
    s3.put_object(Bucket=name, Key="k", Body=b"0123456789")
    for wanted, body, where in (("bytes=2-4", b"234", "2-4"), ("bytes=-3", b"789", "7-9"), ("bytes=8-", b"89", "8-9")):
        got = s3.get_object(Bucket=name, Key="k", Range=wanted)
        equal((got["Body"].read(), got["ContentRange"]), (body, f"bytes {where}/10"))
    with refused("InvalidRange"):
        s3.get_object(Bucket=name, Key="k", Range="bytes=10-")


@check("a write that must find nothing is refused where there is something", f"{GUIDE}/conditional-writes.html")
def write_if_absent(world):
    s3, name = bucket(world)
    s3.put_object(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")
    with refused("PreconditionFailed"):
        s3.put_object(Bucket=name, Key="k", Body=b"2", IfNoneMatch="*")
    equal(s3.get_object(Bucket=name, Key="k")["Body"].read(), b"1")


@check("a write that must find a tag is refused where there is another", f"{GUIDE}/conditional-writes.html")
def write_if_match(world):
    s3, name = bucket(world)
    tag = s3.put_object(Bucket=name, Key="k", Body=b"1")["ETag"]
    s3.put_object(Bucket=name, Key="k", Body=b"2", IfMatch=tag)
    with refused("PreconditionFailed"):
        s3.put_object(Bucket=name, Key="k", Body=b"3", IfMatch=tag)


@check("a wrong checksum is refused", f"{GUIDE}/checking-object-integrity.html")
def wrong_checksum(world):
    s3, name = bucket(world)
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with refused("BadDigest", "XAmzContentChecksumMismatch", "InvalidRequest"):
        s3.put_object(Bucket=name, Key="k", Body=b"hello", ChecksumSHA256=wrong)
    with refused("NoSuchKey"):
        s3.get_object(Bucket=name, Key="k")


@check("parts make one object", f"{GUIDE}/mpuoverview.html")
def multipart(world):
    s3, name = bucket(world)
    upload = s3.create_multipart_upload(Bucket=name, Key="big")["UploadId"]
    bodies = [b"a" * 5 * 1024 * 1024, b"b" * 10]
    wish = {"Bucket": name, "Key": "big", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**wish, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    with refused("NoSuchKey"):
        s3.get_object(Bucket=name, Key="big")
    with refused("InvalidPart"):
        bad = [{**parts[0], "ETag": '"00000000000000000000000000000000"'}, parts[1]]
        s3.complete_multipart_upload(**wish, MultipartUpload={"Parts": bad})
    made = s3.complete_multipart_upload(**wish, MultipartUpload={"Parts": parts})
    assert made["ETag"].endswith('-2"'), made["ETag"]
    equal(s3.get_object(Bucket=name, Key="big")["Body"].read(), b"".join(bodies))


@check("a part that is not the last has five mebibytes", f"{API}/API_CompleteMultipartUpload.html")
def small_part(world):
    s3, name = bucket(world)
    upload = s3.create_multipart_upload(Bucket=name, Key="small")["UploadId"]
    wish = {"Bucket": name, "Key": "small", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**wish, PartNumber=number, Body=b"x")["ETag"]} for number in (1, 2)
    ]
    with refused("EntityTooSmall"):
        s3.complete_multipart_upload(**wish, MultipartUpload={"Parts": parts})


@check("an upload that was ended is not there", f"{API}/API_AbortMultipartUpload.html")
def aborted_upload(world):
    s3, name = bucket(world)
    upload = s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    s3.abort_multipart_upload(Bucket=name, Key="k", UploadId=upload)
    with refused("NoSuchUpload"):
        s3.upload_part(Bucket=name, Key="k", UploadId=upload, PartNumber=1, Body=b"x")


@check("a list has pages and common prefixes", f"{API}/API_ListObjectsV2.html")
def listing(world):
    s3, name = bucket(world)
    for key in ("a/1", "a/2", "b/1", "c"):
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    folded = s3.list_objects_v2(Bucket=name, Delimiter="/")
    equal([one["Prefix"] for one in folded["CommonPrefixes"]], ["a/", "b/"])
    equal([one["Key"] for one in folded["Contents"]], ["c"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name, PaginationConfig={"PageSize": 3})
    equal([[one["Key"] for one in page["Contents"]] for page in pages], [["a/1", "a/2", "b/1"], ["c"]])


@check("a bucket with objects is not deleted", f"{API}/API_DeleteBucket.html")
def full_bucket(world):
    s3, name = bucket(world)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    with refused("BucketNotEmpty"):
        s3.delete_bucket(Bucket=name)
    deleted = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "k"}]})
    equal([one["Key"] for one in deleted["Deleted"]], ["k"])
    s3.delete_bucket(Bucket=name)


@check("another account reads nothing unless the bucket's policy lets it", f"{GUIDE}/example-bucket-policies.html")
def bucket_policy(world):
    s3, name = bucket(world)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    stranger = world.client("s3", world.customer)
    with refused("AccessDenied"):
        stranger.get_object(Bucket=name, Key="k")
    let_in = {
        "Effect": "Allow",
        "Principal": {"AWS": root(world.customer)},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=policy(let_in))
    equal(stranger.get_object(Bucket=name, Key="k")["Body"].read(), b"x")
    with refused("AccessDenied"):
        stranger.put_object(Bucket=name, Key="k", Body=b"y")


@check("a bucket's name is taken for everybody", f"{API}/API_CreateBucket.html")
def taken_name(world):
    _, name = bucket(world)
    with refused("BucketAlreadyExists"):
        world.client("s3", world.customer).create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )


@check("an address that was signed is read without keys, as it was signed", f"{GUIDE}/ShareObjectPreSignedURL.html")
def presigned(world):
    import urllib.error
    import urllib.request

    s3, name = bucket(world)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "k"}, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=10) as answer:
        equal(answer.read(), b"x")
    try:
        urllib.request.urlopen(url.replace("/k?", "/other?"), timeout=10)
    except urllib.error.HTTPError as error:
        equal(error.code, 403)
    else:
        raise AssertionError("another key is read with the same signature")


def versioned(world):
    s3, name = bucket(world)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3, name


@check("each put is a version, and a delete covers them", f"{GUIDE}/DeleteMarker.html", controlled=True)
def versions(world):
    s3, name = versioned(world)
    one, two = (s3.put_object(Bucket=name, Key="k", Body=body)["VersionId"] for body in (b"1", b"2"))
    marker = s3.delete_object(Bucket=name, Key="k")
    equal(marker["DeleteMarker"], True)
    with refused("NoSuchKey"):
        s3.get_object(Bucket=name, Key="k")
    equal(s3.get_object(Bucket=name, Key="k", VersionId=one)["Body"].read(), b"1")
    listed = s3.list_object_versions(Bucket=name)
    equal([version["VersionId"] for version in listed["Versions"]], [two, one])
    s3.delete_object(Bucket=name, Key="k", VersionId=marker["VersionId"])
    equal(s3.get_object(Bucket=name, Key="k")["Body"].read(), b"2")


@check("lifecycle moves an object, and an archive must be restored", f"{GUIDE}/restoring-objects.html", controlled=True)
def archives(world):
    s3, name = bucket(world)
    rule = {
        "ID": "cold",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}],
    }
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=name, Key="k", Body=b"x" * 131072)
    world.advance(hours=49)
    equal(s3.head_object(Bucket=name, Key="k")["StorageClass"], "GLACIER")
    with refused("InvalidObjectState"):
        s3.get_object(Bucket=name, Key="k")
    s3.restore_object(Bucket=name, Key="k", RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Standard"}})
    equal(len(s3.get_object(Bucket=name, Key="k")["Body"].read()), 131072)


@check("a locked version is not deleted", f"{GUIDE}/object-lock.html", controlled=True)
def locked(world):
    s3 = world.client("s3")
    name = f"conformance-locked-{world.vendor}"
    s3.create_bucket(
        Bucket=name,
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        ObjectLockEnabledForBucket=True,
    )
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    version = s3.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
    with refused("AccessDenied"):
        s3.delete_object(Bucket=name, Key="k", VersionId=version, BypassGovernanceRetention=True)
    world.advance(hours=25)
    s3.delete_object(Bucket=name, Key="k", VersionId=version)
