//! The rules of listeners: their conditions and their order.

use aws_sdk_elasticloadbalancingv2::types::{
    HttpHeaderConditionConfig, HttpRequestMethodConditionConfig, QueryStringConditionConfig,
    QueryStringKeyValuePair, RuleCondition, RulePriorityPair, SourceIpConditionConfig,
};
use conformance::code;

use crate::site::{Site, path};
use crate::support::forward;

/// The default rule of a listener is neither changed nor deleted as a rule.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteRule.html
#[tokio::test]
async fn the_default_rule_stays() {
    let Some(site) = Site::build().await else { return };
    let (elb, default) = (&site.network.elb, site.default_rule().await);
    let deleted = elb.delete_rule().rule_arn(&default).send().await;
    assert_eq!(code(deleted), "OperationNotPermitted");
    let changed = elb
        .modify_rule()
        .rule_arn(&default)
        .actions(forward(&site.group))
        .send()
        .await;
    assert_eq!(code(changed), "OperationNotPermitted");
}

/// A rule is changed, deleted, and then it is not found.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html
#[tokio::test]
async fn a_rule_is_changed_and_deleted() {
    let Some(site) = Site::build().await else { return };
    let (elb, rule) = (&site.network.elb, site.rule_arn(10).await);
    let changed = elb
        .modify_rule()
        .rule_arn(&rule)
        .conditions(path(&["/v2/*"]))
        .send()
        .await
        .expect("changed");
    assert_eq!(changed.rules()[0].conditions()[0].values(), ["/v2/*"]);
    elb.delete_rule().rule_arn(&rule).send().await.expect("deleted");
    assert_eq!(
        code(elb.delete_rule().rule_arn(&rule).send().await),
        "RuleNotFound"
    );
    assert_eq!(
        code(elb.describe_rules().rule_arns(&rule).send().await),
        "RuleNotFound"
    );
}

/// Priorities move together, and never onto one that stays.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html
#[tokio::test]
async fn priorities_move_together() {
    let Some(site) = Site::build().await else { return };
    let (ten, twenty) = (site.rule_arn(10).await, site.rule_arn(20).await);
    let pair = |arn: &str, priority| {
        RulePriorityPair::builder()
            .rule_arn(arn)
            .priority(priority)
            .build()
    };
    let taken = site
        .network
        .elb
        .set_rule_priorities()
        .rule_priorities(pair(&ten, 20))
        .send()
        .await;
    assert_eq!(code(taken), "PriorityInUse");
    let swapped = site
        .network
        .elb
        .set_rule_priorities()
        .rule_priorities(pair(&ten, 20))
        .rule_priorities(pair(&twenty, 10))
        .send()
        .await
        .expect("they swap");
    let now = |arn: &str| {
        let mut rules = swapped.rules().iter();
        rules
            .find(|rule| rule.rule_arn() == Some(arn))
            .and_then(|rule| rule.priority.clone())
    };
    assert_eq!((now(&ten), now(&twenty)), (Some("20".into()), Some("10".into())));
}

/// A rule needs a condition on something a request has, and five values at most.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
#[tokio::test]
async fn a_rule_needs_conditions_that_fit() {
    let Some(site) = Site::build().await else { return };
    let forward = || forward(&site.group);
    let weather = RuleCondition::builder().field("weather").values("fine").build();
    assert_eq!(code(site.rule(1, weather, forward()).await), "ValidationError");
    assert_eq!(code(site.rule(1, path(&[]), forward()).await), "ValidationError");
    let six = path(&["/1", "/2", "/3", "/4", "/5", "/6"]);
    assert_eq!(code(site.rule(1, six, forward()).await), "ValidationError");
    let none = site
        .network
        .elb
        .create_rule()
        .listener_arn(&site.listener)
        .priority(1)
        .actions(forward())
        .send()
        .await;
    assert_eq!(code(none), "ValidationError");
}

/// A listener or rules are asked for, one of the two; the listener must be there.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html
#[tokio::test]
async fn rules_are_asked_for_in_one_way() {
    let Some(site) = Site::build().await else { return };
    let elb = &site.network.elb;
    assert_eq!(code(elb.describe_rules().send().await), "ValidationError");
    let gone = site.listener.replace("/web/", "/gone/");
    assert_eq!(
        code(elb.describe_rules().listener_arn(gone).send().await),
        "ListenerNotFound"
    );
}

/// Rules come in the order of their priorities, in pages, the default one last.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html
#[tokio::test]
async fn rules_come_in_order_and_in_pages() {
    let Some(site) = Site::build().await else { return };
    for priority in [30, 10, 20] {
        site.rule_arn(priority).await;
    }
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..2 {
        let page = site
            .network
            .elb
            .describe_rules()
            .listener_arn(&site.listener)
            .page_size(2)
            .set_marker(marker)
            .send()
            .await
            .expect("a page");
        found.extend(page.rules().iter().filter_map(|rule| rule.priority.clone()));
        marker = page.next_marker;
    }
    assert_eq!(marker, None);
    assert_eq!(found, ["10", "20", "30", "default"]);
}

