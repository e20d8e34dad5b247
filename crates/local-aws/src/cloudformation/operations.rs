//! CloudFormation's operations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::cloudformation::intrinsic::Scope;
use crate::cloudformation::parameters;
use crate::cloudformation::provision::{Builder, remove_all};
use crate::cloudformation::stack::{Event, Stack};
use crate::cloudformation::template::{Template, invalid};
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Params, Protocol, Reply, Xml};
use crate::service::{Call, Service};

const BODY_BYTES_MAX: usize = 51_200;
const URL_BYTES_MAX: usize = 1 << 20;

/// Stacks by account and region, as `account/region`.
type Stacks = BTreeMap<String, Vec<Stack>>;

/// The service.
#[derive(Default)]
pub(crate) struct CloudFormation {
    stacks: Mutex<Stacks>,
}

#[async_trait::async_trait]
impl Service for CloudFormation {
    fn signing_name(&self) -> &'static str {
        "cloudformation"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let params = call.params()?;
        let xml = match call.operation.as_str() {
            "CreateStack" => {
                let text = template_text(core, call, &params).await?;
                self.create(core, call, &params, &text)?
            }
            "DescribeStacks" => self.describe(core, call, &params)?,
            "DescribeStackEvents" => self.events(core, call, &params)?,
            "DeleteStack" => self.delete(core, call, &params)?,
            other => return Err(AwsError::not_implemented("cloudformation", other)),
        };
        Ok(xml.into())
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        let stacks = self.lock();
        let mut items = Vec::new();
        for (place, stacks) in stacks.iter() {
            let (account, region) = place.split_once('/').unwrap_or_default();
            items.extend(
                stacks
                    .iter()
                    .filter(|stack| stack.is_live())
                    .map(|stack| InventoryItem {
                        account: account.to_owned(),
                        region: region.to_owned(),
                        kind: "cloudformation:stack".into(),
                        id: stack.id.clone(),
                        tags: stack.tags.clone(),
                        created_by: stack.created_by.clone(),
                    }),
            );
        }
        items
    }

    fn snapshot(&self) -> serde_json::Value {
        serde_json::json!(*self.lock())
    }

    fn restore(&self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        *self.lock() = serde_json::from_value(state)?;
        Ok(())
    }
}

fn place(call: &Call) -> String {
    format!("{}/{}", call.caller.account, call.region)
}

