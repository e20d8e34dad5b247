//! A load balancer with a listener, and the rules on it.

use aws_sdk_elasticloadbalancingv2::error::SdkError;
use aws_sdk_elasticloadbalancingv2::operation::create_rule::{CreateRuleError, CreateRuleOutput};
use aws_sdk_elasticloadbalancingv2::types::{Action, RuleCondition};

use crate::support::{Network, forward};

pub(crate) fn path(values: &[&str]) -> RuleCondition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    RuleCondition::builder()
        .field("path-pattern")
        .set_values(Some(values))
        .build()
}

/// A load balancer with a listener on port 80 and a target group.
pub(crate) struct Site {
    pub(crate) network: Network,
    pub(crate) balancer: String,
    pub(crate) group: String,
    pub(crate) listener: String,
}

impl Site {
    pub(crate) async fn build() -> Option<Self> {
        let network = Network::lay().await?;
        let (balancer, group) = (network.balancer("web").await, network.group("app").await);
        let listener = network.listener(&balancer, 80, &group).await;
        Some(Self {
            network,
            balancer,
            group,
            listener,
        })
    }

    pub(crate) async fn rule(
        &self,
        priority: i32,
        condition: RuleCondition,
        action: Action,
    ) -> Result<CreateRuleOutput, SdkError<CreateRuleError>> {
        self.network
            .elb
            .create_rule()
            .listener_arn(&self.listener)
            .priority(priority)
            .conditions(condition)
            .actions(action)
            .send()
            .await
    }

    pub(crate) async fn rule_arn(&self, priority: i32) -> String {
        let made = self
            .rule(priority, path(&["/api/*"]), forward(&self.group))
            .await
            .expect("a rule");
        made.rules()[0].rule_arn().expect("a rule has an ARN").to_owned()
    }

    pub(crate) async fn default_rule(&self) -> String {
        let shown = self
            .network
            .elb
            .describe_rules()
            .listener_arn(&self.listener)
            .send()
            .await
            .expect("rules");
        let default = shown.rules().iter().find(|rule| rule.is_default() == Some(true));
        default
            .and_then(|rule| rule.rule_arn.clone())
            .expect("every listener has one")
    }
}
