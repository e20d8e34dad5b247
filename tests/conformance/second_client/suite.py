"""The second clients' checks: what they share, and how they are run.

A check is a function that takes a `World` and raises when AWS's documented behaviour is not there. It is named by a
sentence, says which page it comes from, and works in accounts of its own, so that no check sees another's resources.
"""

import contextlib
import dataclasses
import json
import traceback
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

REGION = "eu-central-1"
CHECKS = []


@dataclasses.dataclass(frozen=True)
class Check:
    name: str
    page: str
    body: object
    # Needs the clock of the local endpoint.
    controlled: bool
    # Needs the AWS CLI.
    cli: bool

    @property
    def client(self):
        return "cli" if self.cli else "boto3"


def check(name, page, controlled=False, cli=False):
    """Registers a check."""

    def register(body):
        assert page.startswith("https://docs.aws.amazon.com/"), page
        assert all(known.name != name for known in CHECKS), name
        CHECKS.append(Check(name, page, body, controlled, cli))
        return body

    return register


class World:
    """An endpoint as one check sees it: three accounts of its own and, locally, the clock."""

    def __init__(self, endpoint, number, aws=None):
        self.endpoint = endpoint
        self.aws = aws
        self.vendor, self.customer, self.stranger = (f"{4 + role}{number:011d}" for role in range(3))

    def client(self, service, account=None, keys=None, region=REGION):
        """A client of an account's root, or of the keys of an answer."""
        keys = keys or {"AccessKeyId": account or self.vendor, "SecretAccessKey": "test"}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=botocore.config.Config(
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=20,
                s3={"addressing_style": "path"},
            ),
        )

    def user(self, account, *statements, name="broker"):
        """The keys of a new user with these statements as its policy; the root of an account assumes no roles."""
        iam = self.client("iam", account)
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return iam.create_access_key(UserName=name)["AccessKey"]

    def role(self, account, trust, *statements, name="tenantry", **more):
        """The ARN of a new role."""
        iam = self.client("iam", account)
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust), **more)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return made["Role"]["Arn"]

    def session(self, keys, role, **more):
        """The keys of a session of a role."""
        sts = self.client("sts", keys=keys)
        return sts.assume_role(RoleArn=role, RoleSessionName="check", **more)["Credentials"]

    def advance(self, hours=0, seconds=0):
        """Moves the local endpoint's clock."""
        self.control("clock", {"advance_ms": (hours * 3600 + seconds) * 1000})

    def control(self, path, body):
        """Sends to the local endpoint's control surface."""
        request = urllib.request.Request(
            f"{self.endpoint}/_local/{path}",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions, **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def trust(principal, **conditions):
    """A trust statement; conditions such as `StringEquals={"sts:ExternalId": "x"}`."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return {**statement, "Condition": conditions} if conditions else statement


def root(account):
    return f"arn:aws:iam::{account}:root"


@contextlib.contextmanager
def refused(*codes):
    """Holds when the call inside is refused with one of the codes."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        assert code in codes, f"refused with {code}, not {' or '.join(codes)}"
    else:
        raise AssertionError(f"accepted, not refused with {' or '.join(codes)}")


def equal(found, wanted):
    assert found == wanted, f"{found!r} is not {wanted!r}"


def run(endpoint, controlled, only=None, aws=None):
    """Runs all checks that the endpoint can answer; gives back (check, what went wrong or None)."""
    outcomes = []
    for number, one in enumerate(CHECKS):
        if (one.controlled and not controlled) or (one.cli and not aws) or (only and only not in one.name):
            continue
        outcomes.append((one, outcome(one, World(endpoint, number, aws))))
    return outcomes


def outcome(one, world):
    try:
        one.body(world)
    except AssertionError as error:
        return str(error) or "an assertion failed: " + traceback.format_exc(limit=-1).splitlines()[-2].strip()
    except Exception as error:  # whatever goes wrong is the outcome of this check, not the end of the others
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return None
