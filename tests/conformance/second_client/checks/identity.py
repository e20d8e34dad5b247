"""STS and IAM: who is let in, and what may be done then."""

from suite import World, allow, check, equal, policy, refused, root, trust

STS = "https://docs.aws.amazon.com/STS/latest/APIReference"
IAM = "https://docs.aws.amazon.com/IAM/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
SECRET = {"sts:ExternalId": "tenantry-7f3a"}


def let_in(world: World, **conditions):
    """A broker of the vendor, and a role of the customer that trusts the vendor's account."""
    keys = world.user(world.vendor, allow("sts:*"))
    return keys, world.role(world.customer, trust(root(world.vendor), **conditions), allow("ec2:Describe*"))


@check("the root of an account is itself", f"{STS}/API_GetCallerIdentity.html")
def root_is_itself(world):
    identity = world.client("sts").get_caller_identity()
    equal((identity["Account"], identity["Arn"]), (world.vendor, root(world.vendor)))


@check("an unknown access key is refused", f"{STS}/CommonErrors.html")
def unknown_key(world):
    keys = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "test"}
    with refused("InvalidClientTokenId"):
        world.client("sts", keys=keys).get_caller_identity()


@check("a wrong secret is refused", f"{GUIDE}/signature-v4-troubleshooting.html")
def wrong_secret(world):
    keys = {"AccessKeyId": world.vendor, "SecretAccessKey": "wrong"}
    with refused("SignatureDoesNotMatch"):
        world.client("sts", keys=keys).get_caller_identity()


@check("a role is assumed with its external id, into its own account", f"{GUIDE}/confused-deputy.html")
def with_external_id(world):
    keys, role = let_in(world, StringEquals=SECRET)
    session = world.session(keys, role, ExternalId="tenantry-7f3a")
    identity = world.client("sts", keys=session).get_caller_identity()
    equal(identity["Account"], world.customer)
    equal(identity["Arn"], f"arn:aws:sts::{world.customer}:assumed-role/tenantry/check")


@check("a role is not assumed without its external id", f"{GUIDE}/confused-deputy.html")
def without_external_id(world):
    keys, role = let_in(world, StringEquals=SECRET)
    with refused("AccessDenied"):
        world.session(keys, role)


@check("a role is not assumed with another external id", f"{GUIDE}/confused-deputy.html")
def another_external_id(world):
    keys, role = let_in(world, StringEquals=SECRET)
    with refused("AccessDenied"):
        world.session(keys, role, ExternalId="tenantry-7f3b")


@check("a third account does not assume a role that does not trust it", f"{GUIDE}/reference_policies_elements_principal.html")
def third_account(world):
    _, role = let_in(world)
    keys = world.user(world.stranger, allow("sts:*"))
    with refused("AccessDenied"):
        world.session(keys, role)


@check("a role that is not there answers as one that does not trust", f"{STS}/API_AssumeRole.html")
def missing_role(world):
    keys = world.user(world.vendor, allow("sts:*"))
    with refused("AccessDenied"):
        world.session(keys, f"arn:aws:iam::{world.customer}:role/missing")


@check("a caller without sts:AssumeRole assumes no foreign role", f"{GUIDE}/reference_policies_evaluation-logic-cross-account.html")
def caller_without_permission(world):
    keys = world.user(world.vendor)
    role = world.role(world.customer, trust(root(world.vendor)))
    with refused("AccessDenied"):
        world.session(keys, role)


@check("the root of an account assumes no role", f"{STS}/API_AssumeRole.html")
def root_assumes_nothing(world):
    role = world.role(world.vendor, trust(root(world.vendor)))
    with refused("AccessDenied"):
        world.client("sts").assume_role(RoleArn=role, RoleSessionName="check")


@check("a session above the role's longest is refused", f"{STS}/API_AssumeRole.html")
def too_long_a_session(world):
    keys, role = let_in(world)
    with refused("ValidationError"):
        world.session(keys, role, DurationSeconds=3_601)


@check("a chained session has an hour at most", f"{GUIDE}/id_roles_terms-and-concepts.html")
def chained_session(world):
    keys, first = let_in(world)
    world.client("iam", world.customer).put_role_policy(
        RoleName="tenantry", PolicyName="chain", PolicyDocument=policy(allow("sts:AssumeRole"))
    )
    second = world.role(world.customer, trust(first), name="second", MaxSessionDuration=43_200)
    session = world.session(keys, first)
    with refused("ValidationError"):
        world.session(session, second, DurationSeconds=7_200)
    world.session(session, second, DurationSeconds=3_600)