impl CloudFormation {
    fn lock(&self) -> MutexGuard<'_, Stacks> {
        self.stacks.lock().expect("no holder panics")
    }

    fn create(&self, core: &Core, call: &Call, params: &Params, text: &str) -> Result<Xml, AwsError> {
        let name = stack_name(params)?;
        let id = format!(
            "arn:aws:cloudformation:{}:{}:stack/{name}/{}",
            call.region,
            call.caller.account,
            core.ids.uuid()
        );
        core.authorize(&call.caller, "cloudformation:CreateStack", &id, &call.context())?;
        let template = Template::read(text)?;
        let capabilities = params.strings("Capabilities");
        refuse_without_capability(&template, &capabilities)?;
        let values = parameters::resolve(
            &template.parameters,
            pairs(params, "Parameters", "ParameterKey", "ParameterValue")?,
        )?;
        let token = params.get("ClientRequestToken").map(str::to_owned);
        let mut stacks = self.lock();
        let here = stacks.entry(place(call)).or_default();
        if let Some(existing) = here.iter().find(|stack| stack.is_live() && stack.name == name) {
            if token.is_some() && existing.token == token {
                return Ok(stack_id(&existing.id));
            }
            return Err(AwsError::bad(
                "AlreadyExistsException",
                format!("Stack [{name}] already exists"),
            ));
        }
        let mut stack = Stack {
            id: id.clone(),
            name: name.clone(),
            description: template.description.clone(),
            status: String::new(),
            reason: None,
            created_at: call.now,
            created_by: call.caller.principal_arn.clone(),
            deleted_at: None,
            parameters: values.clone(),
            capabilities,
            tags: pairs(params, "Tags", "Key", "Value")?,
            outputs: Vec::new(),
            resources: Vec::new(),
            events: Vec::new(),
            token,
        };
        stack.enter("CREATE_IN_PROGRESS", Some("User Initiated".into()), call.now);
        let scope = scope(call, &template, &stack, values);
        Builder {
            core,
            call,
            template: &template,
            scope,
            stack: &mut stack,
        }
        .build()?;
        here.push(stack);
        Ok(stack_id(&id))
    }

    fn describe(&self, core: &Core, call: &Call, params: &Params) -> Result<Xml, AwsError> {
        let wanted = params.get("StackName");
        self.authorize_read(core, call, wanted.unwrap_or("*"))?;
        let stacks = self.lock();
        let here = stacks.get(&place(call)).map(Vec::as_slice).unwrap_or_default();
        let found: Vec<&Stack> = match wanted {
            Some(wanted) => vec![find(here, wanted)?],
            None => here.iter().filter(|stack| stack.is_live()).collect(),
        };
        let mut xml = Xml::new();
        xml.members("Stacks", found, stack_xml);
        Ok(xml)
    }

    fn events(&self, core: &Core, call: &Call, params: &Params) -> Result<Xml, AwsError> {
        let wanted = params.required("StackName")?;
        self.authorize_read(core, call, wanted)?;
        let stacks = self.lock();
        let stack = find(
            stacks.get(&place(call)).map(Vec::as_slice).unwrap_or_default(),
            wanted,
        )?;
        let mut xml = Xml::new();
        xml.members("StackEvents", stack.events.iter().rev(), |xml, event| {
            event_xml(xml, stack, event);
        });
        Ok(xml)
    }

    fn authorize_read(&self, core: &Core, call: &Call, wanted: &str) -> Result<(), AwsError> {
        let resource = if wanted.starts_with("arn:") || wanted == "*" {
            wanted.to_owned()
        } else {
            format!(
                "arn:aws:cloudformation:{}:{}:stack/{wanted}/*",
                call.region, call.caller.account
            )
        };
        Ok(core.authorize(
            &call.caller,
            &format!("cloudformation:{}", call.operation),
            &resource,
            &call.context(),
        )?)
    }

    /// Deleting what is not there succeeds: "If you delete a stack that doesn't exist, the call completes".
    fn delete(&self, core: &Core, call: &Call, params: &Params) -> Result<Xml, AwsError> {
        let wanted = params.required("StackName")?;
        let mut stacks = self.lock();
        let here = stacks.entry(place(call)).or_default();
        let live = here
            .iter_mut()
            .find(|stack| stack.is_live() && (stack.name == wanted || stack.id == wanted));
        let Some(stack) = live else { return Ok(Xml::new()) };
        let context = call.context().resource_tags(&stack.tags);
        core.authorize(&call.caller, "cloudformation:DeleteStack", &stack.id, &context)?;
        stack.enter("DELETE_IN_PROGRESS", Some("User Initiated".into()), call.now);
        if remove_all(core, call, stack) {
            stack.enter("DELETE_COMPLETE", None, call.now);
            stack.deleted_at = Some(call.now);
        } else {
            stack.enter(
                "DELETE_FAILED",
                Some("The following resource(s) failed to delete".into()),
                call.now,
            );
        }
        Ok(Xml::new())
    }
}

async fn template_text(core: &Core, call: &Call, params: &Params) -> Result<String, AwsError> {
    match (params.get("TemplateBody"), params.get("TemplateURL")) {
        (Some(body), None) if body.len() <= BODY_BYTES_MAX => Ok(body.to_owned()),
        (Some(_), None) => Err(invalid("TemplateBody is longer than 51200 bytes")),
        (None, Some(address)) => fetch(core, call, address).await,
        _ => Err(invalid("Either Template URL or Template Body must be specified.")),
    }
}

