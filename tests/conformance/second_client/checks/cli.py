"""The AWS CLI: each protocol spoken by another program, and what it prints."""

import base64
import json
import os
import subprocess
import tempfile

from suite import REGION, World, check, equal

CLI = "https://docs.aws.amazon.com/cli/latest/reference"


def aws(world: World, *words, account=None, fails=None):
    """Runs a command as an account's root; gives back what it printed, read as JSON where it is."""
    settings = {
        "AWS_ACCESS_KEY_ID": account or world.vendor,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DEFAULT_OUTPUT": "json",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "PATH": os.environ.get("PATH", ""),
        "HOME": tempfile.gettempdir(),
    }
    command = [world.aws, "--endpoint-url", world.endpoint, *words]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)
    if fails:
        assert done.returncode != 0, f"accepted: {done.stdout}"
        assert f"({fails})" in done.stderr, f"{fails} is not in {done.stderr.strip()}"
        return None
    assert done.returncode == 0, done.stderr.strip()
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return done.stdout


@check("the CLI asks who it is (query)", f"{CLI}/sts/get-caller-identity.html", cli=True)
def identity(world):
    equal(aws(world, "sts", "get-caller-identity")["Account"], world.vendor)


@check("the CLI makes and reads a role (query)", f"{CLI}/iam/create-role.html", cli=True)
def role(world):
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    aws(world, "iam", "create-role", "--role-name", "app", "--assume-role-policy-document", json.dumps(trust))
    names = aws(world, "iam", "list-roles", "--query", "Roles[].RoleName")
    equal(names, ["app"])
    aws(world, "iam", "create-role", "--role-name", "app", "--assume-role-policy-document", json.dumps(trust),
        fails="EntityAlreadyExists")


@check("the CLI makes a network and filters it (ec2)", f"{CLI}/ec2/create-vpc.html", cli=True)
def network(world):
    tags = "ResourceType=vpc,Tags=[{Key=tenant,Value=acme}]"
    made = aws(world, "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16", "--tag-specifications", tags)["Vpc"]
    found = aws(world, "ec2", "describe-vpcs", "--filters", "Name=tag:tenant,Values=acme", "--query", "Vpcs[].VpcId")
    equal(found, [made["VpcId"]])


@check("the CLI hears of a dry run (ec2)", f"{CLI}/ec2/create-vpc.html", cli=True)
def dry_run(world):
    aws(world, "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16", "--dry-run", fails="DryRunOperation")


@check("the CLI hears that a network is missing (ec2)", f"{CLI}/ec2/describe-vpcs.html", cli=True)
def missing_network(world):
    aws(world, "ec2", "describe-vpcs", "--vpc-ids", "vpc-0123456789abcdef0", fails="InvalidVpcID.NotFound")


@check("the CLI makes a target group (query)", f"{CLI}/elbv2/create-target-group.html", cli=True)
def target_group(world):
    vpc = aws(world, "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")["Vpc"]["VpcId"]
    made = aws(world, "elbv2", "create-target-group", "--name", "app", "--protocol", "HTTP", "--port", "80", "--vpc-id", vpc)
    equal(made["TargetGroups"][0]["TargetGroupName"], "app")
    aws(world, "elbv2", "describe-target-groups", "--names", "other", fails="TargetGroupNotFound")


@check("the CLI lists no scaled groups (query)", f"{CLI}/autoscaling/describe-auto-scaling-groups.html", cli=True)
def scaled_groups(world):
    equal(aws(world, "autoscaling", "describe-auto-scaling-groups"), {"AutoScalingGroups": []})


@check("the CLI hears that a database is missing (query)", f"{CLI}/rds/describe-db-instances.html", cli=True)
def databases(world):
    aws(world, "rds", "describe-db-instances", "--db-instance-identifier", "missing", fails="DBInstanceNotFound")


@check("the CLI makes a stack (query)", f"{CLI}/cloudformation/create-stack.html", cli=True)
def stack(world):
    template = {"Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}}}}}
    aws(world, "cloudformation", "create-stack", "--stack-name", "one", "--template-body", json.dumps(template),
        fails="InsufficientCapabilitiesException")


@check("the CLI makes a zone and its record (rest-xml)", f"{CLI}/route53/change-resource-record-sets.html", cli=True)
def zone(world):
    made = aws(world, "route53", "create-hosted-zone", "--name", "acme.example", "--caller-reference", "1")
    zone_id = made["HostedZone"]["Id"]
    record = {"Name": "www.acme.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = json.dumps({"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]})
    changed = aws(world, "route53", "change-resource-record-sets", "--hosted-zone-id", zone_id, "--change-batch", batch)
    assert changed["ChangeInfo"]["Status"] in ("PENDING", "INSYNC")
    names = aws(world, "route53", "list-resource-record-sets", "--hosted-zone-id", zone_id, "--query",
                "ResourceRecordSets[?Type=='A'].Name")
    equal(names, ["www.acme.example."])


