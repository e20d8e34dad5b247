//! Where a call wants to connect: a cluster or a workgroup, a database, and as whom.
//!
//! Sources: API_ExecuteStatement (the combinations of parameters), API_ListDatabases.

use serde::Deserialize;

use super::{RedshiftData, permit, permit_action, validation};
use crate::core::Core;
use crate::error::AwsError;
use crate::service::Call;

/// Names of workgroups (API_ListStatements, "Length Constraints").
const WORKGROUP_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=128;
const CLUSTER_CHARACTERS_MAX: usize = 63;

/// The parameters that say where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Target {
    pub(super) cluster_identifier: Option<String>,
    pub(super) workgroup_name: Option<String>,
    pub(super) database: Option<String>,
    pub(super) db_user: Option<String>,
    pub(super) secret_arn: Option<String>,
}

impl Target {
    pub(super) fn database(&self) -> &str {
        self.database.as_deref().unwrap_or_default()
    }

    /// The workgroup's name, also when it was given as an ARN.
    pub(super) fn workgroup(&self) -> Option<&str> {
        self.workgroup_name.as_deref().map(workgroup_in)
    }

    /// Whether both are the same cluster or workgroup, whichever database of it.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.cluster_identifier == other.cluster_identifier && self.workgroup() == other.workgroup()
    }

    /// Exactly one of cluster and workgroup, a database, and one way to connect to it.
    pub(super) fn check(&self) -> Result<(), AwsError> {
        if self.cluster_identifier.is_some() == self.workgroup_name.is_some() {
            return Err(validation(
                "Exactly one of ClusterIdentifier, WorkgroupName and SessionId is required",
            ));
        }
        self.check_names()?;
        if self.database().is_empty() {
            return Err(validation("Database is required"));
        }
        if self.db_user.is_some() && self.secret_arn.is_some() {
            return Err(validation("Only one of DbUser and SecretArn can be given"));
        }
        if self.workgroup_name.is_some() && self.db_user.is_some() {
            return Err(validation("DbUser cannot be given with WorkgroupName"));
        }
        Ok(())
    }

    /// Names as AWS's patterns have them.
    pub(super) fn check_names(&self) -> Result<(), AwsError> {
        if let Some(name) = self.workgroup() {
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if !WORKGROUP_CHARACTERS.contains(&name.len()) || !name.bytes().all(allowed) {
                return Err(validation(format!("'{name}' is not the name of a workgroup")));
            }
        }
        match &self.cluster_identifier {
            Some(name) if name.is_empty() || name.len() > CLUSTER_CHARACTERS_MAX => {
                Err(validation("ClusterIdentifier has 1 to 63 characters"))
            }
            _ => Ok(()),
        }
    }

    /// The ARN that policies speak of.
    fn resource(&self, call: &Call) -> String {
        let (region, account) = (&call.region, &call.caller.account);
        match (&self.cluster_identifier, self.workgroup()) {
            (Some(cluster), _) => format!("arn:aws:redshift:{region}:{account}:cluster:{cluster}"),
            (_, Some(workgroup)) => {
                format!("arn:aws:redshift-serverless:{region}:{account}:workgroup/{workgroup}")
            }
            (None, None) => "*".to_owned(),
        }
    }

    /// What the Data API does in the caller's name to connect: it reads the secret, or fetches temporary credentials.
    fn credentials(&self, call: &Call) -> (&'static str, String) {
        let (region, account) = (&call.region, &call.caller.account);
        let database = self.database();
        match (&self.secret_arn, &self.cluster_identifier, &self.db_user) {
            (Some(secret), _, _) => ("secretsmanager:GetSecretValue", secret.clone()),
            (None, None, _) => ("redshift-serverless:GetCredentials", self.resource(call)),
            (None, Some(cluster), Some(user)) => (
                "redshift:GetClusterCredentials",
                format!("arn:aws:redshift:{region}:{account}:dbuser:{cluster}/{user}"),
            ),
            (None, Some(cluster), None) => (
                "redshift:GetClusterCredentialsWithIAM",
                format!("arn:aws:redshift:{region}:{account}:dbname:{cluster}/{database}"),
            ),
        }
    }
}

fn workgroup_in(text: &str) -> &str {
    match text.rsplit_once(":workgroup/") {
        Some((_, name)) if text.starts_with("arn:aws:redshift-serverless:") => name,
        _ => text,
    }
}

impl RedshiftData {
    /// Checks a target and asks for everything that connecting to it takes.
    pub(super) fn admit(&self, core: &Core, call: &Call, target: &Target) -> Result<(), AwsError> {
        target.check()?;
        let context = call.context();
        permit(core, call, &target.resource(call), &context)?;
        let (action, resource) = target.credentials(call);
        permit_action(core, call, action, (&resource, &context))?;
        let name = target
            .workgroup()
            .or(target.cluster_identifier.as_deref())
            .unwrap_or_default();
        if core.warehouse_url.is_none() || !self.has_target(name) {
            return Err(validation("Redshift endpoint doesn't exist in this region."));
        }
        Ok(())
    }
}
