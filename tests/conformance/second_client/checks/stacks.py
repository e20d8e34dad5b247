"""CloudFormation."""

import json

from suite import check, equal, refused

API = "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference"

TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"ExternalId": {"Type": "String", "MinLength": 8}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "from-template",
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
                        }
                    ],
                },
            },
        }
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
}


def create(world, **more):
    stacks = world.client("cloudformation")
    wish = {
        "StackName": "customer",
        "TemplateBody": json.dumps(TEMPLATE),
        "Parameters": [{"ParameterKey": "ExternalId", "ParameterValue": "tenantry-7f3a"}],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }
    return stacks, stacks.create_stack(**{**wish, **more})


@check("a stack makes the role of its template", f"{API}/API_CreateStack.html")
def made(world):
    stacks, _ = create(world)
    stack = stacks.describe_stacks(StackName="customer")["Stacks"][0]
    equal(stack["StackStatus"], "CREATE_COMPLETE")
    arn = f"arn:aws:iam::{world.vendor}:role/from-template"
    equal([(one["OutputKey"], one["OutputValue"]) for one in stack["Outputs"]], [("Arn", arn)])
    role = world.client("iam").get_role(RoleName="from-template")["Role"]
    condition = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    equal(condition, {"StringEquals": {"sts:ExternalId": "tenantry-7f3a"}})


@check("a template with named roles needs its capability", f"{API}/API_CreateStack.html")
def capability(world):
    for given in ([], ["CAPABILITY_IAM"]):
        with refused("InsufficientCapabilitiesException", "InsufficientCapabilities"):
            create(world, Capabilities=given)


@check("a stack's name is taken once", f"{API}/API_CreateStack.html")
def duplicate(world):
    create(world)
    with refused("AlreadyExistsException"):
        create(world)


@check("a parameter that breaks its rule is refused", f"{API}/API_CreateStack.html")
def short_parameter(world):
    with refused("ValidationError"):
        create(world, Parameters=[{"ParameterKey": "ExternalId", "ParameterValue": "short"}])


@check("a deleted stack takes its role along", f"{API}/API_DeleteStack.html")
def deleted(world):
    stacks, made_stack = create(world)
    stacks.delete_stack(StackName="customer")
    with refused("NoSuchEntity"):
        world.client("iam").get_role(RoleName="from-template")
    with refused("ValidationError"):
        stacks.describe_stacks(StackName="customer")
    shown = stacks.describe_stacks(StackName=made_stack["StackId"])["Stacks"][0]
    equal(shown["StackStatus"], "DELETE_COMPLETE")
