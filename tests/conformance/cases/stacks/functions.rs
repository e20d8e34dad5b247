//! Intrinsic functions and pseudo parameters.

use conformance::{aws, code};

use crate::support::{create, delete, made, outputs, parameter, role_template};

const PARAMETERS: &str = r#"
Parameters:
  Word: {Type: String, Default: "data"}
  List: {Type: CommaDelimitedList, Default: "a, b,c"}
"#;

/// The value of an output with this expression, in a stack that holds a role.
async fn value_of(expression: &str) -> (String, String, String) {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        "{PARAMETERS}{}\nOutputs: {{Value: {{Value: {expression}}}}}",
        role_template("")
    );
    let stack = made(&aws, &name, create(&aws, &name, template)).await;
    let value = outputs(&stack)["Value"].clone();
    let id = stack.stack_id().expect("an id").to_owned();
    delete(&aws, &id).await;
    (value, name, aws.customer().id.clone())
}

/// Ref of a parameter is its value.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ref.html>
#[tokio::test]
async fn ref_of_a_parameter_is_its_value() {
    assert_eq!(value_of("!Ref Word").await.0, "data");
}

/// Ref of a role is its name.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html>
#[tokio::test]
async fn ref_of_a_role_is_its_name() {
    let (value, name, _) = value_of("!Ref Role").await;
    assert!(value.starts_with(&format!("{name}-Role-")), "{value}");
}

/// GetAtt of a role is its ARN, in both forms of the function.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getatt.html>
#[tokio::test]
async fn get_att_of_a_role_is_its_arn() {
    let (value, name, account) = value_of("!GetAtt Role.Arn").await;
    assert!(
        value.starts_with(&format!("arn:aws:iam::{account}:role/{name}-Role-")),
        "{value}"
    );
    let (value, ..) = value_of("{\"Fn::GetAtt\": [Role, RoleId]}").await;
    assert!(value.starts_with("AROA"), "{value}");
}

/// Sub fills in parameters, attributes and pseudo parameters, and leaves what is escaped.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html>
#[tokio::test]
async fn sub_fills_in_names() {
    let (value, name, account) =
        value_of(r#"!Sub "${Word}/${AWS::AccountId}/${AWS::StackName}/${!Word}""#).await;
    assert_eq!(value, format!("data/{account}/{name}/${{Word}}"));
}

/// Sub's own names go before those of the template.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html>
#[tokio::test]
async fn subs_own_names_go_first() {
    let (value, ..) = value_of(r#"!Sub ["${Word}-${Other}", {Word: own, Other: !Ref Word}]"#).await;
    assert_eq!(value, "own-data");
}

/// Join puts a delimiter between values.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-join.html>
#[tokio::test]
async fn join_puts_a_delimiter_between_values() {
    assert_eq!(value_of(r#"!Join ["-", [x, !Ref Word, y]]"#).await.0, "x-data-y");
}

/// A list parameter is a list without the spaces.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
#[tokio::test]
async fn a_list_parameter_is_a_list() {
    assert_eq!(value_of(r#"!Join ["|", !Ref List]"#).await.0, "a|b|c");
}

/// Select takes one of a list, from 0.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-select.html>
#[tokio::test]
async fn select_takes_one_of_a_list() {
    assert_eq!(value_of("!Select [1, !Ref List]").await.0, "b");
}

/// Split makes a list of a text.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-split.html>
#[tokio::test]
async fn split_makes_a_list_of_a_text() {
    assert_eq!(value_of(r#"!Select [0, !Split ["t", !Ref Word]]"#).await.0, "da");
}

/// The pseudo parameters are those of the stack's place.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html>
#[tokio::test]
async fn pseudo_parameters_tell_the_place() {
    let (value, name, account) =
        value_of(r#"!Sub "${AWS::Partition} ${AWS::URLSuffix} ${AWS::StackId}""#).await;
    assert!(
        value.starts_with("aws amazonaws.com arn:aws:cloudformation:"),
        "{value}"
    );
    assert!(value.contains(&format!(":{account}:stack/{name}/")), "{value}");
}

/// What a template names must be in it.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ref.html>
#[tokio::test]
async fn a_name_that_is_nowhere_is_refused_before_anything_is_made() {
    let aws = aws().await;
    let role = role_template("");
    for expression in [
        "!Ref Nothing",
        "!GetAtt Nothing.Arn",
        "!GetAtt Role.Colour",
        r#"!Sub "${Nothing}""#,
        r#"!Sub "${Role.Colour}""#,
        "!If [Nothing, a, b]",
    ] {
        let name = aws.name("stack");
        let template = format!("{role}\nOutputs: {{Value: {{Value: {expression}}}}}");
        assert_eq!(
            code(create(&aws, &name, template).send().await),
            "ValidationError",
            "{expression}"
        );
        assert!(
            crate::support::describe(&aws, &name).await.is_none(),
            "{expression}"
        );
    }
}

/// A value that comes from a parameter works in a name.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html>
#[tokio::test]
async fn a_role_is_named_by_a_parameter() {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        "Parameters: {{Name: {{Type: String}}}}\n{}\nOutputs: {{Name: {{Value: !Ref Role}}}}",
        role_template("      RoleName: !Sub \"${Name}-role\"")
    );
    let stack = made(
        &aws,
        &name,
        create(&aws, &name, template).parameters(parameter("Name", &name)),
    )
    .await;

    assert_eq!(outputs(&stack)["Name"], format!("{name}-role"));
    delete(&aws, stack.stack_id().expect("an id")).await;
}
