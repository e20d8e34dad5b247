"""EC2: networks and instances."""

from suite import check, equal, refused

EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
USER = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide"
VPC = "https://docs.aws.amazon.com/vpc/latest/userguide"


class Network:
    """A VPC with one subnet."""

    def __init__(self, world, account=None):
        self.ec2 = world.client("ec2", account)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.add_subnet("10.20.1.0/24")

    def add_subnet(self, block, **more):
        return self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block, **more)["Subnet"]["SubnetId"]

    def image(self):
        images = self.ec2.describe_images(Owners=["amazon"])["Images"]
        fitting = [image for image in images if image.get("Architecture") == "x86_64"]
        return sorted(fitting, key=lambda image: image["ImageId"])[0]["ImageId"]

    def launch(self, **more):
        wish = {"ImageId": self.image(), "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        return self.ec2.run_instances(**{**wish, "SubnetId": self.subnet, **more})["Instances"]

    def state(self, instance):
        shown = self.ec2.describe_instances(InstanceIds=[instance])
        return shown["Reservations"][0]["Instances"][0]["State"]["Name"]

    def group(self, name="web"):
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]


def web(source="0.0.0.0/0"):
    return [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": source}]}]


@check("a network that is not there is not found", f"{EC2}/errors-overview.html")
def missing_vpc(world):
    with refused("InvalidVpcID.NotFound"):
        world.client("ec2").describe_vpcs(VpcIds=["vpc-0123456789abcdef0"])


@check("another account's network is not found", f"{EC2}/errors-overview.html")
def foreign_vpc(world):
    vpc = Network(world).vpc
    with refused("InvalidVpcID.NotFound"):
        world.client("ec2", world.customer).delete_vpc(VpcId=vpc)


@check("a subnet lies inside its network", f"{VPC}/subnet-sizing.html")
def subnet_outside(world):
    with refused("InvalidSubnet.Range"):
        Network(world).add_subnet("10.99.0.0/24")


@check("subnets do not overlap", f"{VPC}/subnet-sizing.html")
def overlapping_subnets(world):
    with refused("InvalidSubnet.Conflict"):
        Network(world).add_subnet("10.20.1.128/25")


@check("a network's block has 16 to 28 bits", f"{EC2}/API_CreateVpc.html")
def block_size(world):
    for block in ("10.0.0.0/8", "10.0.0.0/29"):
        with refused("InvalidVpc.Range"):
            world.client("ec2").create_vpc(CidrBlock=block)


@check("a network in use is not deleted", f"{EC2}/API_DeleteVpc.html")
def vpc_in_use(world):
    network = Network(world)
    with refused("DependencyViolation"):
        network.ec2.delete_vpc(VpcId=network.vpc)


@check("a subnet in use is not deleted", f"{EC2}/API_DeleteSubnet.html")
def subnet_in_use(world):
    network = Network(world)
    network.launch()
    with refused("DependencyViolation"):
        network.ec2.delete_subnet(SubnetId=network.subnet)


@check("a full teardown leaves nothing", f"{VPC}/delete-vpc.html")
def teardown(world):
    network = Network(world)
    ec2, group = network.ec2, network.group()
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    (instance,) = network.launch(SecurityGroupIds=[group])
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    ec2.delete_subnet(SubnetId=network.subnet)
    ec2.delete_security_group(GroupId=group)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=network.vpc)
    with refused("InvalidVpcID.NotFound"):
        ec2.describe_vpcs(VpcIds=[network.vpc])


@check("a gateway in use is not deleted", f"{EC2}/API_DeleteInternetGateway.html")
def gateway_in_use(world):
    network = Network(world)
    gateway = network.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    network.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    with refused("DependencyViolation"):
        network.ec2.delete_internet_gateway(InternetGatewayId=gateway)


@check("a dry run says that it would have worked", f"{EC2}/API_RunInstances.html")
def dry_run(world):
    ec2 = world.client("ec2")
    with refused("DryRunOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    equal([vpc for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["CidrBlock"] == "10.0.0.0/16"], [])


@check("a dry run says that it would not have worked", f"{EC2}/API_RunInstances.html")
def dry_run_denied(world):
    keys = world.user(world.vendor)
    with refused("UnauthorizedOperation"):
        world.client("ec2", keys=keys).create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)


@check("the same client token gives the same instance", f"{EC2}/Run_Instance_Idempotency.html")
def same_token(world):
    network = Network(world)
    first = network.launch(ClientToken="token-1")[0]["InstanceId"]
    equal(network.launch(ClientToken="token-1")[0]["InstanceId"], first)
    shown = network.ec2.describe_instances()["Reservations"]
    equal(sum(len(one["Instances"]) for one in shown), 1)


