//! Reads what a call says about a new instance or cluster into its settings, with all of the refusals on the way.

use super::catalog::{Engine, check_storage};
use super::instance::{Secret, Settings};
use super::placement::Ground;
use super::request::{Request, clash, invalid, missing};
use super::window;
use crate::error::AwsError;

/// The settings of a new instance that stands alone.
pub(super) fn instance(
    request: &Request<'_>,
    engine: &Engine,
    ground: &Ground,
) -> Result<Settings, AwsError> {
    let class = request.required("DBInstanceClass")?;
    engine.check_class(class)?;
    let gib = request.number("AllocatedStorage")?;
    let gib = gib.ok_or_else(|| missing("AllocatedStorage"))?;
    let (kind, iops) = storage(request, engine, gib)?;
    Ok(Settings {
        class: class.to_owned(),
        storage_gib: gib,
        storage_type: kind,
        iops,
        multi_az: request.flag("MultiAZ")?.unwrap_or(false),
        auto_minor: request.flag("AutoMinorVersionUpgrade")?.unwrap_or(true),
        ..shared(request, engine, ground)?
    })
}

/// What instances and clusters have in common.
pub(super) fn shared(request: &Request<'_>, engine: &Engine, ground: &Ground) -> Result<Settings, AwsError> {
    let username = request.required("MasterUsername")?;
    engine.check_username(username)?;
    let secret = master_secret(request, engine, true)?;
    Ok(Settings {
        engine: engine.name.to_owned(),
        version: engine.version(request.params.get("EngineVersion"))?,
        master_username: username.to_owned(),
        db_name: database_name(request)?,
        kms_key: encryption_key(request)?,
        secret,
        ..placed(request, engine.port, ground)?
    })
}

/// What says where and how something runs, whatever is in it.
pub(super) fn placed(request: &Request<'_>, port: u16, ground: &Ground) -> Result<Settings, AwsError> {
    let backup_window = text_or(request, "PreferredBackupWindow", window::BACKUP_DEFAULT);
    let maintenance_window = text_or(request, "PreferredMaintenanceWindow", window::MAINTENANCE_DEFAULT);
    window::check(&backup_window, &maintenance_window)?;
    Ok(Settings {
        port: self::port(request, "Port")?.unwrap_or(port),
        subnet_group: ground.group.meta.id.clone(),
        vpc_id: ground.group.vpc_id.clone(),
        group_ids: ground.group_ids.clone(),
        is_public: ground.is_public,
        deletion_protection: request.flag("DeletionProtection")?.unwrap_or(false),
        copies_tags: request.flag("CopyTagsToSnapshot")?.unwrap_or(false),
        iam_auth: request.flag("EnableIAMDatabaseAuthentication")?.unwrap_or(false),
        retention_days: retention(request)?.unwrap_or(1),
        promotion_tier: promotion_tier(request)?,
        backup_window,
        maintenance_window,
        ..Settings::default()
    })
}

fn text_or(request: &Request<'_>, name: &str, default: &str) -> String {
    request.params.get(name).unwrap_or(default).to_ascii_lowercase()
}

pub(super) fn port(request: &Request<'_>, name: &str) -> Result<Option<u16>, AwsError> {
    let Some(number) = request.number(name)? else {
        return Ok(None);
    };
    let port = u16::try_from(number).ok().filter(|port| *port >= 1_150);
    let port = port.ok_or_else(|| invalid(format!("Invalid database port: {number}. Must be 1150-65535")))?;
    Ok(Some(port))
}

pub(super) fn retention(request: &Request<'_>) -> Result<Option<i64>, AwsError> {
    let days = request.number("BackupRetentionPeriod")?;
    match days {
        Some(days) if !(0..=35).contains(&days) => Err(invalid(format!(
            "Invalid backup retention period {days}. Must be between 0 and 35"
        ))),
        _ => Ok(days),
    }
}

fn promotion_tier(request: &Request<'_>) -> Result<i64, AwsError> {
    let tier = request.number("PromotionTier")?.unwrap_or(1);
    if !(0..=15).contains(&tier) {
        return Err(invalid("The promotion tier must be between 0 and 15"));
    }
    Ok(tier)
}

