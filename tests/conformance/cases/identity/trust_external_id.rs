//! What each way to ask for the external id lets in.

use crate::support::{Names, trust_shapes, with};

fn id(operator: &'static str) -> impl Fn(&Names) -> String {
    with_condition(format!(r#"{{"{operator}":{{"sts:ExternalId":"tnt-right"}}}}"#))
}

fn like(operator: &'static str, pattern: &'static str) -> impl Fn(&Names) -> String {
    with_condition(format!(r#"{{"{operator}":{{"sts:ExternalId":"{pattern}"}}}}"#))
}

fn with_condition(condition: String) -> impl Fn(&Names) -> String {
    move |names| with(&condition)(names)
}

const TWO: &str = r#"{"StringEquals":{"sts:ExternalId":["tnt-one","tnt-two"]}}"#;
const NULL_FALSE: &str = r#"{"Null":{"sts:ExternalId":"false"}}"#;
const NULL_TRUE: &str = r#"{"Null":{"sts:ExternalId":"true"}}"#;
const PRESENT_AND_RIGHT: &str =
    r#"{"Null":{"sts:ExternalId":"false"},"StringEquals":{"sts:ExternalId":"tnt-right"}}"#;

trust_shapes! {
    /// The id that the role asks for opens it.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html>
    #[tokio::test]
    the_right_id_lets_in(id("StringEquals"), Some("tnt-right")) => In;

    /// Another customer's id is the confused deputy's; it opens nothing.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
    #[tokio::test]
    a_wrong_id_is_refused(id("StringEquals"), Some("tnt-wrong")) => Out;

    /// A key that is not in the request does not match.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_missing_id_is_refused(id("StringEquals"), None) => Out;

    /// StringEquals distinguishes case.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_id_in_another_case_is_refused(id("StringEquals"), Some("TNT-right")) => Out;

    /// A longer id than the right one is another id.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_id_that_only_begins_right_is_refused(id("StringEquals"), Some("tnt-right-not")) => Out;

    /// StringEquals knows no wildcards: a star in the policy is a star.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_star_under_string_equals_is_no_wildcard(like("StringEquals", "tnt-*"), Some("tnt-right")) => Out;

    /// Condition key names are not case-sensitive.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>
    #[tokio::test]
    the_case_of_the_condition_key_does_not_count(
        with(r#"{"StringEquals":{"STS:externalid":"tnt-right"}}"#), Some("tnt-right")) => In;

    /// StringEqualsIgnoreCase does not distinguish case.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    ignoring_case_lets_another_case_in(id("StringEqualsIgnoreCase"), Some("TNT-RIGHT")) => In;

    /// Ignoring case is not ignoring the id.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    ignoring_case_refuses_a_wrong_id(id("StringEqualsIgnoreCase"), Some("TNT-WRONG")) => Out;

    /// Without a condition the whole account gets in.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
    #[tokio::test]
    no_condition_lets_in_without_an_id(with("{}"), None) => In;

    /// Without a condition any id gets in: that is the hole the id is meant to close.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
    #[tokio::test]
    no_condition_lets_in_with_any_id(with("{}"), Some("anything")) => In;

    /// With IfExists an absent key meets the condition.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    if_exists_lets_in_without_an_id(id("StringEqualsIfExists"), None) => In;

    /// With IfExists a present key must match.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    if_exists_refuses_a_wrong_id(id("StringEqualsIfExists"), Some("tnt-wrong")) => Out;

    /// With IfExists the right value matches as without.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    if_exists_lets_the_right_id_in(id("StringEqualsIfExists"), Some("tnt-right")) => In;

    /// ForAllValues is true when the request has no such key.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    for_all_values_lets_in_without_an_id(id("ForAllValues:StringEquals"), None) => In;

    /// ForAllValues is false when a value of the request is not in the policy.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    for_all_values_refuses_a_wrong_id(id("ForAllValues:StringEquals"), Some("tnt-wrong")) => Out;

    /// ForAnyValue is true when a value of the request is in the policy.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    for_any_value_lets_the_right_id_in(id("ForAnyValue:StringEquals"), Some("tnt-right")) => In;

    /// ForAnyValue is false when the request has no such key.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    for_any_value_refuses_a_missing_id(id("ForAnyValue:StringEquals"), None) => Out;

    /// A negated operator is true for another value.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    not_equals_lets_another_id_in(id("StringNotEquals"), Some("tnt-other")) => In;

    /// A negated operator is true when the key is absent.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    not_equals_lets_in_without_an_id(id("StringNotEquals"), None) => In;

    /// A negated operator is false for that value.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    not_equals_refuses_that_id(id("StringNotEquals"), Some("tnt-right")) => Out;

    /// The negated form that ignores case refuses that value in any case.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    not_equals_ignoring_case_refuses_that_id_in_any_case(
        id("StringNotEqualsIgnoreCase"), Some("TNT-RIGHT")) => Out;

    /// Values of a condition are alternatives.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
    #[tokio::test]
    either_of_two_ids_lets_in(with(TWO), Some("tnt-two")) => In;

    /// An id that is none of the alternatives is refused.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
    #[tokio::test]
    neither_of_two_ids_is_refused(with(TWO), Some("tnt-three")) => Out;

    /// A star under StringLike stands for any text.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_pattern_lets_every_match_in(like("StringLike", "tnt-*"), Some("tnt-anything")) => In;

    /// A question mark under StringLike stands for one character.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_pattern_refuses_what_does_not_match(like("StringLike", "tnt-?"), Some("tnt-long")) => Out;

    /// A lone star takes any id that is there.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_lone_star_lets_any_id_in(like("StringLike", "*"), Some("anything")) => In;

    /// A pattern needs a value: a star does not match an absent key.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_lone_star_refuses_a_missing_id(like("StringLike", "*"), None) => Out;

    /// StringNotLike refuses what matches.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    not_like_refuses_a_match(like("StringNotLike", "tnt-*"), Some("tnt-right")) => Out;

    /// StringNotLike lets in what does not match.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    not_like_lets_in_what_does_not_match(like("StringNotLike", "tnt-*"), Some("other-id")) => In;

    /// `Null: false` asks only that the key is there: any id is an id.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    null_false_lets_any_id_in(with(NULL_FALSE), Some("anything")) => In;

    /// `Null: false` refuses an absent key.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    null_false_refuses_a_missing_id(with(NULL_FALSE), None) => Out;

    /// `Null: true` asks that the key is absent.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    null_true_lets_in_without_an_id(with(NULL_TRUE), None) => In;

    /// `Null: true` refuses a present key.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    null_true_refuses_an_id(with(NULL_TRUE), Some("anything")) => Out;

    /// Operators in one condition must all hold.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
    #[tokio::test]
    present_and_right_lets_the_right_id_in(with(PRESENT_AND_RIGHT), Some("tnt-right")) => In;

    /// One operator of several that does not hold is enough to refuse.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
    #[tokio::test]
    present_and_right_refuses_a_wrong_id(with(PRESENT_AND_RIGHT), Some("tnt-wrong")) => Out;
}
