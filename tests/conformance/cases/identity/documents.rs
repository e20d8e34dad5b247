//! What the grammar of identity policies refuses.

use conformance::{aws, code};

use crate::support::{iam, policy};

/// Cases of one malformed identity policy each: its text, and a part of the sentence that AWS answers.
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
    let create = iam(aws.customer())
        .create_policy()
        .policy_name(aws.name("malformed"));
    let outcome = create.policy_document(text).send().await;
    let message = outcome.as_ref().err().map(|error| format!("{error:?}"));
    assert_eq!(code(outcome), "MalformedPolicyDocument", "{text}");
    assert!(
        message.is_some_and(|message| message.contains(sentence)),
        "{text}"
    );
}

malformed! {
    /// An identity policy names no principal: it belongs to one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    a_principal_in_an_identity_policy_is_refused(
        policy(r#"{"Effect":"Allow","Principal":"*","Action":"ec2:*","Resource":"*"}"#),
        "should not specify a principal");

    /// Nor does it say whom it does not mean.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
    #[tokio::test]
    not_principal_in_an_identity_policy_is_refused(
        policy(r#"{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"ec2:*","Resource":"*"}"#),
        "should not specify a principal");

    /// It names resources.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
    #[tokio::test]
    an_identity_policy_without_resources_is_refused(
        policy(r#"{"Effect":"Allow","Action":"ec2:*"}"#), "must contain resources");

    /// Resources are ARNs or a star.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
    #[tokio::test]
    a_resource_that_is_no_arn_is_refused(
        policy(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"vpc-1"}"#), "must be in ARN format");

    /// An action has its service in front.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
    #[tokio::test]
    an_action_without_service_is_refused(
        policy(r#"{"Effect":"Allow","Action":"RunInstances","Resource":"*"}"#), "must be prefaced by a vendor");

    /// Action and NotAction exclude each other.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
    #[tokio::test]
    action_beside_not_action_is_refused(
        policy(r#"{"Effect":"Allow","Action":"ec2:*","NotAction":"iam:*","Resource":"*"}"#),
        "Syntax errors in policy");

    /// Resource and NotResource exclude each other.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
    #[tokio::test]
    resource_beside_not_resource_is_refused(
        policy(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*","NotResource":"*"}"#),
        "Syntax errors in policy");

    /// An id is letters and digits.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>
    #[tokio::test]
    a_statement_id_with_other_signs_is_refused(
        policy(r#"{"Sid":"two words","Effect":"Allow","Action":"ec2:*","Resource":"*"}"#), "alpha-numeric");

    /// A date must be one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    a_date_that_is_none_is_refused(
        policy(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*",
            "Condition":{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}}"#), "Invalid value");

    /// A range of addresses must be one.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[tokio::test]
    an_address_range_that_is_none_is_refused(
        policy(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*",
            "Condition":{"IpAddress":{"aws:SourceIp":"300.0.0.0/8"}}}"#), "Invalid value");

    /// A policy says something.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html>
    #[tokio::test]
    an_empty_list_of_statements_is_refused(
        r#"{"Version":"2012-10-17","Statement":[]}"#, "Syntax errors in policy");
}
