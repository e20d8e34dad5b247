//! Condition operators, asked of the simulator: the request's value comes as a context entry.

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType};
use conformance::aws;

use crate::support::{Role, policy, trust};

/// Whether an allow under this condition is met by these values of `conformance:key`.
async fn met(condition: &str, kind: ContextKeyTypeEnum, values: &[&str]) -> bool {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let asks = policy(&format!(
        r#"{{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*","Condition":{condition}}}"#
    ));
    let simulate = role.iam.simulate_principal_policy().policy_source_arn(&role.arn);
    let mut simulate = simulate.policy_input_list(asks).action_names("ec2:DescribeVpcs");
    if !values.is_empty() {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let entry = ContextEntry::builder()
            .context_key_name("conformance:key")
            .context_key_type(kind);
        simulate = simulate.context_entries(entry.set_context_key_values(Some(values)).build());
    }
    let answer = simulate
        .send()
        .await
        .expect("a simulation")
        .evaluation_results
        .unwrap_or_default();
    role.remove().await;
    answer[0].eval_decision == PolicyEvaluationDecisionType::Allowed
}

fn clause(operator: &str, wanted: &str) -> String {
    format!(r#"{{"{operator}":{{"conformance:key":{wanted}}}}}"#)
}

/// Cases of one operator and one pair of values each: operator, the policy's value, type and values of the request,
/// whether the condition is met.
macro_rules! operators {
    ($($(#[$attribute:meta])* $name:ident($operator:expr, $wanted:expr, $kind:ident, $given:expr) => $met:expr;)*) => {$(
        $(#[$attribute])*
        async fn $name() {
            let given: &[&str] = &$given;
            assert_eq!(met(&clause($operator, $wanted), ContextKeyTypeEnum::$kind, given).await, $met);
        }
    )*};
}

operators! {
    /// Numbers compare by value and not by text.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    numbers_are_equal_by_value("NumericEquals", r#""10""#, Numeric, ["10.0"]) => true;

    /// Nine is less than ten, though its text is not.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    nine_is_less_than_ten("NumericLessThan", "10", Numeric, ["9"]) => true;

    /// Less is not equal.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    ten_is_not_less_than_ten("NumericLessThan", "10", Numeric, ["10"]) => false;

    /// Less or equal is.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    ten_is_at_most_ten("NumericLessThanEquals", "10", Numeric, ["10"]) => true;

    /// Greater or equal is.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    ten_is_at_least_ten("NumericGreaterThanEquals", "10", Numeric, ["10"]) => true;

    /// A negated number operator is met by another number.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    another_number_is_not_equal("NumericNotEquals", "10", Numeric, ["11"]) => true;

    /// What is no number is not equal to one, nor less, nor greater.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    text_is_not_less_than_a_number("NumericLessThan", "10", String, ["nine"]) => false;

    /// Dates compare across forms.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    dates_are_equal_across_forms("DateEquals", r#""1970-01-01T00:00:00Z""#, Date, ["0"]) => true;

    /// A day without a time is its first moment.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_day_begins_at_midnight(
        "DateGreaterThan", r#""2026-01-01""#, Date, ["2026-01-01T00:00:01Z"]) => true;

    /// An end that is reached is not before the end.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    the_end_itself_is_not_before_the_end(
        "DateLessThan", r#""2026-01-01T00:00:00Z""#, Date, ["2026-01-01T00:00:00Z"]) => false;

    /// Truth values compare without case.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    truth_values_compare_without_case("Bool", r#""True""#, Boolean, ["true"]) => true;

    /// Binary values compare by their base64 form.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    binary_values_compare_exactly("BinaryEquals", r#""QmluYXJ5""#, Binary, ["QmluYXJ5"]) => true;

    /// One bit more is another value.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    another_binary_value_differs("BinaryEquals", r#""QmluYXJ5""#, Binary, ["QmluYXJ6"]) => false;

    /// A network holds its last address.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_network_holds_its_last_address("IpAddress", r#""203.0.113.0/24""#, Ip, ["203.0.113.255"]) => true;

    /// And not the next one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_network_ends_after_its_last_address("IpAddress", r#""203.0.113.0/24""#, Ip, ["203.0.114.0"]) => false;

    /// IPv6 has networks too.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_ipv6_network_holds_its_addresses("IpAddress", r#""2001:db8::/32""#, Ip, ["2001:db8:1::1"]) => true;

    /// ForAllValues needs every value of the request among the policy's.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    all_values_of_the_request_are_listed(
        "ForAllValues:StringEquals", r#"["a","b","c"]"#, StringList, ["a", "c"]) => true;

    /// One that is not among them is enough to fail.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    one_value_of_the_request_is_not_listed(
        "ForAllValues:StringEquals", r#"["a","b"]"#, StringList, ["a", "c"]) => false;

    /// ForAnyValue needs one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    any_value_of_the_request_is_listed(
        "ForAnyValue:StringEquals", r#"["a","b"]"#, StringList, ["x", "b"]) => true;

    /// ForAnyValue of a negated operator needs one that is not among them.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    any_value_of_the_request_is_not_listed(
        "ForAnyValue:StringNotEquals", r#"["a","b"]"#, StringList, ["a", "b"]) => false;

    /// IfExists is met by an absent number.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_absent_number_meets_if_exists("NumericLessThanIfExists", "10", Numeric, []) => true;

    /// And no other comparison is.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_absent_number_meets_no_comparison("NumericLessThan", "10", Numeric, []) => false;

    /// An ARN's wildcard stays within its part.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_arn_matches_part_by_part(
        "ArnLike", r#""arn:aws:s3:*:*:bucket/*""#, String, ["arn:aws:s3:::bucket/key"]) => true;
}
