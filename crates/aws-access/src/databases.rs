//! RDS: a PostgreSQL instance with a standby in another zone, and the subnets it may stand in.
//!
//! Source: Amazon RDS API reference, version 2014-10-31.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_rds::{Client, types::Tag};
use tenant_model::{
    blueprint::{DATABASE_GIB, Spec},
    convergence::Call,
    observation::{DatabaseState, Found, Shape},
};

use crate::{
    AwsError,
    account::{Made, misdirected},
    ec2::{Mark, Scope},
    error::existing,
    settings::one_attempt,
    tags,
};

/// Days for which any moment can be restored.
const BACKUP_DAYS: i32 = 7;

/// RDS as one session sees it.
#[derive(Clone)]
pub(crate) struct Databases {
    reads: Client,
    writes: Client,
}

impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Databases")
    }
}

impl Databases {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            reads: Client::new(config),
            writes: Client::new(&one_attempt(config)),
        }
    }

    pub(crate) async fn find(&self, scope: &Scope, specs: &[&Spec]) -> Result<Vec<Found>, AwsError> {
        let mut all = Vec::new();
        for spec in specs {
            match spec {
                Spec::Database { identifier, .. } => all.extend(self.instance(scope, identifier).await?),
                Spec::DbSubnetGroup { group_name, .. } => {
                    all.extend(self.subnet_group(scope, group_name).await?);
                }
                _ => {}
            }
        }
        Ok(all)
    }

    async fn instance(&self, scope: &Scope, identifier: &str) -> Result<Option<Found>, AwsError> {
        let reply = self
            .reads
            .describe_db_instances()
            .db_instance_identifier(identifier)
            .send()
            .await;
        let Some(reply) = existing(reply)? else {
            return Ok(None);
        };
        let Some(instance) = reply.db_instances().first() else {
            return Ok(None);
        };
        let shape = Shape::Database {
            state: state(instance.db_instance_status().unwrap_or_default()),
        };
        Ok(tags::found(
            scope,
            identifier.to_owned(),
            shape,
            pairs(instance.tag_list()),
        ))
    }

    async fn subnet_group(&self, scope: &Scope, name: &str) -> Result<Option<Found>, AwsError> {
        let reply = self
            .reads
            .describe_db_subnet_groups()
            .db_subnet_group_name(name)
            .send()
            .await;
        let Some(reply) = existing(reply)? else {
            return Ok(None);
        };
        let arn = reply
            .db_subnet_groups()
            .first()
            .and_then(|group| group.db_subnet_group_arn());
        let Some(arn) = arn else { return Ok(None) };
        let listed = self
            .reads
            .list_tags_for_resource()
            .resource_name(arn)
            .send()
            .await?;
        Ok(tags::found(
            scope,
            name.to_owned(),
            Shape::DbSubnetGroup,
            pairs(listed.tag_list()),
        ))
    }

    pub(crate) async fn carry_out(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let rds = &self.writes;
        match call {
            Call::CreateDbSubnetGroup { group_name, subnets } => {
                rds.create_db_subnet_group()
                    .db_subnet_group_name(group_name)
                    .db_subnet_group_description("Private subnets of the data platform")
                    .set_subnet_ids(Some(subnets.clone()))
                    .set_tags(Some(rds_tags(mark)))
                    .send()
                    .await?;
                Ok(Some(group_name.clone()))
            }
            Call::CreateDbInstance { .. } => self.create(call, mark).await,
            Call::StartDbInstance { identifier } => {
                rds.start_db_instance()
                    .db_instance_identifier(identifier)
                    .send()
                    .await?;
                Ok(None)
            }
            Call::StopDbInstance { identifier } => {
                rds.stop_db_instance()
                    .db_instance_identifier(identifier)
                    .send()
                    .await?;
                Ok(None)
            }
            Call::DeleteDbInstance { identifier } => {
                rds.delete_db_instance()
                    .db_instance_identifier(identifier)
                    .skip_final_snapshot(true)
                    .delete_automated_backups(true)
                    .send()
                    .await?;
                Ok(None)
            }
            Call::DeleteDbSubnetGroup { group_name } => {
                rds.delete_db_subnet_group()
                    .db_subnet_group_name(group_name)
                    .send()
                    .await?;
                Ok(None)
            }
            _ => Err(misdirected(call)),
        }
    }

    async fn create(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let Call::CreateDbInstance {
            identifier,
            class,
            subnet_group,
            group,
        } = call
        else {
            return Err(misdirected(call));
        };
        self.writes
            .create_db_instance()
            .db_instance_identifier(identifier)
            .db_instance_class(class)
            .engine("postgres")
            .allocated_storage(DATABASE_GIB)
            .storage_encrypted(true)
            .multi_az(true)
            .publicly_accessible(false)
            .backup_retention_period(BACKUP_DAYS)
            .copy_tags_to_snapshot(true)
            .db_subnet_group_name(subnet_group)
            .vpc_security_group_ids(group)
            .master_username("platform")
            // Kept and turned by Secrets Manager in the tenant's account; we never see it.
            .manage_master_user_password(true)
            .set_tags(Some(rds_tags(mark)))
            .send()
            .await?;
        Ok(Some(identifier.clone()))
    }
}

fn rds_tags(mark: &Mark<'_>) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    mark.pairs().into_iter().map(tag).collect()
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (Option<&str>, &str)> {
    tags.iter()
        .map(|tag| (tag.key(), tag.value().unwrap_or_default()))
}

/// RDS user guide, "Viewing Amazon RDS DB instance status".
fn state(status: &str) -> DatabaseState {
    match status {
        "available" | "storage-optimization" => DatabaseState::Available,
        "stopped" => DatabaseState::Stopped,
        "deleting" => DatabaseState::Ending,
        _ => DatabaseState::UnderWay,
    }
}
