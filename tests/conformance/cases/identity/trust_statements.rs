//! How the statements of a trust policy meet, and what its grammar refuses.

use conformance::{aws, code};

use crate::support::{Names, iam, policy, trust, trust_shapes};

/// A statement about the operator's account.
fn statement(names: &Names, effect: &str, action: &str, condition: &str) -> String {
    let root = format!("arn:aws:iam::{}:root", names.operator);
    format!(
        r#"{{"Effect":"{effect}","Principal":{{"AWS":"{root}"}},"Action":{action},"Condition":{condition}}}"#
    )
}

fn statements<const N: usize>(
    all: [(&'static str, &'static str, &'static str); N],
) -> impl Fn(&Names) -> String {
    move |names| {
        let all = all.map(|(effect, action, condition)| statement(names, effect, action, condition));
        policy(&all.join(","))
    }
}

const ASSUME: &str = r#""sts:AssumeRole""#;
const RIGHT: &str = r#"{"StringEquals":{"sts:ExternalId":"tnt-right"}}"#;
const NO_ID: &str = r#"{"Null":{"sts:ExternalId":"true"}}"#;

trust_shapes! {
    /// An explicit deny wins over every allow.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
    #[tokio::test]
    a_deny_wins(statements([("Allow", ASSUME, "{}"), ("Deny", ASSUME, "{}")]), None) => Out;

    /// A deny that comes first wins as well: the order does not count.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
    #[tokio::test]
    a_deny_wins_in_any_order(statements([("Deny", ASSUME, "{}"), ("Allow", ASSUME, "{}")]), None) => Out;

    /// A deny without an id refuses those who come without.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
    #[tokio::test]
    a_deny_whose_condition_holds_refuses(
        statements([("Allow", ASSUME, "{}"), ("Deny", ASSUME, NO_ID)]), None) => Out;

    /// A deny whose condition does not hold says nothing.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
    #[tokio::test]
    a_deny_whose_condition_does_not_hold_says_nothing(
        statements([("Allow", ASSUME, "{}"), ("Deny", ASSUME, NO_ID)]), Some("any-id")) => In;

    /// A deny by a negated operator refuses a wrong id and an absent one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_deny_of_all_but_one_id_refuses_an_absent_one(
        statements([("Allow", ASSUME, "{}"),
            ("Deny", ASSUME, r#"{"StringNotEquals":{"sts:ExternalId":"tnt-right"}}"#)]), None) => Out;

    /// A second statement without a condition undoes the condition of the first.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html>
    #[tokio::test]
    a_second_statement_without_condition_opens_the_role(
        statements([("Allow", ASSUME, RIGHT), ("Allow", ASSUME, "{}")]), None) => In;

    /// Statements for two ids are alternatives.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html>
    #[tokio::test]
    either_of_two_statements_lets_in(
        statements([("Allow", ASSUME, r#"{"StringEquals":{"sts:ExternalId":"tnt-left"}}"#),
            ("Allow", ASSUME, RIGHT)]), Some("tnt-right")) => In;

    /// A statement may stand alone, outside a list.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html>
    #[tokio::test]
    a_lone_statement_needs_no_list(
        |names: &Names| format!(r#"{{"Version":"2012-10-17","Statement":{}}}"#,
            statement(names, "Allow", ASSUME, "{}")), None) => In;

    /// A wildcard in the action covers AssumeRole.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
    #[tokio::test]
    a_wildcard_action_lets_in(statements([("Allow", r#""sts:Assume*""#, "{}")]), None) => In;

    /// Action names are not case-sensitive.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
    #[tokio::test]
    the_case_of_the_action_does_not_count(statements([("Allow", r#""STS:assumerole""#, "{}")]), None) => In;

    /// Tagging is another action than assuming.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
    #[tokio::test]
    another_action_alone_refuses(statements([("Allow", r#""sts:TagSession""#, "{}")]), None) => Out;

    /// A deny of another action says nothing about assuming.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
    #[tokio::test]
    a_deny_of_another_action_says_nothing(
        statements([("Allow", ASSUME, "{}"), ("Deny", r#""sts:TagSession""#, "{}")]), None) => In;
}

/// Cases of one malformed trust policy each: its text, and a part of the sentence that AWS answers, if it is known.
macro_rules! malformed {
    ($($(#[$attribute:meta])* $name:ident($text:expr, $sentence:expr);)*) => {$(
        $(#[$attribute])*
        async fn $name() {
            refused(&$text, $sentence).await;
        }
    )*};
}

async fn refused(text: &str, sentence: &str) {
    let aws = aws().await;
    let create = iam(aws.vendor()).create_role().role_name(aws.name("malformed"));
    let outcome = create.assume_role_policy_document(text).send().await;
    let message = outcome.as_ref().err().map(|error| format!("{error:?}"));
    assert_eq!(code(outcome), "MalformedPolicyDocument", "{text}");
    assert!(
        message.is_some_and(|message| message.contains(sentence)),
        "{text}"
    );
}

fn one(statement: &str) -> String {
    policy(statement)
}

malformed! {
    /// A policy is JSON.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
    #[tokio::test]
    a_trust_policy_that_is_no_json_is_refused("not json", "invalid Json");

    /// A policy has statements.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
    #[tokio::test]
    a_trust_policy_without_statements_is_refused(r#"{"Version":"2012-10-17"}"#, "Syntax errors in policy");

    /// There are two versions of the language.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
    #[tokio::test]
    an_unknown_language_version_is_refused(
        trust("*", "{}").replace("2012-10-17", "2012-10-18"), "version");

    /// An effect is Allow or Deny.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_effect.html>
    #[tokio::test]
    an_unknown_effect_is_refused(
        one(r#"{"Effect":"Maybe","Principal":"*","Action":"sts:AssumeRole"}"#), "Syntax errors in policy");

    /// A trust policy says whom it trusts.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    a_trust_policy_without_principal_is_refused(
        one(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#), "Missing required field Principal");

    /// "You cannot use the NotPrincipal element in … an IAM role trust policy."
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
    #[tokio::test]
    not_principal_in_a_trust_policy_is_refused(
        one(r#"{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}"#), "NotPrincipal");

    /// A trust policy's resource is the role itself and is not written.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
    #[tokio::test]
    a_resource_in_a_trust_policy_is_refused(
        one(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#),
        "Has prohibited field Resource");

    /// A trust policy is about STS's actions.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html>
    #[tokio::test]
    another_services_action_in_a_trust_policy_is_refused(
        one(r#"{"Effect":"Allow","Principal":"*","Action":"ec2:RunInstances"}"#),
        "AssumeRole policy may only specify STS AssumeRole actions");

    /// A statement has an action.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
    #[tokio::test]
    a_trust_policy_without_action_is_refused(
        one(r#"{"Effect":"Allow","Principal":"*"}"#), "must contain actions");

    /// Operators are those of the list.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_unknown_operator_is_refused(
        trust("*", r#"{"StringAlmost":{"sts:ExternalId":"x"}}"#), "Invalid Condition type : StringAlmost");

    /// Null has no IfExists form.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    null_if_exists_is_refused(
        trust("*", r#"{"NullIfExists":{"sts:ExternalId":"true"}}"#), "Invalid Condition type");

    /// There are two set operators.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
    #[tokio::test]
    an_unknown_set_operator_is_refused(
        trust("*", r#"{"ForSomeValues:StringEquals":{"sts:ExternalId":"x"}}"#), "Invalid Condition type");

    /// A wildcard cannot stand for part of a principal's ARN.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    a_pattern_as_principal_is_refused(
        trust("arn:aws:iam::111111111111:role/*", "{}"), "Invalid principal in policy");

    /// A principal that is named must exist.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html>
    #[tokio::test]
    a_role_that_is_not_there_as_principal_is_refused(
        trust("arn:aws:iam::111111111111:role/conformance-nobody", "{}"), "Invalid principal in policy");

    /// The same for a user.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html>
    #[tokio::test]
    a_user_that_is_not_there_as_principal_is_refused(
        trust("arn:aws:iam::111111111111:user/conformance-nobody", "{}"), "Invalid principal in policy");

    /// Elements are those of the grammar.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
    #[tokio::test]
    an_unknown_element_is_refused(
        one(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Actions":"sts:*"}"#),
        "Syntax errors in policy");

    /// Statement ids are unique within a policy.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>
    #[tokio::test]
    a_statement_id_given_twice_is_refused(
        one(r#"{"Sid":"A","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},
            {"Sid":"A","Effect":"Allow","Principal":"*","Action":"sts:TagSession"}"#),
        "must be unique");
}
