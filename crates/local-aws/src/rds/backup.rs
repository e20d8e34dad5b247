//! Automated backups: those of living instances, those replicated into another region, those retained after a deletion.

use chrono::{DateTime, TimeDelta, Utc};

use super::course::{Course, Then};
use super::instance::{Instance, Link};
use super::request::{Request, clash, instance_missing, instance_state, invalid, name_of, region_of};
use super::restore::window_of;
use super::state::{Backup, Databases, Tags, below};
use super::{Rds, read, view};
use crate::error::AwsError;
use crate::protocol::Xml;

/// How far a replicated backup is behind its instance, typically: logs are shipped every five minutes.
const SHIPPING: TimeDelta = TimeDelta::minutes(5);
const FIRST_COPY: TimeDelta = TimeDelta::minutes(20);
const FILTERS: [&str; 4] = [
    "status",
    "db-instance-id",
    "dbi-resource-id",
    "db-instance-automated-backups-arn",
];

/// Begins to replicate an instance's backups into the region of the call.
pub(super) fn start(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let source = source(rds, request)?;
    let retention = read::retention(request)?.unwrap_or(7);
    if retention == 0 {
        return Err(invalid("The backup retention period must be between 1 and 35"));
    }
    let named = request.params.get("KmsKeyId");
    let kms_key = match (&source.settings.kms_key, named) {
        (Some(_), Some(named)) => Some(read::usable_key(request, named)?),
        (Some(_), None) => {
            return Err(clash(
                "A KMS key of the destination AWS Region is required to replicate encrypted backups.",
            ));
        }
        (None, Some(_)) => return Err(clash("KmsKeyId is valid only for an encrypted DB instance.")),
        (None, None) => None,
    };
    let backup = replicated(request, &source, retention, kms_key)?;
    rds.with(|state| {
        let follows = |it: &&Backup| it.instance_arn == source.meta.arn && it.ended_at.is_none();
        if below(&state.backups, &request.arn("auto-backup", "")).any(|it| follows(&it)) {
            let why = "The backups of this DB instance are already replicated into this AWS Region.";
            return Err(AwsError::bad("InvalidDBInstanceAutomatedBackupState", why));
        }
        let answer = one(&backup, request.call.now);
        state.backups.insert(backup.meta.arn.clone(), backup);
        Ok(answer)
    })
}

fn source(rds: &Rds, request: &Request<'_>) -> Result<Instance, AwsError> {
    let arn = request.required("SourceDBInstanceArn")?;
    let found = rds.with(|state| state.instances.get(arn).cloned());
    let has = found.as_ref().map(|it| it.meta.tags.clone()).unwrap_or_default();
    request.permit(arn, &has, &request.tags()?)?;
    let own = found.filter(|it| it.meta.account == request.call.caller.account);
    let source = own.ok_or_else(|| instance_missing(arn))?;
    if region_of(arn) == request.call.region {
        return Err(invalid("The source DB instance must be in another AWS Region."));
    }
    if !source.is_available() {
        return Err(instance_state(format!(
            "Source instance {} is not in available state.",
            source.meta.id
        )));
    }
    if source.settings.retention_days == 0 {
        return Err(instance_state(
            "Automated backups are not enabled for the source DB instance.",
        ));
    }
    Ok(source)
}

fn replicated(
    request: &Request<'_>,
    source: &Instance,
    retention: i64,
    kms_key: Option<String>,
) -> Result<Backup, AwsError> {
    let id = format!("ab-{}", request.core.ids.unique("").to_lowercase());
    let stages = [("pending", FIRST_COPY)];
    let mut settings = source.settings.clone();
    settings.retention_days = retention;
    settings.kms_key = kms_key;
    Ok(Backup {
        meta: request.meta("auto-backup", &id, request.tags()?),
        instance_arn: source.meta.arn.clone(),
        instance_id: source.meta.id.clone(),
        resource_id: source.resource_id.clone(),
        instance_created_at: source.meta.created_at,
        settings,
        markers: source.markers.clone(),
        link: Some(Link::new(&source.meta.arn, SHIPPING, request.call.now)),
        course: Course::through(request.call.now, &request.core.latency, &stages, Then::Rest),
        earliest: request.call.now,
        ended_at: None,
    })
}

/// Ends replication; what was replicated stays.
pub(super) fn stop(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let arn = request.required("SourceDBInstanceArn")?;
    request.permit(arn, &Tags::new(), &Tags::new())?;
    let prefix = request.arn("auto-backup", "");
    rds.with(|state| {
        let mut here = state.backups.values_mut();
        let found = here.find(|it| {
            it.meta.arn.starts_with(&prefix)
                && it.instance_arn == arn
                && it.ended_at.is_none()
                && it.link.is_some()
        });
        let backup = found.ok_or_else(|| instance_missing(arn))?;
        backup.ended_at = Some(backup.latest(request.call.now));
        backup.link = None;
        Ok(one(backup, request.call.now))
    })
}

/// Keeps the backups of an instance that is being deleted.
pub(super) fn retain(state: &mut Databases, request: &Request<'_>, instance: &Instance) {
    let id = format!("ab-{}", request.core.ids.unique("").to_lowercase());
    let (earliest, latest) = window_of(request, instance);
    let backup = Backup {
        meta: request.meta("auto-backup", &id, instance.meta.tags.clone()),
        instance_arn: instance.meta.arn.clone(),
        instance_id: instance.meta.id.clone(),
        resource_id: instance.resource_id.clone(),
        instance_created_at: instance.meta.created_at,
        settings: instance.settings.clone(),
        markers: instance.markers.clone(),
        link: None,
        course: Course::default(),
        earliest,
        ended_at: Some(latest),
    };
    state.backups.insert(backup.meta.arn.clone(), backup);
}

