//! ModifyDBInstance: what holds at once, and what waits for the maintenance window unless it is to be applied at once.

use chrono::{TimeDelta, Utc};

use super::catalog::{self, Engine, check_storage};
use super::course::{Course, Then};
use super::describe::{changed, permitted};
use super::instance::{Foot, Instance, Pending, Settings};
use super::placement::{self, Ground, beside};
use super::request::{Request, clash, instance_state, invalid};
use super::{Rds, read, window};
use crate::error::AwsError;
use crate::protocol::Xml;

/// How long AWS takes over a change of class, storage or Multi-AZ, typically.
const MODIFYING: TimeDelta = TimeDelta::minutes(8);

pub(super) fn modify(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let instance = permitted(rds, request)?;
    if request.params.get("NewDBInstanceIdentifier").is_some() {
        return Err(AwsError::not_implemented(
            "rds",
            "ModifyDBInstance with NewDBInstanceIdentifier",
        ));
    }
    if !["available", "stopped", "storage-optimization"].contains(&instance.status()) {
        return Err(instance_state(format!(
            "Database instance is not in available state: {} is {}",
            instance.meta.id,
            instance.status()
        )));
    }
    let settings = at_once(request, &instance)?;
    let later = later(request, &instance)?;
    let now = request.flag("ApplyImmediately")?.unwrap_or(false);
    let pending = later.map(|pending| Pending {
        from: match now || instance.stopped_at.is_some() {
            true => request.call.now,
            false => window::next_opening(&settings.maintenance_window, request.call.now),
        },
        ..merged(instance.pending.clone(), pending)
    });
    let standby = standby(rds, request, (&instance, &settings), pending.as_ref())?;
    regroup(request, &instance, &settings);
    rds.with(|state| {
        changed(state, &instance.meta.arn, |instance| {
            instance.settings = settings;
            instance.standby = standby.or(instance.standby.take());
            instance.pending = pending.or(instance.pending.take());
            begin(instance, request.call.now, request);
        })
    })
}

/// Starts on pending changes whose time has come.
fn begin(instance: &mut Instance, now: chrono::DateTime<Utc>, request: &Request<'_>) {
    if let Some(pending) = instance.pending.as_ref().filter(|pending| pending.from <= now) {
        instance.course = course(pending, now, &request.core.latency);
    }
}

/// The course of a pending change.
pub(super) fn course(
    pending: &Pending,
    now: chrono::DateTime<Utc>,
    latency: &crate::control::Latency,
) -> Course {
    let only_password = Pending {
        password: false,
        ..pending.clone()
    };
    let status = match (pending.password && is_nothing(&only_password), &pending.version) {
        (true, _) => ("resetting-master-credentials", TimeDelta::minutes(1)),
        (false, Some(_)) => ("upgrading", MODIFYING),
        (false, None) => ("modifying", MODIFYING),
    };
    Course::through(now, latency, &[status], Then::Change)
}

/// The settings that hold at once.
fn at_once(request: &Request<'_>, instance: &Instance) -> Result<Settings, AwsError> {
    let mut settings = instance.settings.clone();
    if let Some(days) = read::retention(request)? {
        if instance.cluster.is_some() {
            return Err(clash("Set BackupRetentionPeriod for the DB Cluster."));
        }
        settings.retention_days = days;
    }
    let text = |name: &str, old: &str| request.params.get(name).unwrap_or(old).to_ascii_lowercase();
    settings.backup_window = text("PreferredBackupWindow", &settings.backup_window);
    settings.maintenance_window = text("PreferredMaintenanceWindow", &settings.maintenance_window);
    window::check(&settings.backup_window, &settings.maintenance_window)?;
    let flags = [
        ("DeletionProtection", &mut settings.deletion_protection),
        ("CopyTagsToSnapshot", &mut settings.copies_tags),
        ("AutoMinorVersionUpgrade", &mut settings.auto_minor),
        ("EnableIAMDatabaseAuthentication", &mut settings.iam_auth),
        ("PubliclyAccessible", &mut settings.is_public),
    ];
    for (name, flag) in flags {
        *flag = request.flag(name)?.unwrap_or(*flag);
    }
    settings.port = read::port(request, "DBPortNumber")?.unwrap_or(settings.port);
    if !request
        .strings("VpcSecurityGroupIds", "VpcSecurityGroupId")
        .is_empty()
    {
        settings.group_ids = placement::security_groups(request, &settings.vpc_id)?;
    }
    if let Some(managed) = request.flag("ManageMasterUserPassword")? {
        let engine = catalog::engine(&settings.engine)?;
        settings.secret = match managed {
            true => read::master_secret(request, engine, false)?,
            false => None,
        };
        if !managed && request.params.get("MasterUserPassword").is_none() {
            return Err(clash(
                "You must specify MasterUserPassword when ManageMasterUserPassword is disabled.",
            ));
        }
    }
    Ok(settings)
}

/// The changes that interrupt the database.
fn later(request: &Request<'_>, instance: &Instance) -> Result<Option<Pending>, AwsError> {
    let old = &instance.settings;
    let engine = catalog::engine(&old.engine)?;
    let class = request
        .params
        .get("DBInstanceClass")
        .filter(|class| *class != old.class);
    if let Some(class) = class {
        engine.check_class(class)?;
    }
    let version = version(request, engine, &old.version)?;
    let (storage_gib, storage_type, iops) = storage(request, engine, old)?;
    let multi_az = request.flag("MultiAZ")?.filter(|wanted| *wanted != old.multi_az);
    if multi_az == Some(true) && instance.cluster.is_some() {
        return Err(clash(
            "MultiAZ is not valid for a member of an Aurora DB cluster.",
        ));
    }
    let password = request.params.get("MasterUserPassword");
    if let Some(password) = password {
        let unmanages = request.flag("ManageMasterUserPassword")? == Some(false);
        if instance.settings.secret.is_some() && !unmanages {
            return Err(clash(
                "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.",
            ));
        }
        check_password(engine, instance, password)?;
    }
    let pending = Pending {
        class: class.map(str::to_owned),
        storage_gib,
        storage_type,
        iops,
        multi_az,
        version,
        password: password.is_some(),
        from: request.call.now,
    };
    Ok((!is_nothing(&pending)).then_some(pending))
}

