//! Conditions.

use conformance::{aws, code};

use crate::support::{create, delete, made, outputs, parameter, role_template};

/// Whether a condition holds for the parameters `Env: prod` and `Size: 2`.
async fn holds(condition: &str) -> bool {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        r#"
Parameters:
  Env: {{Type: String, Default: prod}}
  Size: {{Type: Number, Default: 2}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  Asked: {condition}
{}
Outputs: {{Value: {{Value: !If [Asked, "yes", "no"]}}}}"#,
        role_template("")
    );
    let stack = made(&aws, &name, create(&aws, &name, template)).await;
    let value = outputs(&stack)["Value"].clone();
    delete(&aws, stack.stack_id().expect("an id")).await;
    value == "yes"
}

/// Cases of one condition each.
macro_rules! conditions {
    ($($(#[$attribute:meta])* $name:ident($condition:expr) => $holds:expr;)*) => {$(
        $(#[$attribute])*
        async fn $name() {
            assert_eq!(holds($condition).await, $holds);
        }
    )*};
}

conditions! {
    /// Equal texts are equal.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>
    #[tokio::test]
    equal_texts_are_equal("!Equals [!Ref Env, prod]") => true;

    /// Comparison distinguishes case.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>
    #[tokio::test]
    equality_distinguishes_case("!Equals [!Ref Env, Prod]") => false;

    /// A number equals its text.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>
    #[tokio::test]
    a_number_equals_its_text("!Equals [!Ref Size, 2]") => true;

    /// Not turns round.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>
    #[tokio::test]
    not_turns_a_condition_round("!Not [!Condition IsProd]") => false;

    /// And needs all.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>
    #[tokio::test]
    and_needs_all("!And [!Condition IsProd, !Equals [!Ref Size, 3]]") => false;

    /// Or needs one.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>
    #[tokio::test]
    or_needs_one("!Or [!Condition IsProd, !Equals [!Ref Size, 3]]") => true;
}

/// A resource and an output whose condition does not hold are not made; `AWS::NoValue` takes a property away.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html>
#[tokio::test]
async fn what_a_condition_excludes_is_not_made() {
    let aws = aws().await;
    let name = aws.name("stack");
    let limits = r#"
  Limits:
    Type: AWS::IAM::ManagedPolicy
    Condition: Bounded
    Properties:
      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ec2:*", Resource: "*"}]}
Outputs:
  Limits: {Condition: Bounded, Value: !Ref Limits}
"#;
    let template = format!(
        "Parameters: {{Bound: {{Type: String}}}}\nConditions: {{Bounded: !Equals [!Ref Bound, \"yes\"]}}\n{}{limits}",
        role_template("      PermissionsBoundary: !If [Bounded, !Ref Limits, !Ref \"AWS::NoValue\"]")
    );
    let request = |bound: &str| create(&aws, &name, template.clone()).parameters(parameter("Bound", bound));

    let without = made(&aws, &name, request("no")).await;
    assert!(outputs(&without).is_empty());
    delete(&aws, without.stack_id().expect("an id")).await;
    let with = made(&aws, &name, request("yes")).await;
    assert!(outputs(&with)["Limits"].contains(":policy/"));
    delete(&aws, with.stack_id().expect("an id")).await;
}

/// A condition that is nowhere is refused.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html>
#[tokio::test]
async fn a_condition_that_is_nowhere_is_refused() {
    let aws = aws().await;
    let template = role_template("    Condition: Nothing");

    assert_eq!(
        code(create(&aws, &aws.name("stack"), template).send().await),
        "ValidationError"
    );
}
