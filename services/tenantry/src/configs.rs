//! The services' own settings, together: for one machine ([`ServiceConfigs::local`]), and as read from the
//! environment ([`ServiceConfigs::read`]).

use analytics_export::{CopyRole, ExportConfig, WarehouseConfig};
use aws_access::AwsSettings;
use aws_access::redshift::{Compute, WarehouseSettings};
use aws_access::s3::BucketSettings;
use local::accounts::{BUCKET, COPY_ROLE_ARN};
use onboarding::OnboardingConfig;
use service_kit::config::Reader;
use tenant_model::export::{BucketName, KeyPrefix};
use tenant_provisioning::{IMAGE, ProvisioningConfig};
use usage_metering::MeteringConfig;

/// Where exports lie in a bucket unless another place is set.
const EXPORT_PREFIX: &str = "export";

/// The settings of all services.
#[derive(Clone, Debug)]
pub struct ServiceConfigs {
    /// Signup, identity, connections.
    pub onboarding: OnboardingConfig,
    /// Deployments.
    pub provisioning: ProvisioningConfig,
    /// Usage.
    pub metering: MeteringConfig,
    /// Export.
    pub export: ExportConfig,
}

/// How often workers look, and how long proofs take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Sparing with customers' API quotas and the warehouse's commit queue.
    Production,
    /// A person is watching.
    Brisk,
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::Brisk => "brisk",
        })
    }
}

impl std::str::FromStr for Pace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "production" => Ok(Self::Production),
            "brisk" => Ok(Self::Brisk),
            _ => Err(()),
        }
    }
}

impl ServiceConfigs {
    /// For one machine, reached by `public_url`.
    #[must_use]
    pub fn local(public_url: &str, aws: &AwsSettings) -> Self {
        let copy_role = COPY_ROLE_ARN.parse().expect("the constant is a role's ARN");
        let warehouse = warehouse("tenantry", "warehouse_local", copy_role);
        Self {
            onboarding: OnboardingConfig::local(public_url),
            provisioning: ProvisioningConfig::local(),
            metering: MeteringConfig::default(),
            export: export(Pace::Brisk, default_bucket(), Some(warehouse), aws),
        }
    }

    /// As the environment says; the defaults are production's.
    pub(crate) fn read(reader: &mut Reader, aws: &AwsSettings) -> Self {
        let pace = reader.value("TENANTRY_PACE", "production or brisk", Pace::Production);
        Self {
            onboarding: OnboardingConfig::read(reader),
            provisioning: read_provisioning(reader, pace),
            metering: read_metering(reader),
            export: read_export(reader, pace, aws),
        }
    }
}

fn read_provisioning(reader: &mut Reader, pace: Pace) -> ProvisioningConfig {
    let install: String = reader.value(
        "TENANTRY_INSTALL",
        "a name, such as production",
        "production".to_owned(),
    );
    let regions: String = reader.value(
        "TENANTRY_REGIONS",
        "regions between commas",
        "eu-central-1".to_owned(),
    );
    let image: String = reader.value("TENANTRY_IMAGE", "a machine image's name", IMAGE.to_owned());
    let regions = regions
        .split(',')
        .map(|region| region.trim().to_owned())
        .collect();
    let paced = match pace {
        Pace::Production => ProvisioningConfig::production(&install, Vec::new(), &image),
        Pace::Brisk => ProvisioningConfig::local(),
    };
    ProvisioningConfig {
        install,
        regions,
        image,
        endpoint_zone: reader.value(
            "TENANTRY_ENDPOINT_ZONE",
            "a public hosted zone of your account",
            paced.endpoint_zone.clone(),
        ),
        ..paced
    }
}

fn read_metering(reader: &mut Reader) -> MeteringConfig {
    let default = MeteringConfig::default();
    MeteringConfig {
        stream_name: reader.value("TENANTRY_STREAM", "a Kinesis stream", default.stream_name),
        stream_shards: reader.value("TENANTRY_STREAM_SHARDS", "a number", default.stream_shards),
        ..default
    }
}

fn read_export(reader: &mut Reader, pace: Pace, aws: &AwsSettings) -> ExportConfig {
    let name: String = reader.value("TENANTRY_EXPORT_BUCKET", "a bucket", BUCKET.to_owned());
    let bucket = BucketName::try_from(name.clone()).unwrap_or_else(|_| {
        reader.mistake("TENANTRY_EXPORT_BUCKET", Some(name), "a bucket's name");
        default_bucket()
    });
    let warehouse = read_warehouse(reader);
    export(pace, bucket, warehouse, aws)
}

/// Without a workgroup the files are the end of the way.
fn read_warehouse(reader: &mut Reader) -> Option<WarehouseConfig> {
    let workgroup: Option<String> = reader.optional("TENANTRY_WAREHOUSE_WORKGROUP", "a Redshift workgroup");
    let database: String = reader.value(
        "TENANTRY_WAREHOUSE_DATABASE",
        "a database",
        "analytics".to_owned(),
    );
    let role: Option<String> = reader.optional("TENANTRY_WAREHOUSE_COPY_ROLE", "a role's ARN");
    let workgroup = workgroup?;
    let Some(copy_role) = role.as_deref().and_then(|arn| arn.parse().ok()) else {
        reader.mistake(
            "TENANTRY_WAREHOUSE_COPY_ROLE",
            role,
            "the ARN of the role with which the warehouse reads the bucket",
        );
        return None;
    };
    Some(warehouse(&workgroup, &database, copy_role))
}

fn default_bucket() -> BucketName {
    BucketName::try_from(BUCKET.to_owned()).expect("the constant is a bucket's name")
}

fn export(
    pace: Pace,
    name: BucketName,
    warehouse: Option<WarehouseConfig>,
    aws: &AwsSettings,
) -> ExportConfig {
    let expected_owner = Some(aws.isv_account.clone());
    let bucket = BucketSettings {
        name,
        expected_owner,
        kms_key_id: None,
    };
    let prefix = KeyPrefix::try_from(EXPORT_PREFIX.to_owned()).expect("the constant is a prefix");
    let config = ExportConfig::new(bucket, prefix, warehouse);
    match pace {
        Pace::Production => config,
        Pace::Brisk => config.brisk(),
    }
}

fn warehouse(workgroup: &str, database: &str, copy_role: CopyRole) -> WarehouseConfig {
    WarehouseConfig {
        name: workgroup.to_owned(),
        settings: WarehouseSettings {
            compute: Compute::Workgroup {
                name: workgroup.to_owned(),
            },
            database: database.to_owned(),
        },
        copy_role,
    }
}
