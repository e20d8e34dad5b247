//! What a worker process must be told to work on an installation that runs in this one.

use std::collections::BTreeMap;

use aws_access::AwsCredentials;
use local::Embedded;
use secrecy::ExposeSecret as _;
use tenant_provisioning::ProvisioningConfig;

/// The variables of a process on `embedded` that provisions under `config`.
pub(crate) fn of(embedded: &Embedded, config: &ProvisioningConfig) -> BTreeMap<&'static str, String> {
    let Embedded { stores, aws, .. } = embedded;
    let mut environment = BTreeMap::from([
        ("DATABASE_URL", stores.app_url.clone()),
        ("TENANTRY_OPS_DATABASE_URL", stores.ops_url.clone()),
        ("TENANTRY_ISV_ACCOUNT", aws.isv_account.clone()),
        ("TENANTRY_BROKER_ROLE_ARN", aws.broker_role_arn.clone()),
        ("TENANTRY_ASSUME_BROKER_ROLE", aws.assume_broker_role.to_string()),
        ("TENANTRY_PACE", "brisk".to_owned()),
        ("TENANTRY_INSTALL", config.install.clone()),
        ("TENANTRY_REGIONS", config.regions.join(",")),
        ("TENANTRY_HTTPS", "false".to_owned()),
        ("AWS_REGION", aws.region.clone()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]);
    environment.extend(aws.endpoint_url.clone().map(|url| ("AWS_ENDPOINT_URL", url)));
    if let AwsCredentials::Static {
        access_key_id,
        secret_access_key,
        session_token,
    } = &aws.credentials
    {
        environment.insert("AWS_ACCESS_KEY_ID", access_key_id.clone());
        environment.insert(
            "AWS_SECRET_ACCESS_KEY",
            secret_access_key.expose_secret().to_owned(),
        );
        let token = session_token
            .as_ref()
            .map(|token| token.expose_secret().to_owned());
        environment.extend(token.map(|token| ("AWS_SESSION_TOKEN", token)));
    }
    environment
}