@check("a client token with other parameters is a mismatch", f"{EC2}/Run_Instance_Idempotency.html")
def other_parameters(world):
    network = Network(world)
    network.launch(ClientToken="token-1")
    with refused("IdempotentParameterMismatch"):
        network.launch(ClientToken="token-1", InstanceType="t3.small")


@check("a running instance keeps its type", f"{EC2}/API_ModifyInstanceAttribute.html")
def running_type(world):
    network = Network(world)
    instance = network.launch()[0]["InstanceId"]
    with refused("IncorrectInstanceState"):
        network.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.small"})


@check("a stopped instance changes its type and starts again", f"{USER}/change-instance-type-of-ebs-backed-instance.html")
def stopped_type(world):
    network = Network(world)
    instance = network.launch()[0]["InstanceId"]
    network.ec2.stop_instances(InstanceIds=[instance])
    equal(network.state(instance), "stopped")
    network.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.small"})
    network.ec2.start_instances(InstanceIds=[instance])
    equal(network.state(instance), "running")
    shown = network.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    equal(shown["InstanceType"], "t3.small")


@check("tags of a launch are there from the start", f"{USER}/Using_Tags.html")
def tags_at_launch(world):
    network = Network(world)
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "tenant", "Value": "acme"}]}]
    instance = network.launch(TagSpecifications=tags)[0]["InstanceId"]
    found = network.ec2.describe_instances(Filters=[{"Name": "tag:tenant", "Values": ["acme"]}])
    equal([one["InstanceId"] for one in found["Reservations"][0]["Instances"]], [instance])
    none = network.ec2.describe_instances(Filters=[{"Name": "tag:tenant", "Values": ["bolt"]}])
    equal(none["Reservations"], [])


@check("a security group's name is taken once in a network", f"{EC2}/API_CreateSecurityGroup.html")
def duplicate_group(world):
    network = Network(world)
    network.group()
    with refused("InvalidGroup.Duplicate"):
        network.group()


@check("a rule is there once", f"{EC2}/API_AuthorizeSecurityGroupIngress.html")
def duplicate_rule(world):
    network = Network(world)
    group = network.group()
    network.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=web())
    with refused("InvalidPermission.Duplicate"):
        network.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=web())


@check("a security group in use is not deleted", f"{EC2}/API_DeleteSecurityGroup.html")
def group_in_use(world):
    network = Network(world)
    group = network.group()
    network.launch(SecurityGroupIds=[group])
    with refused("DependencyViolation"):
        network.ec2.delete_security_group(GroupId=group)


@check("an address in use is not released", f"{EC2}/API_ReleaseAddress.html")
def address_in_use(world):
    network = Network(world)
    gateway = network.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    network.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    instance = network.launch()[0]["InstanceId"]
    address = network.ec2.allocate_address(Domain="vpc")["AllocationId"]
    network.ec2.associate_address(AllocationId=address, InstanceId=instance)
    with refused("InvalidIPAddress.InUse"):
        network.ec2.release_address(AllocationId=address)


@check("five addresses fit into a region by default", f"{USER}/elastic-ip-addresses-eip.html")
def five_addresses(world):
    ec2 = world.client("ec2")
    for _ in range(5):
        ec2.allocate_address(Domain="vpc")
    with refused("AddressLimitExceeded"):
        ec2.allocate_address(Domain="vpc")


@check("a launch template's versions are numbered, and a missing one is refused", f"{USER}/manage-launch-template-versions.html")
def template_versions(world):
    ec2 = world.client("ec2")
    data = {"InstanceType": "t3.micro"}
    made = ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData=data)["LaunchTemplate"]
    equal((made["LatestVersionNumber"], made["DefaultVersionNumber"]), (1, 1))
    more = ec2.create_launch_template_version(
        LaunchTemplateName="app", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.small"}
    )
    equal(more["LaunchTemplateVersion"]["VersionNumber"], 2)
    with refused("InvalidLaunchTemplateId.VersionNotFound"):
        ec2.describe_launch_template_versions(LaunchTemplateName="app", Versions=["7"])


@check("descriptions come in pages", f"{EC2}/Query-Requests.html")
def pages(world):
    network = Network(world)
    for number in range(2, 9):
        network.add_subnet(f"10.20.{number}.0/24")
    pages = network.ec2.get_paginator("describe_subnets").paginate(
        Filters=[{"Name": "vpc-id", "Values": [network.vpc]}], PaginationConfig={"PageSize": 5}
    )
    sizes = [len(page["Subnets"]) for page in pages]
    equal(sizes, [5, 3])