@check("a wrong session token is refused", f"{GUIDE}/id_credentials_temp_use-resources.html")
def wrong_token(world):
    keys, role = let_in(world)
    session = {**world.session(keys, role), "SessionToken": "bm90IGEgdG9rZW4="}
    with refused("InvalidClientTokenId"):
        world.client("sts", keys=session).get_caller_identity()


@check("a session does what its role may and no more", f"{GUIDE}/reference_policies_evaluation-logic.html")
def roles_permissions(world):
    keys, role = let_in(world)
    ec2 = world.client("ec2", keys=world.session(keys, role))
    ec2.describe_vpcs()
    with refused("UnauthorizedOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")


@check("a session policy narrows its role", f"{GUIDE}/access_policies.html")
def session_policy(world):
    keys, role = let_in(world)
    narrow = world.session(keys, role, Policy=policy(allow("ec2:DescribeVpcs")))
    ec2 = world.client("ec2", keys=narrow)
    ec2.describe_vpcs()
    with refused("UnauthorizedOperation"):
        ec2.describe_subnets()


@check("a permissions boundary narrows its role", f"{GUIDE}/access_policies_boundaries.html")
def boundary(world):
    iam = world.client("iam", world.customer)
    made = iam.create_policy(PolicyName="boundary", PolicyDocument=policy(allow("ec2:DescribeVpcs")))
    keys = world.user(world.vendor, allow("sts:*"))
    role = world.role(
        world.customer,
        trust(root(world.vendor)),
        allow("ec2:*"),
        PermissionsBoundary=made["Policy"]["Arn"],
    )
    ec2 = world.client("ec2", keys=world.session(keys, role))
    ec2.describe_vpcs()
    with refused("UnauthorizedOperation"):
        ec2.describe_subnets()


@check("an explicit deny wins", f"{GUIDE}/reference_policies_evaluation-logic.html")
def explicit_deny(world):
    deny = {"Effect": "Deny", "Action": "ec2:DescribeSubnets", "Resource": "*"}
    keys = world.user(world.vendor, allow("ec2:*"), deny)
    ec2 = world.client("ec2", keys=keys)
    ec2.describe_vpcs()
    with refused("UnauthorizedOperation"):
        ec2.describe_subnets()


@check("what a session makes belongs to the role's account", f"{GUIDE}/id_roles.html")
def session_resources(world):
    keys = world.user(world.vendor, allow("sts:*"))
    role = world.role(world.customer, trust(root(world.vendor)), allow("ec2:*"))
    made = world.client("ec2", keys=world.session(keys, role)).create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]
    equal(made["OwnerId"], world.customer)
    seen = [vpc["VpcId"] for vpc in world.client("ec2", world.customer).describe_vpcs()["Vpcs"]]
    unseen = [vpc["VpcId"] for vpc in world.client("ec2").describe_vpcs()["Vpcs"]]
    assert made["VpcId"] in seen and made["VpcId"] not in unseen


@check("a role's name is taken once", f"{IAM}/API_CreateRole.html")
def duplicate_role(world):
    world.role(world.vendor, trust(root(world.vendor)))
    with refused("EntityAlreadyExists"):
        world.role(world.vendor, trust(root(world.vendor)))


@check("a role with policies is not deleted", f"{IAM}/API_DeleteRole.html")
def role_with_policies(world):
    world.role(world.vendor, trust(root(world.vendor)), allow("s3:*"))
    with refused("DeleteConflict"):
        world.client("iam").delete_role(RoleName="tenantry")


@check("a trust policy that cannot be read is refused", f"{IAM}/API_CreateRole.html")
def malformed_trust(world):
    with refused("MalformedPolicyDocument"):
        world.client("iam").create_role(RoleName="bad", AssumeRolePolicyDocument='{"Statement": "no"}')


@check("the simulator tells what a role may", f"{IAM}/API_SimulatePrincipalPolicy.html")
def simulator(world):
    role = world.role(world.vendor, trust(root(world.vendor)), allow("ec2:Describe*"))
    answer = world.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["ec2:DescribeVpcs", "ec2:CreateVpc"]
    )
    decisions = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
    equal(decisions, {"ec2:DescribeVpcs": "allowed", "ec2:CreateVpc": "implicitDeny"})