/// A rule that is not there, the default one, and a priority that is out of bounds or given twice are refused.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html
#[tokio::test]
async fn priorities_are_set_on_rules_that_can_move() {
    let Some(site) = Site::build().await else { return };
    let (rule, other) = (site.rule_arn(10).await, site.rule_arn(20).await);
    let set = async |pairs: &[(&str, i32)]| {
        let pairs = pairs.iter().map(|(arn, priority)| {
            RulePriorityPair::builder()
                .rule_arn(*arn)
                .priority(*priority)
                .build()
        });
        site.network
            .elb
            .set_rule_priorities()
            .set_rule_priorities(Some(pairs.collect()))
            .send()
            .await
    };
    let gone = format!("{}0", &rule[..rule.len() - 1]);
    let gone = if gone == rule {
        format!("{}1", &rule[..rule.len() - 1])
    } else {
        gone
    };
    assert_eq!(code(set(&[(&gone, 5)]).await), "RuleNotFound");
    let default = site.default_rule().await;
    assert_eq!(code(set(&[(&default, 5)]).await), "OperationNotPermitted");
    assert_eq!(code(set(&[(&rule, 0)]).await), "ValidationError");
    assert_eq!(code(set(&[(&rule, 5), (&other, 5)]).await), "PriorityInUse");
    assert_eq!(code(set(&[]).await), "ValidationError");
}

/// Headers, query strings, methods and addresses of a request can be asked for, each in its own form.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html
#[tokio::test]
async fn each_condition_has_its_own_form() {
    let Some(site) = Site::build().await else { return };
    let header = HttpHeaderConditionConfig::builder()
        .http_header_name("User-Agent")
        .values("*Chrome*");
    let header = RuleCondition::builder()
        .field("http-header")
        .http_header_config(header.build())
        .build();
    let pair = QueryStringKeyValuePair::builder()
        .key("version")
        .value("v1")
        .build();
    let query = QueryStringConditionConfig::builder().values(pair).build();
    let query = RuleCondition::builder()
        .field("query-string")
        .query_string_config(query)
        .build();
    let made = site
        .network
        .elb
        .create_rule()
        .listener_arn(&site.listener)
        .priority(1)
        .conditions(header)
        .conditions(query)
        .actions(forward(&site.group))
        .send()
        .await
        .expect("a rule");
    let [header, query] = made.rules()[0].conditions() else {
        panic!("two conditions")
    };
    let header = header.http_header_config().expect("a header");
    assert_eq!(
        (header.http_header_name(), header.values()),
        (Some("User-Agent"), &["*Chrome*".to_owned()][..])
    );
    let pairs = query.query_string_config().expect("a query string").values();
    assert_eq!((pairs[0].key(), pairs[0].value()), (Some("version"), Some("v1")));
}

/// Methods and blocks of addresses are checked, and stand only in their own structure.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html
#[tokio::test]
async fn a_value_that_does_not_fit_its_condition_is_refused() {
    let Some(site) = Site::build().await else { return };
    let method = |name: &str| {
        let config = HttpRequestMethodConditionConfig::builder().values(name).build();
        RuleCondition::builder()
            .field("http-request-method")
            .http_request_method_config(config)
            .build()
    };
    let block = |text: &str| {
        let config = SourceIpConditionConfig::builder().values(text).build();
        RuleCondition::builder()
            .field("source-ip")
            .source_ip_config(config)
            .build()
    };
    let elsewhere = RuleCondition::builder()
        .field("source-ip")
        .values("192.0.2.0/24")
        .build();
    let long = path(&[&format!("/{}", "a".repeat(128))]);
    for refused in [
        method("get"),
        block("192.0.2.1"),
        block("192.0.2.0/33"),
        elsewhere,
        long,
    ] {
        let outcome = site.rule(1, refused.clone(), forward(&site.group)).await;
        assert_eq!(code(outcome), "ValidationError", "{refused:?}");
    }
    site.rule(1, method("GET"), forward(&site.group))
        .await
        .expect("a method");
    site.rule(2, block("192.0.2.0/24"), forward(&site.group))
        .await
        .expect("a block");
}

/// A path is asked for once in a rule.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
#[tokio::test]
async fn a_path_is_asked_for_once() {
    let Some(site) = Site::build().await else { return };
    let twice = site
        .network
        .elb
        .create_rule()
        .listener_arn(&site.listener)
        .priority(1)
        .conditions(path(&["/a"]))
        .conditions(path(&["/b"]))
        .actions(forward(&site.group))
        .send()
        .await;
    assert_eq!(code(twice), "ValidationError");
}
