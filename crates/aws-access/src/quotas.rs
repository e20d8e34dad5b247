//! Service Quotas: what an account may have.

use aws_config::SdkConfig;

use crate::AwsError;

/// The quota in force, or AWS's default where the account has none of its own (Service Quotas API reference,
/// "GetServiceQuota").
pub(crate) async fn value(config: &SdkConfig, (service, code): (&str, &str)) -> Result<u64, AwsError> {
    let quotas = aws_sdk_servicequotas::Client::new(config);
    let request = quotas.get_service_quota().service_code(service).quota_code(code);
    let applied = request.send().await.map_err(AwsError::from);
    let value = match applied {
        Ok(reply) => reply.quota.and_then(|quota| quota.value),
        Err(error) if error.code == "NoSuchResourceException" => {
            let request = quotas.get_aws_default_service_quota();
            let reply = request.service_code(service).quota_code(code).send().await?;
            reply.quota.and_then(|quota| quota.value)
        }
        Err(error) => return Err(error),
    };
    // Quotas are counts that the API writes as floating point.
    let value = value.ok_or_else(|| AwsError::incomplete("quota value"))?;
    format!("{value:.0}")
        .parse()
        .map_err(|_| AwsError::incomplete("whole quota value"))
}
