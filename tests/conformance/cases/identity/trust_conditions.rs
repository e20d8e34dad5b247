//! What conditions beside the external id let in.

use crate::support::{Names, policy, trust_shapes, with};

fn arn(operator: &'static str, pattern: impl Fn(&Names) -> String) -> impl Fn(&Names) -> String {
    move |names| {
        let pattern = pattern(names);
        with(&format!(r#"{{"{operator}":{{"aws:PrincipalArn":"{pattern}"}}}}"#))(names)
    }
}

fn own(names: &Names) -> String {
    names.broker.clone()
}

fn nobody(names: &Names) -> String {
    format!("arn:aws:iam::{}:user/nobody", names.operator)
}

/// A policy of the old language version, which knows no variables.
fn of_2008(names: &Names) -> String {
    with(NAMED_LIKE_ITSELF)(names).replace("2012-10-17", "2008-10-17")
}

const NAMED_LIKE_ITSELF: &str =
    r#"{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/${aws:username}"}}"#;

trust_shapes! {
    /// The principal's ARN equals the one asked for.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    the_right_principal_arn_lets_in(arn("ArnEquals", own), None) => In;

    /// Another principal of the account has another ARN.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    another_principal_arn_refuses(arn("ArnEquals", nobody), None) => Out;

    /// ArnEquals and ArnLike are the same: both know wildcards within a part.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_arn_pattern_lets_a_match_in(
        arn("ArnEquals", |names| format!("arn:aws:iam::{}:user/*", names.operator)), None) => In;

    /// Each of the six parts of an ARN is matched by itself: a star does not reach over a colon.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_star_in_an_arn_does_not_reach_over_a_colon(
        arn("ArnLike", |_| "arn:aws:iam::*".into()), None) => Out;

    /// A pattern of another account does not match.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_arn_pattern_of_another_account_refuses(
        arn("ArnLike", |names| format!("arn:aws:iam::{}:user/*", names.stranger)), None) => Out;

    /// The negated form refuses the match.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    arn_not_equals_refuses_that_principal(arn("ArnNotEquals", own), None) => Out;

    /// The negated form lets others in.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    arn_not_like_lets_others_in(arn("ArnNotLike", nobody), None) => In;

    /// An ARN is text too.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_principal_arn_as_text_lets_in(arn("StringEquals", own), None) => In;

    /// A star in a pattern of text does reach over a colon.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_star_in_text_reaches_over_a_colon(arn("StringLike", |_| "arn:aws:iam::*".into()), None) => In;

    /// A user's key makes calls of type User.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    the_principal_type_of_a_user_lets_in(
        with(r#"{"StringEquals":{"aws:PrincipalType":"User"}}"#), None) => In;

    /// A user is no assumed role.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    the_principal_type_of_a_session_refuses_a_user(
        with(r#"{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}"#), None) => Out;

    /// A variable stands for the request's value.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
    #[tokio::test]
    a_variable_takes_the_callers_name(with(NAMED_LIKE_ITSELF), None) => In;

    /// The language version of 2008 knows no variables: they are plain text.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
    #[tokio::test]
    a_variable_in_the_old_version_is_text(of_2008, None) => Out;

    /// A variable whose key is not in the request matches nothing.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
    #[tokio::test]
    a_variable_without_a_value_matches_nothing(
        with(r#"{"StringLike":{"aws:PrincipalArn":"*${aws:PrincipalTag/team}"}}"#), None) => Out;

    /// A variable's default stands in for an absent key.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
    #[tokio::test]
    a_variables_default_stands_in_for_an_absent_key(
        with(r#"{"StringEquals":{"sts:ExternalId":"${aws:PrincipalTag/team, 'none'}"}}"#), Some("none")) => In;

    /// `${*}` is a star and no wildcard.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
    #[tokio::test]
    an_escaped_star_is_no_wildcard(
        with(r#"{"StringLike":{"sts:ExternalId":"tnt-${*}"}}"#), Some("tnt-right")) => Out;

    /// The caller chooses the session's name, and the policy may ask for one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>
    #[tokio::test]
    the_session_name_asked_for_lets_in(
        with(r#"{"StringLike":{"sts:RoleSessionName":"pro*"}}"#), None) => In;

    /// Another session name is refused.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>
    #[tokio::test]
    another_session_name_refuses(
        with(r#"{"StringEquals":{"sts:RoleSessionName":"other"}}"#), None) => Out;

    /// Every address lies in the widest ranges.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_range_around_the_address_lets_in(
        with(r#"{"IpAddress":{"aws:SourceIp":["0.0.0.0/0","::/0"]}}"#), None) => In;

    /// No caller comes from the addresses set aside for documentation.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_range_elsewhere_refuses(
        with(r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#), None) => Out;

    /// The negated form refuses the range.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_range_that_is_excluded_refuses(
        with(r#"{"NotIpAddress":{"aws:SourceIp":["0.0.0.0/0","::/0"]}}"#), None) => Out;

    /// An end date that has passed refuses.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_end_date_gone_by_refuses(
        with(r#"{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#), None) => Out;

    /// A start date that has passed lets in.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_start_date_gone_by_lets_in(
        with(r#"{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#), None) => In;

    /// Dates may be written in seconds of the epoch.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_date_in_epoch_seconds_is_a_date(
        with(r#"{"DateGreaterThanEquals":{"aws:CurrentTime":"1577836800"}}"#), None) => In;

    /// The time is a number too.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    the_epoch_time_compares_as_a_number(
        with(r#"{"NumericGreaterThan":{"aws:EpochTime":"1577836800"}}"#), None) => In;

    /// The time is past the number asked for.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_number_that_is_passed_refuses(
        with(r#"{"NumericLessThanEquals":{"aws:EpochTime":"1577836800"}}"#), None) => Out;

    /// A truth value is compared as such. What the operator refuses is true of every call of a user.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_truth_value_that_differs_refuses(
        with(r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#), None) => Out;

    /// A truth value that is so lets in.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    a_truth_value_that_is_so_lets_in(
        with(r#"{"Bool":{"aws:PrincipalIsAWSService":"false"}}"#), None) => In;

    /// A long-term key has no MFA fact at all, so Bool refuses it.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    asking_for_mfa_refuses_a_long_term_key(
        with(r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#), None) => Out;

    /// And BoolIfExists lets it in: the documented trap of that operator.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    asking_for_mfa_if_it_exists_lets_a_long_term_key_in(
        with(r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#), None) => In;

    /// A tag that must come with the session and does not.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
    #[tokio::test]
    a_session_tag_that_does_not_come_refuses(
        with(r#"{"StringLike":{"aws:RequestTag/tenant":"*"}}"#), None) => Out;

    /// Keys of one operator must all match.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
    #[tokio::test]
    every_key_of_an_operator_must_match(
        |names: &Names| policy(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole","Condition":
            {{"StringEquals":{{"sts:ExternalId":"tnt-right","aws:PrincipalAccount":"{}"}}}}}}"#,
            names.operator, names.stranger)),
        Some("tnt-right")) => Out;
}
