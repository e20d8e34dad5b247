//! What answers show.

use chrono::{DateTime, Utc};

use super::catalog;
use super::instance::{Instance, LinkState, Pending, Settings};
use super::request::{name_of, region_of};
use super::state::{Databases, Snapshot, SubnetGroup, Tags};
use crate::protocol::Xml;

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// An answer that holds one instance.
pub(super) fn one_instance(state: &Databases, of: &Instance) -> Xml {
    let mut xml = Xml::new();
    xml.node("DBInstance", |xml| instance(xml, state, of));
    xml
}

pub(super) fn instance(xml: &mut Xml, state: &Databases, of: &Instance) {
    let settings = &of.settings;
    xml.leaf("DBInstanceIdentifier", &of.meta.id)
        .leaf("DBInstanceArn", &of.meta.arn)
        .leaf("DbiResourceId", &of.resource_id)
        .leaf("DBInstanceStatus", of.status())
        .leaf("DBInstanceClass", &settings.class)
        .leaf("AvailabilityZone", &of.foot.zone)
        .leaf("MultiAZ", settings.multi_az)
        .optional(
            "SecondaryAvailabilityZone",
            of.standby
                .as_ref()
                .filter(|_| settings.multi_az)
                .map(|foot| &foot.zone),
        );
    // AWS tells the endpoint once the instance has one.
    if of.status() != "creating" {
        xml.node("Endpoint", |xml| {
            xml.leaf("Address", of.host()).leaf("Port", settings.port);
        });
        xml.leaf("InstanceCreateTime", time(of.meta.created_at));
    }
    engine_and_storage(xml, settings);
    network(xml, state, of);
    upkeep(xml, settings);
    replication(xml, state, of);
    if let Some(pending) = &of.pending {
        xml.node("PendingModifiedValues", |xml| pending_values(xml, pending));
    }
    if let Some(secret) = &settings.secret {
        xml.node("MasterUserSecret", |xml| {
            xml.leaf("SecretArn", &secret.arn)
                .leaf("SecretStatus", "active")
                .leaf("KmsKeyId", &secret.kms_key);
        });
    }
    if let Some(cluster) = &of.cluster {
        xml.leaf("DBClusterIdentifier", name_of(cluster))
            .leaf("PromotionTier", settings.promotion_tier);
    }
    tags(xml, &of.meta.tags);
}

fn engine_and_storage(xml: &mut Xml, settings: &Settings) {
    let license = catalog::engine(&settings.engine)
        .map(|engine| engine.license)
        .ok();
    xml.leaf("Engine", &settings.engine)
        .leaf("EngineVersion", &settings.version)
        .optional("LicenseModel", license)
        .leaf("MasterUsername", &settings.master_username)
        .optional("DBName", settings.db_name.as_ref())
        .leaf("AllocatedStorage", settings.storage_gib)
        .leaf("StorageType", &settings.storage_type)
        .optional("Iops", settings.iops)
        .leaf("StorageEncrypted", settings.kms_key.is_some())
        .optional("KmsKeyId", settings.kms_key.as_ref())
        .leaf("IAMDatabaseAuthenticationEnabled", settings.iam_auth);
}

fn network(xml: &mut Xml, state: &Databases, of: &Instance) {
    let settings = &of.settings;
    let group_arn = format!(
        "arn:aws:rds:{}:{}:subgrp:{}",
        of.meta.region, of.meta.account, settings.subnet_group
    );
    if let Some(group) = state.subnet_groups.get(&group_arn) {
        xml.node("DBSubnetGroup", |xml| subnet_group(xml, group));
    }
    security_groups(xml, &settings.group_ids);
    xml.leaf("PubliclyAccessible", settings.is_public)
        .leaf("NetworkType", "IPV4");
}

pub(super) fn security_groups(xml: &mut Xml, ids: &[String]) {
    xml.node("VpcSecurityGroups", |xml| {
        for id in ids {
            xml.node("VpcSecurityGroupMembership", |xml| {
                xml.leaf("VpcSecurityGroupId", id).leaf("Status", "active");
            });
        }
    });
}

fn upkeep(xml: &mut Xml, settings: &Settings) {
    xml.leaf("BackupRetentionPeriod", settings.retention_days)
        .leaf("PreferredBackupWindow", &settings.backup_window)
        .leaf("PreferredMaintenanceWindow", &settings.maintenance_window)
        .leaf("AutoMinorVersionUpgrade", settings.auto_minor)
        .leaf("CopyTagsToSnapshot", settings.copies_tags)
        .leaf("DeletionProtection", settings.deletion_protection);
}

