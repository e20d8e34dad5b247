//! KMS: whether a key of the account can be used.

use aws_config::SdkConfig;
use aws_sdk_kms::types::KeyState as KmsState;
use tenant_model::preflight::KeyState;

use crate::AwsError;

/// The state of a key by its id, ARN or alias.
pub(crate) async fn state(config: &SdkConfig, key: &str) -> Result<KeyState, AwsError> {
    let request = aws_sdk_kms::Client::new(config).describe_key().key_id(key);
    let found = match request.send().await.map_err(AwsError::from) {
        Ok(reply) => reply.key_metadata,
        Err(error) if error.code == "NotFoundException" => return Ok(KeyState::Missing),
        Err(error) => return Err(error),
    };
    let found = found.ok_or_else(|| AwsError::incomplete("key"))?;
    let arn = found.arn.ok_or_else(|| AwsError::incomplete("key ARN"))?;
    Ok(match found.key_state {
        Some(KmsState::Enabled) => KeyState::Enabled { arn },
        Some(other) => KeyState::Unusable {
            state: other.as_str().to_owned(),
        },
        None => return Err(AwsError::incomplete("key state")),
    })
}

/// A new key of the account.
pub(crate) async fn make(config: &SdkConfig) -> Result<String, AwsError> {
    let made = aws_sdk_kms::Client::new(config).create_key().send().await?;
    let arn = made.key_metadata.and_then(|key| key.arn);
    arn.ok_or_else(|| AwsError::incomplete("key ARN"))
}

pub(crate) async fn disable(config: &SdkConfig, key: &str) -> Result<(), AwsError> {
    let kms = aws_sdk_kms::Client::new(config);
    kms.disable_key().key_id(key).send().await?;
    Ok(())
}
