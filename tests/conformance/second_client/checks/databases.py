"""RDS."""

from suite import REGION, check, equal, refused

from .network import Network

RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference"


def database(world, name="orders", **more):
    """A client, and a new database in a network of its own."""
    rds, network = world.client("rds"), Network(world)
    zones = enumerate("ab", 2)
    subnets = [network.add_subnet(f"10.20.{n}.0/24", AvailabilityZone=f"{REGION}{zone}") for n, zone in zones]
    group = f"group-{network.vpc}"
    rds.create_db_subnet_group(DBSubnetGroupName=group, DBSubnetGroupDescription="two zones", SubnetIds=subnets)
    wish = {
        "DBSubnetGroupName": group,
        "DBInstanceIdentifier": name,
        "Engine": "postgres",
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "owner",
        "MasterUserPassword": "correct-horse-1",
    }
    return rds, rds.create_db_instance(**{**wish, **more})["DBInstance"]


@check("a database becomes available", f"{RDS}/API_DescribeDBInstances.html")
def available(world):
    rds, _ = database(world)
    shown = rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]
    equal(shown["DBInstanceStatus"], "available")
    assert shown["Endpoint"]["Port"] == 5432


@check("a database's name is taken once", f"{RDS}/API_CreateDBInstance.html")
def duplicate(world):
    database(world)
    with refused("DBInstanceAlreadyExists"):
        database(world)


@check("a database that is not there is not found", f"{RDS}/API_DescribeDBInstances.html")
def missing(world):
    with refused("DBInstanceNotFound"):
        world.client("rds").describe_db_instances(DBInstanceIdentifier="missing")


@check("a database under protection is not deleted", f"{RDS}/API_DeleteDBInstance.html")
def protected(world):
    rds, _ = database(world, DeletionProtection=True)
    with refused("InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)


@check("a deletion names a final snapshot or skips it", f"{RDS}/API_DeleteDBInstance.html")
def final_snapshot(world):
    rds, _ = database(world)
    with refused("InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier="orders")


@check("a short master password is refused", f"{RDS}/API_CreateDBInstance.html")
def short_password(world):
    with refused("InvalidParameterValue"):
        database(world, MasterUserPassword="short")


@check("a snapshot is restored as another database", f"{RDS}/API_RestoreDBInstanceFromDBSnapshot.html")
def restored(world):
    rds, made = database(world)
    rds.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier="before")
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="again", DBSnapshotIdentifier="before", DBSubnetGroupName=made["DBSubnetGroup"]["DBSubnetGroupName"]
    )
    shown = rds.describe_db_instances(DBInstanceIdentifier="again")["DBInstances"][0]
    equal((shown["DBInstanceStatus"], shown["Engine"]), ("available", "postgres"))
    with refused("DBSnapshotAlreadyExists"):
        rds.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier="before")