@check("the CLI reads a quota (JSON 1.1)", f"{CLI}/service-quotas/get-service-quota.html", cli=True)
def quota(world):
    shown = aws(world, "service-quotas", "get-service-quota", "--service-code", "vpc", "--quota-code", "L-F678F1CE")
    equal(shown["Quota"]["Value"], 5.0)


@check("the CLI seals and opens (JSON 1.1)", f"{CLI}/kms/encrypt.html", cli=True)
def key(world):
    made = aws(world, "kms", "create-key")["KeyMetadata"]["KeyId"]
    sealed = aws(world, "kms", "encrypt", "--key-id", made, "--plaintext", "hello")
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(sealed["CiphertextBlob"]))
        file.flush()
        opened = aws(world, "kms", "decrypt", "--ciphertext-blob", f"fileb://{file.name}")
    equal(base64.b64decode(opened["Plaintext"]), b"hello")


@check("the CLI asks for a certificate (JSON 1.1)", f"{CLI}/acm/request-certificate.html", cli=True)
def certificate(world):
    made = aws(world, "acm", "request-certificate", "--domain-name", "www.acme.example", "--validation-method", "DNS")
    status = aws(world, "acm", "describe-certificate", "--certificate-arn", made["CertificateArn"], "--query",
                 "Certificate.Status")
    equal(status, "PENDING_VALIDATION")


@check("the CLI finds resources by tag (JSON 1.1)", f"{CLI}/resourcegroupstaggingapi/get-resources.html", cli=True)
def tags(world):
    arn = aws(world, "kms", "create-key", "--tags", "TagKey=tenant,TagValue=acme")["KeyMetadata"]["Arn"]
    found = aws(world, "resourcegroupstaggingapi", "get-resources", "--tag-filters", "Key=tenant,Values=acme", "--query",
                "ResourceTagMappingList[].ResourceARN")
    equal(found, [arn])


@check("the CLI puts and reads a record (JSON 1.1)", f"{CLI}/kinesis/put-record.html", cli=True)
def record(world):
    aws(world, "kinesis", "create-stream", "--stream-name", "usage", "--shard-count", "1")
    aws(world, "kinesis", "wait", "stream-exists", "--stream-name", "usage")
    put = aws(world, "kinesis", "put-record", "--stream-name", "usage", "--partition-key", "k", "--data", "hello")
    iterator = aws(world, "kinesis", "get-shard-iterator", "--stream-name", "usage", "--shard-id", put["ShardId"],
                   "--shard-iterator-type", "TRIM_HORIZON")["ShardIterator"]
    records = aws(world, "kinesis", "get-records", "--shard-iterator", iterator)["Records"]
    equal([one["SequenceNumber"] for one in records], [put["SequenceNumber"]])


@check("the CLI copies a file there and back (S3)", f"{CLI}/s3/cp.html", cli=True)
def files(world):
    bucket = f"conformance-cli-{world.vendor}"
    aws(world, "s3", "mb", f"s3://{bucket}")
    with tempfile.TemporaryDirectory() as folder:
        there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
        with open(there, "wb") as file:
            # Above the CLI's threshold of 8 MiB, so that it goes in parts.
            file.write(os.urandom(9 * 1024 * 1024))
        aws(world, "s3", "cp", there, f"s3://{bucket}/file", "--no-progress")
        aws(world, "s3", "cp", f"s3://{bucket}/file", back, "--no-progress")
        with open(there, "rb") as one, open(back, "rb") as other:
            assert one.read() == other.read(), "what came back is not what went there"
    aws(world, "s3", "rb", f"s3://{bucket}", "--force")
    aws(world, "s3api", "head-bucket", "--bucket", bucket, fails="404")


@check("the CLI is refused by another account's bucket (S3)", f"{CLI}/s3api/get-object.html", cli=True)
def foreign_bucket(world):
    bucket = f"conformance-cli-{world.vendor}"
    aws(world, "s3", "mb", f"s3://{bucket}")
    aws(world, "s3api", "list-objects-v2", "--bucket", bucket, account=world.customer, fails="AccessDenied")
