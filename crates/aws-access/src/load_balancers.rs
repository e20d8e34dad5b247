//! Elastic Load Balancing, as far as quotas are concerned.

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;

use crate::AwsError;

/// Most load balancers read; an account with more is answered by what was read.
const READ_MAX: u64 = 5_000;

/// Application load balancers: they have a quota of their own (Elastic Load Balancing user guide, "Quotas for your
/// Application Load Balancers").
pub(crate) async fn count(config: &SdkConfig) -> Result<u64, AwsError> {
    let client = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let mut pages = client.describe_load_balancers().into_paginator().items().send();
    let mut count = 0;
    while let Some(found) = pages.next().await {
        if found?.r#type == Some(LoadBalancerTypeEnum::Application) {
            count += 1;
        }
        if count == READ_MAX {
            break;
        }
    }
    Ok(count)
}
