"""Kinesis."""

import hashlib

from suite import check, equal, refused

API = "https://docs.aws.amazon.com/kinesis/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/streams/latest/dev"


def stream(world, shards=2, name="usage"):
    kinesis = world.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return kinesis


def shards(kinesis, name="usage"):
    return kinesis.list_shards(StreamName=name)["Shards"]


def read(kinesis, shard, kind="TRIM_HORIZON", **more):
    """All records of a shard, and its last answer."""
    wish = {"StreamName": "usage", "ShardId": shard, "ShardIteratorType": kind, **more}
    iterator, records = kinesis.get_shard_iterator(**wish)["ShardIterator"], []
    for _ in range(4):
        answer = kinesis.get_records(ShardIterator=iterator)
        records += answer["Records"]
        iterator = answer.get("NextShardIterator")
        if not iterator:
            break
    return records, answer


@check("a record is on the shard that owns its hash", f"{GUIDE}/key-concepts.html")
def owning_shard(world):
    kinesis = stream(world, 4)
    ranges = {
        one["ShardId"]: (int(one["HashKeyRange"]["StartingHashKey"]), int(one["HashKeyRange"]["EndingHashKey"]))
        for one in shards(kinesis)
    }
    for number in range(20):
        key = f"tenant-{number}"
        owner = kinesis.put_record(StreamName="usage", PartitionKey=key, Data=b"x")["ShardId"]
        first, last = ranges[owner]
        assert first <= int(hashlib.md5(key.encode()).hexdigest(), 16) <= last, key


@check("every record that was put is read, in its order", f"{API}/API_GetRecords.html")
def all_records(world):
    kinesis = stream(world, 1)
    for number in range(30):
        kinesis.put_record(StreamName="usage", PartitionKey="k", Data=str(number).encode())
    records, _ = read(kinesis, shards(kinesis)[0]["ShardId"])
    equal([int(one["Data"]) for one in records], list(range(30)))


@check("an iterator starts at, after and behind a record", f"{API}/API_GetShardIterator.html")
def iterators(world):
    kinesis = stream(world, 1)
    put = [kinesis.put_record(StreamName="usage", PartitionKey="k", Data=bytes([65 + n])) for n in range(3)]
    (shard,) = [one["ShardId"] for one in shards(kinesis)]
    second = {"StartingSequenceNumber": put[1]["SequenceNumber"]}
    data = lambda found: b"".join(one["Data"] for one in found[0])
    equal(data(read(kinesis, shard, "AT_SEQUENCE_NUMBER", **second)), b"BC")
    equal(data(read(kinesis, shard, "AFTER_SEQUENCE_NUMBER", **second)), b"C")
    equal(data(read(kinesis, shard, "LATEST")), b"")


@check("a split parent drains, ends and names its children", f"{GUIDE}/kinesis-using-sdk-java-after-resharding.html")
def split(world):
    kinesis = stream(world, 1)
    kinesis.put_record(StreamName="usage", PartitionKey="k", Data=b"before")
    (parent,) = shards(kinesis)
    middle = str((int(parent["HashKeyRange"]["EndingHashKey"]) + 1) // 2)
    kinesis.split_shard(StreamName="usage", ShardToSplit=parent["ShardId"], NewStartingHashKey=middle)
    kinesis.get_waiter("stream_exists").wait(StreamName="usage", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    records, last = read(kinesis, parent["ShardId"])
    equal([one["Data"] for one in records], [b"before"])
    assert not last.get("NextShardIterator"), "the parent goes on"
    children = [one["ShardId"] for one in shards(kinesis) if one.get("ParentShardId") == parent["ShardId"]]
    equal(sorted(one["ShardId"] for one in last.get("ChildShards", [])), sorted(children))
    equal(len(children), 2)


@check("a call has 500 records at most", f"{API}/API_PutRecords.html")
def too_many_records(world):
    kinesis = stream(world, 1)
    records = [{"Data": b"x", "PartitionKey": "k"}] * 501
    with refused("ValidationException", "InvalidArgumentException"):
        kinesis.put_records(StreamName="usage", Records=records)


@check("a stream's name is taken once", f"{API}/API_CreateStream.html")
def duplicate_stream(world):
    kinesis = stream(world, 1)
    with refused("ResourceInUseException"):
        kinesis.create_stream(StreamName="usage", ShardCount=1)


@check("a stream that is not there is not found", f"{API}/API_DescribeStreamSummary.html")
def missing_stream(world):
    with refused("ResourceNotFoundException"):
        world.client("kinesis").describe_stream_summary(StreamName="missing")


@check("a stream keeps its records for 24 to 8760 hours", f"{API}/API_IncreaseStreamRetentionPeriod.html")
def retention(world):
    kinesis = stream(world, 1)
    kinesis.increase_stream_retention_period(StreamName="usage", RetentionPeriodHours=48)
    equal(kinesis.describe_stream_summary(StreamName="usage")["StreamDescriptionSummary"]["RetentionPeriodHours"], 48)
    with refused("InvalidArgumentException", "ValidationException"):
        kinesis.increase_stream_retention_period(StreamName="usage", RetentionPeriodHours=9_000)
