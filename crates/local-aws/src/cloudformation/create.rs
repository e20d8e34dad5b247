//! CreateStack.
//!
//! Source: CloudFormation API reference, "CreateStack".

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cloudformation::intrinsic::Scope;
use crate::cloudformation::parameters;
use crate::cloudformation::provision::{Builder, OnFailure};
use crate::cloudformation::references;
use crate::cloudformation::service::CloudFormation;
use crate::cloudformation::stack::Stack;
use crate::cloudformation::template::{Template, invalid};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Params, Xml};
use crate::service::Call;
use crate::tags::Tags;

/// CloudFormation user guide, "CloudFormation quotas".
const STACKS_MAX: usize = 2_000;
const TAGS_MAX: usize = 50;

/// Parameters of the call that are not built here.
const NOT_BUILT: &[&str] = &[
    "RoleARN",
    "NotificationARNs.member.1",
    "StackPolicyBody",
    "StackPolicyURL",
    "RollbackConfiguration.MonitoringTimeInMinutes",
    "ResourceTypes.member.1",
    "TimeoutInMinutes",
];

/// What is asked of CreateStack, beside the template.
struct Request {
    name: String,
    capabilities: Vec<String>,
    tags: Tags,
    /// The call's token, and what else the call says.
    token: Option<(String, String)>,
    on_failure: OnFailure,
    protected: bool,
}

impl Request {
    fn read(params: &Params) -> Result<Self, AwsError> {
        if let Some(name) = NOT_BUILT.iter().find(|name| params.get(name).is_some()) {
            return Err(AwsError::not_implemented(
                "cloudformation",
                &format!("CreateStack with {name}"),
            ));
        }
        Ok(Self {
            name: stack_name(params)?,
            capabilities: capabilities(params)?,
            tags: tags(params)?,
            token: token(params)?,
            on_failure: on_failure(params)?,
            protected: params.flag("EnableTerminationProtection")?.unwrap_or(false),
        })
    }
}

pub(super) fn create(
    service: &CloudFormation,
    core: &Core,
    call: &Call,
    text: &str,
) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let request = Request::read(&params)?;
    let id = format!(
        "arn:aws:cloudformation:{}:{}:stack/{}/{}",
        call.region,
        call.caller.account,
        request.name,
        core.ids.uuid()
    );
    let context = call.context().request_tags(&request.tags);
    core.authorize(&call.caller, "cloudformation:CreateStack", &id, &context)?;
    let template = Template::read(text)?;
    references::check(&template)?;
    refuse_without_capability(&template, &request.capabilities)?;
    let values = parameters::resolve(&template.parameters, parameters::given(&params)?)?;
    service.here(call, |stacks| {
        if let Some(earlier) = earlier(stacks, &request, call)? {
            return Ok(stack_id(&earlier));
        }
        let on_failure = request.on_failure;
        let mut stack = new_stack(call, id, &template, (request, &values));
        stack.enter("CREATE_IN_PROGRESS", Some("User Initiated".into()), call.now);
        let scope = scope(call, &template, &stack, values);
        let exports = exports(stacks, call);
        Builder {
            core,
            call,
            template: &template,
            scope,
            stack: &mut stack,
            exports,
            at: call.now,
        }
        .build(on_failure)?;
        let answer = stack_id(&stack.id);
        stacks.push(stack);
        Ok(answer)
    })
}

/// The id of the stack that the same call made before; a refusal when the name or the token is taken.
fn earlier(stacks: &[Stack], request: &Request, call: &Call) -> Result<Option<String>, AwsError> {
    let same_token = |stack: &&Stack| match (&stack.token, &request.token) {
        (Some((theirs, _)), Some((ours, _))) => theirs == ours,
        _ => false,
    };
    let live = || stacks.iter().filter(|stack| stack.is_live(call.now));
    if let Some(stack) = live().find(same_token) {
        if stack.name == request.name && stack.token == request.token {
            return Ok(Some(stack.id.clone()));
        }
        let why = "A client request token already exists with other parameters.";
        return Err(AwsError::bad("TokenAlreadyExistsException", why));
    }
    if live().any(|stack| stack.name == request.name) {
        let why = format!("Stack [{}] already exists", request.name);
        return Err(AwsError::bad("AlreadyExistsException", why));
    }
    if live().count() >= STACKS_MAX {
        let why = format!("Limit for stack has been exceeded: {STACKS_MAX}");
        return Err(AwsError::bad("LimitExceededException", why));
    }
    Ok(None)
}