/// Type and rate of storage of a size.
fn storage(request: &Request<'_>, engine: &Engine, gib: i64) -> Result<(String, Option<i64>), AwsError> {
    let iops = request.number("Iops")?;
    let default = if iops.is_some() { "io1" } else { "gp2" };
    let kind = request.params.get("StorageType").unwrap_or(default);
    check_storage(engine, kind, gib, iops)?;
    Ok((kind.to_owned(), iops))
}

pub(super) fn database_name(request: &Request<'_>) -> Result<Option<String>, AwsError> {
    let named = request
        .params
        .get("DBName")
        .or(request.params.get("DatabaseName"));
    let Some(name) = named.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let legal = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !begins || !legal || name.len() > 63 {
        return Err(invalid(
            "DBName must begin with a letter and contain only alphanumeric characters.",
        ));
    }
    Ok(Some(name.to_owned()))
}

/// The key of a new volume: none when it is not encrypted, AWS's own when none is named.
pub(super) fn encryption_key(request: &Request<'_>) -> Result<Option<String>, AwsError> {
    let named = request.params.get("KmsKeyId").filter(|named| !named.is_empty());
    match (request.flag("StorageEncrypted")?, named) {
        (Some(false) | None, None) => Ok(None),
        (Some(false) | None, Some(_)) => Err(clash(
            "KmsKeyId cannot be specified for an unencrypted DB instance: set StorageEncrypted",
        )),
        (Some(true), named) => usable_key(request, named.unwrap_or("alias/aws/rds")).map(Some),
    }
}

/// The ARN of a key that the caller may hand to RDS.
///
/// # Errors
/// `KMSKeyNotAccessibleFault`, whatever KMS said.
pub(super) fn usable_key(request: &Request<'_>, named: &str) -> Result<String, AwsError> {
    let kms = &request.core.peers.kms;
    let (caller, region) = (&request.call.caller, request.call.region.as_str());
    let usable = kms.usable(request.core, caller, (region, named), ("rds", "CreateGrant"));
    usable.map_err(|refusal| {
        let why = format!(
            "The specified KMS key [{named}] does not exist, is not enabled or you do not have permissions to access it. ({})",
            refusal.code
        );
        AwsError::bad("KMSKeyNotAccessibleFault", why)
    })
}

/// The secret of a managed master password; else the password in the call is checked, and kept nowhere.
pub(super) fn master_secret(
    request: &Request<'_>,
    engine: &Engine,
    is_required: bool,
) -> Result<Option<Secret>, AwsError> {
    let password = request.params.get("MasterUserPassword");
    let managed = request.flag("ManageMasterUserPassword")?.unwrap_or(false);
    if !managed && request.params.get("MasterUserSecretKmsKeyId").is_some() {
        return Err(clash(
            "MasterUserSecretKmsKeyId is valid only when ManageMasterUserPassword is enabled.",
        ));
    }
    match (managed, password) {
        (true, Some(_)) => Err(clash(
            "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.",
        )),
        (true, None) => new_secret(request).map(Some),
        (false, Some(password)) => engine.check_password(password).map(|()| None),
        (false, None) if is_required => Err(invalid(
            "The parameter MasterUserPassword must be provided and must not be blank.",
        )),
        (false, None) => Ok(None),
    }
}

fn new_secret(request: &Request<'_>) -> Result<Secret, AwsError> {
    let key = match request.params.get("MasterUserSecretKmsKeyId") {
        Some(named) => usable_key(request, named)?,
        None => request.arn_of_managed_key(),
    };
    let (account, region) = (&request.call.caller.account, &request.call.region);
    let name = request.core.ids.uuid();
    let suffix = &request.core.ids.unique("")[..6];
    Ok(Secret {
        arn: format!("arn:aws:secretsmanager:{region}:{account}:secret:rds!db-{name}-{suffix}"),
        kms_key: key,
    })
}

impl Request<'_> {
    /// The key that Secrets Manager uses by itself.
    fn arn_of_managed_key(&self) -> String {
        let (account, region) = (&self.call.caller.account, &self.call.region);
        format!("arn:aws:kms:{region}:{account}:alias/aws/secretsmanager")
    }
}