fn replication(xml: &mut Xml, state: &Databases, of: &Instance) {
    if let Some(link) = &of.link {
        // In its own region a source is told by its name, elsewhere by its ARN.
        let source = match region_of(&link.source) == of.meta.region {
            true => name_of(&link.source),
            false => &link.source,
        };
        xml.leaf("ReadReplicaSourceDBInstanceIdentifier", source);
        let (status, is_normal) = match link.state {
            LinkState::Replicating => ("replicating", true),
            LinkState::Interrupted => ("error", false),
            LinkState::Terminated => ("terminated", false),
        };
        xml.node("StatusInfos", |xml| {
            xml.node("DBInstanceStatusInfo", |xml| {
                xml.leaf("StatusType", "read replication")
                    .leaf("Normal", is_normal)
                    .leaf("Status", status);
            });
        });
    }
    let replicas = state.replicas(&of.meta.arn);
    xml.node("ReadReplicaDBInstanceIdentifiers", |xml| {
        for replica in replicas {
            let named = match replica.meta.region == of.meta.region {
                true => &replica.meta.id,
                false => &replica.meta.arn,
            };
            xml.leaf("ReadReplicaDBInstanceIdentifier", named);
        }
    });
}

fn pending_values(xml: &mut Xml, pending: &Pending) {
    xml.optional("DBInstanceClass", pending.class.as_ref())
        .optional("AllocatedStorage", pending.storage_gib)
        .optional("StorageType", pending.storage_type.as_ref())
        .optional("Iops", pending.iops)
        .optional("MultiAZ", pending.multi_az)
        .optional("EngineVersion", pending.version.as_ref())
        .optional("MasterUserPassword", pending.password.then_some("****"));
}

pub(super) fn tags(xml: &mut Xml, tags: &Tags) {
    xml.node("TagList", |xml| {
        for (key, value) in tags {
            xml.node("Tag", |xml| {
                xml.leaf("Key", key).leaf("Value", value);
            });
        }
    });
}

pub(super) fn subnet_group(xml: &mut Xml, group: &SubnetGroup) {
    xml.leaf("DBSubnetGroupName", &group.meta.id)
        .leaf("DBSubnetGroupDescription", &group.description)
        .leaf("DBSubnetGroupArn", &group.meta.arn)
        .leaf("VpcId", &group.vpc_id)
        .leaf("SubnetGroupStatus", "Complete");
    xml.node("Subnets", |xml| {
        for (id, zone) in &group.subnets {
            xml.node("Subnet", |xml| {
                xml.leaf("SubnetIdentifier", id);
                xml.node("SubnetAvailabilityZone", |xml| {
                    xml.leaf("Name", zone);
                });
                xml.leaf("SubnetStatus", "Active");
            });
        }
    });
}

pub(super) fn snapshot(xml: &mut Xml, of: &Snapshot) {
    let status = of.course.status().unwrap_or("available");
    let percent = if status == "available" { 100 } else { 0 };
    xml.leaf("DBSnapshotIdentifier", &of.meta.id)
        .leaf("DBSnapshotArn", &of.meta.arn)
        .leaf("DBInstanceIdentifier", &of.instance_id)
        .leaf("DbiResourceId", &of.resource_id)
        .leaf("SnapshotType", "manual")
        .leaf("Status", status)
        .leaf("PercentProgress", percent)
        .leaf("SnapshotCreateTime", time(of.meta.created_at))
        .leaf("OriginalSnapshotCreateTime", time(of.original_at))
        .leaf("SnapshotDatabaseTime", time(of.original_at))
        .leaf("InstanceCreateTime", time(of.instance_created_at))
        .leaf("AvailabilityZone", &of.zone)
        .leaf("VpcId", &of.settings.vpc_id)
        .leaf("Port", of.settings.port)
        .leaf("Engine", &of.settings.engine)
        .leaf("EngineVersion", &of.settings.version)
        .leaf("MasterUsername", &of.settings.master_username)
        .leaf("AllocatedStorage", of.settings.storage_gib)
        .leaf("StorageType", &of.settings.storage_type)
        .optional("Iops", of.settings.iops)
        .leaf("Encrypted", of.settings.kms_key.is_some())
        .optional("KmsKeyId", of.settings.kms_key.as_ref())
        .leaf("IAMDatabaseAuthenticationEnabled", of.settings.iam_auth);
    if let Some(source) = &of.source {
        xml.leaf("SourceDBSnapshotIdentifier", source)
            .leaf("SourceRegion", region_of(source));
    }
    tags(xml, &of.meta.tags);
}