fn new_stack(
    call: &Call,
    id: String,
    template: &Template,
    (request, values): (Request, &BTreeMap<String, Value>),
) -> Stack {
    Stack {
        id,
        name: request.name,
        description: template.description.clone(),
        created_at: call.now,
        created_by: call.caller.principal_arn.clone(),
        parameters: parameters::shown(&template.parameters, values),
        capabilities: request.capabilities,
        tags: request.tags,
        outputs: Vec::new(),
        resources: Vec::new(),
        events: Vec::new(),
        current_token: request.token.as_ref().map(|(token, _)| token.clone()),
        token: request.token,
        rollback_disabled: request.on_failure == OnFailure::DoNothing,
        protected: request.protected,
    }
}

/// Names that live stacks export, with the stacks.
fn exports(stacks: &[Stack], call: &Call) -> BTreeMap<String, String> {
    let live = stacks.iter().filter(|stack| stack.is_live(call.now));
    let exports = live.flat_map(|stack| {
        let names = stack.outputs.iter().filter_map(|output| output.export.clone());
        names.map(|name| (name, stack.name.clone()))
    });
    exports.collect()
}

fn stack_name(params: &Params) -> Result<String, AwsError> {
    let name = params.required("StackName")?;
    let word = name
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || char == '-');
    let whole = word && name.len() <= 128 && name.starts_with(|char: char| char.is_ascii_alphabetic());
    if whole {
        return Ok(name.to_owned());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )))
}

fn capabilities(params: &Params) -> Result<Vec<String>, AwsError> {
    let known = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];
    let given = params.strings("Capabilities");
    match given.iter().find(|given| !known.contains(&given.as_str())) {
        Some(other) => Err(params.invalid("capabilities", other)),
        None => Ok(given),
    }
}

fn tags(params: &Params) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for tag in params.list("Tags") {
        let (key, value) = (tag.required("Key")?, tag.required("Value")?);
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(format!("The tag {key} is too long")));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag key: {key}")));
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(invalid("A stack can have at most 50 tags"));
    }
    Ok(tags)
}

fn token(params: &Params) -> Result<Option<(String, String)>, AwsError> {
    let Some(token) = params.get("ClientRequestToken") else {
        return Ok(None);
    };
    let word = |char: char| char.is_ascii_alphanumeric() || char == '-';
    if token.is_empty() || token.len() > 128 || token.starts_with('-') || !token.chars().all(word) {
        return Err(params.invalid("clientRequestToken", token));
    }
    let mut hash = Sha256::new();
    for (name, value) in params.iter() {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    Ok(Some((token.to_owned(), hex::encode(hash.finalize()))))
}

fn on_failure(params: &Params) -> Result<OnFailure, AwsError> {
    let disabled = params.flag("DisableRollback")?;
    match (params.get("OnFailure"), disabled) {
        (Some(_), Some(_)) => Err(invalid(
            "You can specify either DisableRollback or OnFailure, but not both.",
        )),
        (None, Some(true)) | (Some("DO_NOTHING"), None) => Ok(OnFailure::DoNothing),
        (None, _) | (Some("ROLLBACK"), None) => Ok(OnFailure::RollBack),
        (Some("DELETE"), None) => Ok(OnFailure::Delete),
        (Some(other), None) => Err(params.invalid("onFailure", other)),
    }
}

fn refuse_without_capability(template: &Template, given: &[String]) -> Result<(), AwsError> {
    let needed = template.capability();
    let enough = given
        .iter()
        .any(|given| given == needed || given == "CAPABILITY_NAMED_IAM");
    if enough {
        return Ok(());
    }
    Err(AwsError::bad(
        "InsufficientCapabilitiesException",
        format!("Requires capabilities : [{needed}]"),
    ))
}

fn scope(call: &Call, template: &Template, stack: &Stack, parameters: BTreeMap<String, Value>) -> Scope {
    let pseudo = [
        ("AWS::AccountId", call.caller.account.as_str()),
        ("AWS::Region", &call.region),
        ("AWS::StackName", &stack.name),
        ("AWS::StackId", &stack.id),
        ("AWS::Partition", "aws"),
        ("AWS::URLSuffix", "amazonaws.com"),
    ];
    let mut values = parameters;
    values.extend(pseudo.map(|(name, value)| (name.to_owned(), value.into())));
    Scope {
        values,
        conditions: template.conditions.clone(),
        attributes: BTreeMap::new(),
    }
}

fn stack_id(id: &str) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("StackId", id);
    xml
}