/// Reads a template from the endpoint's own S3, whatever host the address has: `…/bucket/key` or `bucket.…/key`.
async fn fetch(core: &Core, call: &Call, address: &str) -> Result<String, AwsError> {
    let refused = |why: &str| {
        invalid(format!(
            "TemplateURL must reference a valid S3 object to which you have access. ({why})"
        ))
    };
    let url = url::Url::parse(address).map_err(|_| refused("not a URL"))?;
    let path = url.path().trim_start_matches('/');
    let virtual_bucket = url
        .host_str()
        .and_then(|host| host.split_once(".s3"))
        .map(|(bucket, _)| bucket);
    let (bucket, key) = match virtual_bucket {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').ok_or_else(|| refused("no key"))?,
    };
    let objects = core.objects.get().ok_or_else(|| refused("no S3"))?;
    let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    let object = objects
        .read(&call.caller, bucket, &key)
        .await
        .map_err(|error| refused(&error.code))?;
    if object.len() > URL_BYTES_MAX {
        return Err(invalid("the template is larger than 1 MiB"));
    }
    String::from_utf8(object.to_vec()).map_err(|_| refused("not text"))
}

fn stack_name(params: &Params) -> Result<String, AwsError> {
    let name = params.required("StackName")?;
    let word = name
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || char == '-');
    let whole = word && name.len() <= 128 && name.starts_with(|char: char| char.is_ascii_alphabetic());
    if whole {
        Ok(name.to_owned())
    } else {
        Err(params.invalid("stackName", name))
    }
}

fn pairs(params: &Params, list: &str, key: &str, value: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let pair = |entry: Params| {
        Ok((
            entry.required(key)?.to_owned(),
            entry.get(value).unwrap_or_default().to_owned(),
        ))
    };
    params.list(list).into_iter().map(pair).collect()
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

fn scope(call: &Call, template: &Template, stack: &Stack, parameters: BTreeMap<String, String>) -> Scope {
    let pseudo = [
        ("AWS::AccountId", call.caller.account.as_str()),
        ("AWS::Region", &call.region),
        ("AWS::StackName", &stack.name),
        ("AWS::StackId", &stack.id),
        ("AWS::Partition", "aws"),
        ("AWS::URLSuffix", "amazonaws.com"),
    ];
    let mut values = parameters;
    values.extend(pseudo.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let conditions = template.conditions.clone();
    Scope {
        values,
        conditions,
        references: BTreeMap::new(),
        attributes: BTreeMap::new(),
    }
}

fn find<'s>(stacks: &'s [Stack], wanted: &str) -> Result<&'s Stack, AwsError> {
    let found = stacks
        .iter()
        .find(|stack| stack.id == wanted || stack.is_live() && stack.name == wanted);
    found.ok_or_else(|| invalid(format!("Stack with id {wanted} does not exist")))
}

fn stack_id(id: &str) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("StackId", id);
    xml
}

fn time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn stack_xml(xml: &mut Xml, stack: &Stack) {
    xml.leaf("StackId", &stack.id)
        .leaf("StackName", &stack.name)
        .optional("Description", stack.description.as_ref())
        .leaf("CreationTime", time(stack.created_at))
        .optional("DeletionTime", stack.deleted_at.map(time))
        .leaf("StackStatus", &stack.status)
        .optional("StackStatusReason", stack.reason.as_ref())
        .leaf("DisableRollback", false);
    xml.members("Capabilities", &stack.capabilities, |xml, capability| {
        xml.text(capability);
    });
    xml.members("Parameters", &stack.parameters, |xml, (key, value)| {
        xml.leaf("ParameterKey", key).leaf("ParameterValue", value);
    });
    xml.members("Outputs", &stack.outputs, |xml, output| {
        xml.leaf("OutputKey", &output.key)
            .leaf("OutputValue", &output.value)
            .optional("Description", output.description.as_ref());
    });
    xml.members("Tags", &stack.tags, |xml, (key, value)| {
        xml.leaf("Key", key).leaf("Value", value);
    });
}

fn event_xml(xml: &mut Xml, stack: &Stack, event: &Event) {
    xml.leaf("StackId", &stack.id)
        .leaf("StackName", &stack.name)
        .leaf("EventId", &event.id)
        .leaf("Timestamp", time(event.at))
        .leaf("LogicalResourceId", &event.logical_id)
        .leaf("PhysicalResourceId", &event.physical_id)
        .leaf("ResourceType", &event.kind)
        .leaf("ResourceStatus", &event.status)
        .optional("ResourceStatusReason", event.reason.as_ref());
}
