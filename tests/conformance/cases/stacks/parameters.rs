//! Template parameters.

use conformance::{aws, code};

use crate::support::{create, delete, made, outputs, parameter, role_template};

fn template(declaration: &str) -> String {
    let role = role_template("");
    format!("Parameters:\n  P: {declaration}\n{role}\nOutputs: {{P: {{Value: !Ref P}}}}\n")
}

/// Whether a value is taken for a parameter so declared. None gives no value at all.
async fn taken(declaration: &str, value: Option<&str>) -> bool {
    let aws = aws().await;
    let name = aws.name("stack");
    let given = value.map(|value| vec![parameter("P", value)]);
    let request = create(&aws, &name, template(declaration)).set_parameters(given);
    let outcome = request.send().await;
    match outcome {
        Ok(begun) => {
            crate::support::settled(&aws, &name).await;
            delete(&aws, &begun.stack_id.expect("an id")).await;
            true
        }
        refused => {
            assert_eq!(code(refused), "ValidationError");
            false
        }
    }
}

/// Cases of one declaration and one value each.
macro_rules! parameters {
    ($($(#[$attribute:meta])* $name:ident($declaration:expr, $value:expr) => $taken:expr;)*) => {$(
        $(#[$attribute])*
        async fn $name() {
            assert_eq!(taken($declaration, $value).await, $taken);
        }
    )*};
}

parameters! {
    /// A parameter without a default needs a value.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_parameter_without_default_needs_a_value("{Type: String}", None) => false;

    /// A default stands in.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_default_stands_in("{Type: String, Default: x}", None) => true;

    /// The whole value must match the pattern.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_pattern_is_for_the_whole_value(r#"{Type: String, AllowedPattern: "[a-z]+"}"#, Some("abc1")) => false;

    /// What matches is taken.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_value_that_matches_the_pattern_is_taken(
        r#"{Type: String, AllowedPattern: "(arn:aws:iam::)?[0-9]{12}(:role/.+)?"}"#,
        Some("arn:aws:iam::111111111111:role/a/b")) => true;

    /// Alternatives in a pattern are alternatives for the whole value.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    alternatives_in_a_pattern_are_for_the_whole_value(
        r#"{Type: String, AllowedPattern: "yes|no"}"#, Some("yesterday")) => false;

    /// A value outside the list is refused.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_value_outside_the_list_is_refused(
        r#"{Type: String, AllowedValues: ["yes", "no"]}"#, Some("maybe")) => false;

    /// A default must meet the constraints too.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_default_outside_the_list_is_refused(
        r#"{Type: String, Default: maybe, AllowedValues: ["yes", "no"]}"#, None) => false;

    /// Too short.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_value_that_is_too_short_is_refused("{Type: String, MinLength: 3}", Some("ab")) => false;

    /// Too long.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_value_that_is_too_long_is_refused("{Type: String, MaxLength: 3}", Some("abcd")) => false;

    /// A number is one.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    text_for_a_number_is_refused("{Type: Number}", Some("many")) => false;

    /// A number keeps its bounds.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_number_above_its_bound_is_refused("{Type: Number, MaxValue: 10}", Some("10.5")) => false;

    /// The bound itself is inside.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    the_bound_of_a_number_is_inside("{Type: Number, MinValue: 1, MaxValue: 10}", Some("10")) => true;

    /// A type is one of those that there are.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    an_unknown_parameter_type_is_refused("{Type: Text}", Some("x")) => false;

    /// A declaration has the attributes that there are.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    an_unknown_attribute_of_a_parameter_is_refused("{Type: String, Pattern: x}", Some("x")) => false;

    /// A declaration has a type.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    #[tokio::test]
    a_parameter_without_type_is_refused("{Default: x}", Some("x")) => false;
}

/// A parameter that the template does not declare is refused.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_parameter_that_is_not_declared_is_refused() {
    let aws = aws().await;
    let request = create(&aws, &aws.name("stack"), role_template("")).parameters(parameter("Other", "x"));

    assert_eq!(code(request.send().await), "ValidationError");
}

/// There is no earlier value when a stack is made.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html>
#[tokio::test]
async fn there_is_no_previous_value_at_creation() {
    let aws = aws().await;
    let previous = aws_sdk_cloudformation::types::Parameter::builder()
        .parameter_key("P")
        .use_previous_value(true);
    let request = create(&aws, &aws.name("stack"), template("{Type: String, Default: x}"));

    let outcome = request.parameters(previous.build()).send().await;

    assert_eq!(code(outcome), "ValidationError");
}

/// A parameter without echo is shown as stars, and works.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
#[tokio::test]
async fn a_parameter_without_echo_is_shown_as_stars() {
    let aws = aws().await;
    let name = aws.name("stack");
    let request =
        create(&aws, &name, template("{Type: String, NoEcho: true}")).parameters(parameter("P", "hidden"));

    let stack = made(&aws, &name, request).await;

    assert_eq!(stack.parameters()[0].parameter_value(), Some("****"));
    assert_eq!(outputs(&stack)["P"], "hidden");
    delete(&aws, stack.stack_id().expect("an id")).await;
}