/// A backup by its ARN.
pub(super) fn find(rds: &Rds, request: &Request<'_>, arn: &str) -> Result<Backup, AwsError> {
    request.permit(arn, &Tags::new(), &request.tags()?)?;
    let here = request.arn("auto-backup", "");
    let found = rds.with(|state| state.backups.get(arn).cloned());
    found
        .filter(|backup| backup.meta.arn.starts_with(&here))
        .ok_or_else(|| backup_missing(arn))
}

fn backup_missing(named: &str) -> AwsError {
    let why = format!("DBInstanceAutomatedBackup {} not found.", name_of(named));
    AwsError::not_found("DBInstanceAutomatedBackupNotFound", why)
}

pub(super) fn describe(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing("auto-backup", None)?;
    let filters = request.filters(&FILTERS)?;
    let mut found: Vec<Backup> = rds.with(|state| {
        let kept = below(&state.backups, &request.arn("auto-backup", "")).cloned();
        let living = below(&state.instances, &request.arn("db", ""))
            .filter(|it| it.settings.retention_days > 0 && it.cluster.is_none() && it.link.is_none());
        kept.chain(living.map(|instance| living_backup(request, instance)))
            .collect()
    });
    found.retain(|backup| accepts(&filters, backup));
    let named = [
        ("DBInstanceIdentifier", request.params.get("DBInstanceIdentifier")),
        ("DbiResourceId", request.params.get("DbiResourceId")),
        ("Arn", request.params.get("DBInstanceAutomatedBackupsArn")),
    ];
    for (kind, value) in named {
        let Some(value) = value else { continue };
        found.retain(|backup| match kind {
            "DBInstanceIdentifier" => backup.instance_id == value.to_lowercase(),
            "DbiResourceId" => backup.resource_id == value,
            _ => backup.meta.arn == value,
        });
        if found.is_empty() {
            return Err(backup_missing(value));
        }
    }
    found.sort_by(|one, next| one.meta.arn.cmp(&next.meta.arn));
    let page = request.page(found, |backup| &backup.meta.arn)?;
    let mut xml = Xml::new();
    xml.node("DBInstanceAutomatedBackups", |xml| {
        for backup in &page.items {
            xml.node("DBInstanceAutomatedBackup", |xml| {
                show(xml, backup, request.call.now);
            });
        }
    });
    xml.optional("Marker", page.next);
    Ok(xml)
}

/// The backup that a living instance has beside it.
fn living_backup(request: &Request<'_>, instance: &Instance) -> Backup {
    let (earliest, latest) = window_of(request, instance);
    let id = format!(
        "ab-{}",
        instance.resource_id.trim_start_matches("db-").to_lowercase()
    );
    let mut meta = instance.meta.clone();
    meta.arn = request.arn("auto-backup", &id);
    Backup {
        meta,
        instance_arn: instance.meta.arn.clone(),
        instance_id: instance.meta.id.clone(),
        resource_id: instance.resource_id.clone(),
        instance_created_at: instance.meta.created_at,
        settings: instance.settings.clone(),
        markers: Vec::new(),
        link: Some(Link::new(&instance.meta.arn, TimeDelta::zero(), latest)),
        course: Course::default(),
        earliest,
        ended_at: None,
    }
}

fn accepts(filters: &[(String, Vec<String>)], backup: &Backup) -> bool {
    filters.iter().all(|(name, values)| {
        let own = match name.as_str() {
            "status" => backup.status(),
            "db-instance-id" => &backup.instance_id,
            "dbi-resource-id" => &backup.resource_id,
            _ => &backup.meta.arn,
        };
        values.iter().any(|value| value == own)
    })
}

impl Backup {
    /// The last moment it covers.
    pub(super) fn latest(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let applied = self.link.as_ref().map(|link| link.applied);
        self.ended_at.or(applied).unwrap_or(now)
    }

    fn status(&self) -> &str {
        match (self.course.status(), &self.link) {
            (Some(status), _) => status,
            (None, None) => "retained",
            (None, Some(link)) if region_of(&link.source) == self.meta.region => "active",
            (None, Some(_)) => "replicating",
        }
    }
}

fn one(backup: &Backup, now: DateTime<Utc>) -> Xml {
    let mut xml = Xml::new();
    xml.node("DBInstanceAutomatedBackup", |xml| show(xml, backup, now));
    xml
}

fn show(xml: &mut Xml, backup: &Backup, now: DateTime<Utc>) {
    let settings = &backup.settings;
    xml.leaf("DBInstanceArn", &backup.instance_arn)
        .leaf("DBInstanceAutomatedBackupsArn", &backup.meta.arn)
        .leaf("DBInstanceIdentifier", &backup.instance_id)
        .leaf("DbiResourceId", &backup.resource_id)
        .leaf("Region", region_of(&backup.instance_arn))
        .leaf("Status", backup.status())
        .leaf("Engine", &settings.engine)
        .leaf("EngineVersion", &settings.version)
        .leaf("MasterUsername", &settings.master_username)
        .leaf("AllocatedStorage", settings.storage_gib)
        .leaf("StorageType", &settings.storage_type)
        .leaf("Port", settings.port)
        .leaf("BackupRetentionPeriod", settings.retention_days)
        .leaf("Encrypted", settings.kms_key.is_some())
        .optional("KmsKeyId", settings.kms_key.as_ref())
        .leaf("InstanceCreateTime", view::time(backup.instance_created_at));
    xml.node("RestoreWindow", |xml| {
        xml.leaf("EarliestTime", view::time(backup.earliest))
            .leaf("LatestTime", view::time(backup.latest(now)));
    });
}