fn check_password(engine: &Engine, instance: &Instance, password: &str) -> Result<(), AwsError> {
    if instance.cluster.is_some() {
        return Err(clash("Set MasterUserPassword for the DB Cluster."));
    }
    if instance.link.is_some() {
        return Err(clash("A read replica has the master password of its source."));
    }
    engine.check_password(password)
}

fn version(request: &Request<'_>, engine: &Engine, old: &str) -> Result<Option<String>, AwsError> {
    let Some(asked) = request.params.get("EngineVersion") else {
        return Ok(None);
    };
    let new = engine.version(Some(asked))?;
    let allows = request.flag("AllowMajorVersionUpgrade")?.unwrap_or(false);
    engine.check_upgrade(old, &new, allows)?;
    Ok(Some(new).filter(|new| new != old))
}

type Storage = (Option<i64>, Option<String>, Option<i64>);

/// A new size, type and rate. Storage never shrinks.
fn storage(request: &Request<'_>, engine: &Engine, old: &Settings) -> Result<Storage, AwsError> {
    let gib = request.number("AllocatedStorage")?;
    let kind = request.params.get("StorageType");
    let iops = request.number("Iops")?;
    if gib.is_none() && kind.is_none() && iops.is_none() {
        return Ok((None, None, None));
    }
    if let Some(gib) = gib.filter(|gib| *gib < old.storage_gib) {
        return Err(invalid(format!(
            "Requested storage size ({gib}) cannot be smaller than the current storage size ({})",
            old.storage_gib
        )));
    }
    let whole = (gib.unwrap_or(old.storage_gib), kind.unwrap_or(&old.storage_type));
    check_storage(engine, whole.1, whole.0, iops.or(old.iops))?;
    Ok((
        gib.filter(|gib| *gib != old.storage_gib),
        kind.map(str::to_owned).filter(|kind| *kind != old.storage_type),
        iops.filter(|iops| Some(*iops) != old.iops),
    ))
}

fn is_nothing(pending: &Pending) -> bool {
    let Pending {
        class,
        storage_gib,
        storage_type,
        iops,
        multi_az,
        version,
        password,
        from: _,
    } = pending;
    class.is_none()
        && storage_gib.is_none()
        && storage_type.is_none()
        && iops.is_none()
        && multi_az.is_none()
        && version.is_none()
        && !password
}

/// Earlier pending changes, with the new ones over them.
fn merged(earlier: Option<Pending>, new: Pending) -> Pending {
    let Some(earlier) = earlier else { return new };
    Pending {
        class: new.class.or(earlier.class),
        storage_gib: new.storage_gib.or(earlier.storage_gib),
        storage_type: new.storage_type.or(earlier.storage_type),
        iops: new.iops.or(earlier.iops),
        multi_az: new.multi_az.or(earlier.multi_az),
        version: new.version.or(earlier.version),
        password: new.password || earlier.password,
        from: new.from,
    }
}

/// The place of a standby that is to come.
fn standby(
    rds: &Rds,
    request: &Request<'_>,
    (instance, settings): (&Instance, &Settings),
    pending: Option<&Pending>,
) -> Result<Option<Foot>, AwsError> {
    let wanted = pending.is_some_and(|pending| pending.multi_az == Some(true));
    if !wanted || instance.standby.is_some() {
        return Ok(None);
    }
    let arn = request.arn("subgrp", &settings.subnet_group);
    let group = rds.with(|state| state.subnet_groups.get(&arn).cloned());
    let Some(group) = group else { return Ok(None) };
    let ground = Ground {
        group,
        group_ids: settings.group_ids.clone(),
        is_public: settings.is_public,
    };
    beside(request, &ground, &instance.foot.zone).map(Some)
}

/// Puts new security groups on the interfaces.
fn regroup(request: &Request<'_>, instance: &Instance, settings: &Settings) {
    if settings.group_ids == instance.settings.group_ids {
        return;
    }
    for interface in instance.interfaces() {
        let ec2 = &request.core.peers.ec2;
        ec2.set_interface_groups(request.core, request.place(), &interface, &settings.group_ids);
    }
}

impl Instance {
    /// Makes the pending changes hold. The standby of an instance that is Multi-AZ no more is given back.
    pub(super) fn apply_pending(&mut self) -> Option<Foot> {
        let pending = self.pending.take()?;
        let settings = &mut self.settings;
        settings.class = pending.class.unwrap_or(std::mem::take(&mut settings.class));
        settings.storage_gib = pending.storage_gib.unwrap_or(settings.storage_gib);
        settings.storage_type = pending
            .storage_type
            .unwrap_or(std::mem::take(&mut settings.storage_type));
        settings.iops = pending.iops.or(settings.iops);
        settings.version = pending.version.unwrap_or(std::mem::take(&mut settings.version));
        settings.multi_az = pending.multi_az.unwrap_or(settings.multi_az);
        self.standby.take_if(|_| !self.settings.multi_az)
    }
}
