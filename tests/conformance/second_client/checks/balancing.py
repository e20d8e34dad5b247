"""Elastic Load Balancing and Auto Scaling."""

from suite import REGION, check, equal, refused

from .network import Network

ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
ASG = "https://docs.aws.amazon.com/autoscaling/ec2/APIReference"
GUIDE = "https://docs.aws.amazon.com/autoscaling/ec2/userguide"


class Zones(Network):
    """A network with a subnet in each of two zones, open to the internet."""

    def __init__(self, world):
        super().__init__(world)
        self.elb = world.client("elbv2")
        self.scaling = world.client("autoscaling")
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.subnets = [
            self.add_subnet(f"10.20.{number}.0/24", AvailabilityZone=f"{REGION}{letter}")
            for number, letter in ((10, "a"), (11, "b"))
        ]

    def balancer(self, name="web", **more):
        made = self.elb.create_load_balancer(**{"Name": name, "Subnets": self.subnets, **more})
        return made["LoadBalancers"][0]["LoadBalancerArn"]

    def targets(self, name="app", **more):
        made = self.elb.create_target_group(Name=name, Protocol="HTTP", VpcId=self.vpc, **{"Port": 80, **more})
        return made["TargetGroups"][0]["TargetGroupArn"]

    def listener(self, balancer, group, **more):
        wish = {"Protocol": "HTTP", "Port": 80, "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}]}
        made = self.elb.create_listener(LoadBalancerArn=balancer, **{**wish, **more})
        return made["Listeners"][0]["ListenerArn"]

    def scaled(self, groups=(), **more):
        data = {"ImageId": self.image(), "InstanceType": "t3.micro"}
        self.ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData=data)
        wish = {
            "AutoScalingGroupName": "app",
            "LaunchTemplate": {"LaunchTemplateName": "app", "Version": "1"},
            "MinSize": 2,
            "MaxSize": 4,
            "VPCZoneIdentifier": ",".join(self.subnets),
            "TargetGroupARNs": list(groups),
        }
        self.scaling.create_auto_scaling_group(**{**wish, **more})
        return self.group_of_instances()

    def group_of_instances(self):
        return self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["app"])["AutoScalingGroups"][0]


@check("an application load balancer needs two zones", f"{ELB}/API_CreateLoadBalancer.html")
def two_zones(world):
    zones = Zones(world)
    with refused("ValidationError", "InvalidConfigurationRequest", "InvalidSubnet"):
        zones.balancer(Subnets=zones.subnets[:1])


@check("a load balancer's name with other settings is a duplicate", f"{ELB}/API_CreateLoadBalancer.html")
def duplicate_name(world):
    zones = Zones(world)
    zones.balancer()
    with refused("DuplicateLoadBalancerName"):
        zones.balancer(Scheme="internal")


@check("a target group in use is not deleted", f"{ELB}/API_DeleteTargetGroup.html")
def targets_in_use(world):
    zones = Zones(world)
    group = zones.targets()
    zones.listener(zones.balancer(), group)
    with refused("ResourceInUse"):
        zones.elb.delete_target_group(TargetGroupArn=group)


@check("a listener's port is taken once", f"{ELB}/API_CreateListener.html")
def duplicate_listener(world):
    zones = Zones(world)
    balancer, group, other = zones.balancer(), zones.targets(), zones.targets("other")
    zones.listener(balancer, group)
    with refused("DuplicateListener"):
        zones.listener(balancer, other)


@check("an HTTPS listener needs a certificate that is there", f"{ELB}/API_CreateListener.html")
def missing_certificate(world):
    zones = Zones(world)
    missing = f"arn:aws:acm:{REGION}:{world.vendor}:certificate/11111111-2222-3333-4444-555555555555"
    with refused("CertificateNotFound"):
        zones.listener(
            zones.balancer(), zones.targets(), Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": missing}]
        )


@check("a target that is not there is refused", f"{ELB}/API_RegisterTargets.html")
def missing_target(world):
    zones = Zones(world)
    with refused("InvalidTarget"):
        zones.elb.register_targets(TargetGroupArn=zones.targets(), Targets=[{"Id": "i-0123456789abcdef0"}])


@check("a scaled group's instances are real, in both zones, and targets", f"{GUIDE}/attach-load-balancer-asg.html")
def scaled_instances(world):
    zones = Zones(world)
    group = zones.targets()
    zones.listener(zones.balancer(), group)
    instances = zones.scaled([group])["Instances"]
    equal(sorted(one["AvailabilityZone"] for one in instances), [f"{REGION}a", f"{REGION}b"])
    ids = sorted(one["InstanceId"] for one in instances)
    shown = zones.ec2.describe_instances(InstanceIds=ids)["Reservations"]
    equal(sorted(one["InstanceId"] for place in shown for one in place["Instances"]), ids)
    health = zones.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    equal(sorted(one["Target"]["Id"] for one in health), ids)


@check("a scaled group makes up for a lost instance", f"{GUIDE}/ec2-auto-scaling-health-checks.html", controlled=True)
def replaced_instance(world):
    zones = Zones(world)
    lost = zones.scaled()["Instances"][0]["InstanceId"]
    zones.ec2.terminate_instances(InstanceIds=[lost])
    instances = [one["InstanceId"] for one in zones.group_of_instances()["Instances"]]
    for _ in range(5):
        if lost not in instances and len(instances) == 2:
            return
        world.advance(seconds=30)
        instances = [one["InstanceId"] for one in zones.group_of_instances()["Instances"]]
    raise AssertionError(f"{lost} is still one of {instances}")


@check("a scaled group with instances is deleted by force only", f"{ASG}/API_DeleteAutoScalingGroup.html")
def group_with_instances(world):
    zones = Zones(world)
    zones.scaled()
    with refused("ResourceInUse"):
        zones.scaling.delete_auto_scaling_group(AutoScalingGroupName="app")


@check("a scaled group's name is taken once", f"{ASG}/API_CreateAutoScalingGroup.html")
def duplicate_group(world):
    zones = Zones(world)
    zones.scaled()
    with refused("AlreadyExists"):
        zones.scaling.create_auto_scaling_group(
            AutoScalingGroupName="app",
            LaunchTemplate={"LaunchTemplateName": "app", "Version": "1"},
            MinSize=1,
            MaxSize=1,
            VPCZoneIdentifier=zones.subnets[0],
        )


@check("a desired capacity stays between its bounds", f"{ASG}/API_SetDesiredCapacity.html")
def desired_capacity(world):
    zones = Zones(world)
    zones.scaled()
    with refused("ValidationError"):
        zones.scaling.set_desired_capacity(AutoScalingGroupName="app", DesiredCapacity=9)
