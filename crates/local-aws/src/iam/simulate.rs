//! SimulatePrincipalPolicy: what a role or a user could do, without doing it.
//!
//! Only what the call and the policies say counts: the simulator knows neither the resource's tags nor the caller's
//! facts unless they come as context entries. Source: IAM API reference, "SimulatePrincipalPolicy".

use std::collections::BTreeSet;

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::held::Permissions;
use crate::iam::names::{self, no_such_entity, violation};
use crate::iam::policy::{
    Context, Decision, Document, Policies, PrincipalView, Question, ResourcePolicy, decide, matching,
};
use crate::iam::service_role::split_arn;
use crate::iam::spans;
use crate::iam::state::IamAccount;
use crate::protocol::{Params, Xml};
use crate::service::Call;

const CONTEXT_TYPES: &[&str] = &[
    "string",
    "stringList",
    "numeric",
    "numericList",
    "boolean",
    "booleanList",
    "ip",
    "ipList",
    "binary",
    "binaryList",
    "date",
    "dateList",
];

/// What AWS answers as the type of every policy.
const SOURCE_TYPE: &str = "IAM Policy";

fn invalid_input(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidInput", why)
}

/// A policy that takes part, by the name the answer gives it.
struct Source {
    id: String,
    document: Document,
}

/// All that is asked.
struct Simulation {
    actions: Vec<String>,
    resources: Vec<String>,
    /// Whether the call named the resources.
    resources_named: bool,
    context: Context,
    provided: BTreeSet<String>,
    policies: Policies,
    sources: Vec<Source>,
    on_resource: Option<OnResource>,
}

/// The policy on the resource, and the user it is asked about.
struct OnResource {
    document: Document,
    owner: String,
    caller_arn: String,
}

/// The outcome for one action on one resource.
struct Outcome {
    key: String,
    action: String,
    resource: String,
    decision: Decision,
    /// Source and statement.
    matched: Vec<(usize, usize)>,
    allowed_by_boundary: Option<bool>,
}

pub(super) fn principal_policy(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    if params.get("PolicyExclusionList.member.1").is_some() {
        return Err(AwsError::not_implemented(
            "iam",
            "SimulatePrincipalPolicy with PolicyExclusionList",
        ));
    }
    let source = params.required("PolicySourceArn")?;
    core.authorize(
        &call.caller,
        "iam:SimulatePrincipalPolicy",
        source,
        &call.context(),
    )?;
    let simulation = Simulation::read(core, call, &params)?;
    let outcomes = simulation.outcomes();
    names::list(
        &params,
        ("EvaluationResults", outcomes),
        |outcome| &outcome.key,
        |xml, outcome| {
            simulation.outcome_xml(xml, &outcome);
        },
    )
}

impl Simulation {
    fn read(core: &Core, call: &Call, params: &Params) -> Result<Self, AwsError> {
        let (context, provided) = context(params)?;
        let resources = params.strings("ResourceArns");
        let mut simulation = Self {
            actions: actions(params)?,
            resources_named: resources.iter().any(|resource| resource != "*"),
            resources: if resources.is_empty() {
                vec!["*".into()]
            } else {
                resources
            },
            context,
            provided,
            policies: Policies::default(),
            sources: Vec::new(),
            on_resource: on_resource(call, params)?,
        };
        simulation.take_principal(core, call, params)?;
        simulation.take_inputs(params)?;
        Ok(simulation)
    }

    fn take_principal(&mut self, core: &Core, call: &Call, params: &Params) -> Result<(), AwsError> {
        let arn = params.required("PolicySourceArn")?;
        let missing = || no_such_entity(format!("{arn} cannot be found."));
        let (account_id, kind, _, name) = split_arn(arn)
            .ok_or_else(|| invalid_input(format!("{arn} names neither a user, a group nor a role.")))?;
        if account_id != call.caller.account {
            return Err(missing());
        }
        let accounts = core.iam.lock();
        let account = accounts.get(account_id).ok_or_else(missing)?;
        let permissions = match kind {
            "role" => account
                .roles
                .get(name)
                .filter(|role| role.arn == arn)
                .map(|role| role.held.now()),
            "user" => account
                .users
                .get(name)
                .filter(|user| user.arn == arn)
                .map(|user| user.held.now()),
            _ => None,
        };
        let permissions = permissions.ok_or_else(missing)?;
        self.policies = account.policies_of(permissions);
        self.sources = sources(account, permissions, &format!("{kind}_{name}"));
        Ok(())
    }

    /// Policies that come with the call, beside those of the principal; a boundary that comes with it replaces its.
    fn take_inputs(&mut self, params: &Params) -> Result<(), AwsError> {
        let read = |text: &String| Document::identity(text).map_err(invalid_input);
        for (number, text) in params.strings("PolicyInputList").iter().enumerate() {
            let document = read(text)?;
            self.policies.identity.push(document.clone());
            let id = format!("PolicyInputList.{}", number + 1);
            self.sources.push(Source { id, document });
        }
        let boundaries = params.strings("PermissionsBoundaryPolicyInputList");
        if boundaries.len() > 1 {
            return Err(invalid_input(
                "Only one permissions boundary can be simulated at a time.",
            ));
        }
        if let Some(text) = boundaries.first() {
            self.policies.boundary = Some(read(text)?);
        }
        Ok(())
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for action in &self.actions {
            for resource in &self.resources {
                outcomes.push(self.outcome(outcomes.len(), action, resource));
            }
        }
        outcomes
    }

    fn outcome(&self, number: usize, action: &str, resource: &str) -> Outcome {
        let question = Question {
            action,
            resource,
            context: &self.context,
        };
        let decision = self.decide(&question);
        let matched = match decision {
            Decision::Denied(_) => self.matched(&question, false),
            Decision::Allowed => self.matched(&question, true),
            Decision::NotAllowed(_) => Vec::new(),
        };
        let boundary = self.policies.boundary.as_ref();
        Outcome {
            key: format!("{number:06}"),
            action: action.to_owned(),
            resource: resource.to_owned(),
            decision,
            matched,
            allowed_by_boundary: boundary.map(|boundary| {
                let denied = !matching(boundary, &question, false).is_empty();
                !denied && !matching(boundary, &question, true).is_empty()
            }),
        }
    }

    fn decide(&self, question: &Question<'_>) -> Decision {
        let Some(on) = &self.on_resource else {
            return decide(question, &nobody(), &self.policies, None);
        };
        let account = on.caller_arn.split(':').nth(4).unwrap_or_default();
        let caller = PrincipalView {
            account,
            principal_arn: &on.caller_arn,
            // The simulator asks about users only; their ids are not in policies that one writes for it.
            user_id: Some(""),
            ..nobody()
        };
        let policy = ResourcePolicy {
            document: Some(&on.document),
            owner: &on.owner,
        };
        decide(question, &caller, &self.policies, Some(&policy))
    }

    fn matched(&self, question: &Question<'_>, allow: bool) -> Vec<(usize, usize)> {
        let sources = self.sources.iter().enumerate();
        let matched = sources.flat_map(|(number, source)| {
            let statements = matching(&source.document, question, allow);
            statements.into_iter().map(move |statement| (number, statement))
        });
        matched.collect()
    }

    /// Keys that the policies ask for and that the call does not give.
    fn missing(&self) -> BTreeSet<String> {
        let documents = self.sources.iter().map(|source| &source.document);
        let all = documents.chain(&self.policies.boundary);
        let keys = all.flat_map(Document::context_keys);
        keys.filter(|key| !self.provided.contains(&key.to_ascii_lowercase()))
            .collect()
    }

    fn outcome_xml(&self, xml: &mut Xml, outcome: &Outcome) {
        xml.leaf("EvalActionName", &outcome.action)
            .leaf("EvalResourceName", &outcome.resource)
            .leaf("EvalDecision", decision_name(outcome.decision));
        self.matched_xml(xml, outcome);
        // "If you include a list of resources, then any missing context values are instead included under the
        // ResourceSpecificResults section."
        let missing = self.missing();
        let (general, specific) = if self.resources_named {
            (BTreeSet::new(), missing)
        } else {
            (missing, BTreeSet::new())
        };
        missing_xml(xml, &general);
        boundary_xml(xml, outcome);
        xml.members(
            "ResourceSpecificResults",
            self.resources_named.then_some(()),
            |xml, ()| {
                xml.leaf("EvalResourceName", &outcome.resource)
                    .leaf("EvalResourceDecision", decision_name(outcome.decision));
                self.matched_xml(xml, outcome);
                missing_xml(xml, &specific);
                boundary_xml(xml, outcome);
            },
        );
    }

    fn matched_xml(&self, xml: &mut Xml, outcome: &Outcome) {
        xml.members(
            "MatchedStatements",
            &outcome.matched,
            |xml, (source, statement)| {
                let source = &self.sources[*source];
                xml.leaf("SourcePolicyId", &source.id)
                    .leaf("SourcePolicyType", SOURCE_TYPE);
                if let Some((start, end)) = spans::statements(&source.document.text).get(*statement) {
                    for (name, position) in [("StartPosition", start), ("EndPosition", end)] {
                        xml.node(name, |xml| {
                            xml.leaf("Line", position.line).leaf("Column", position.column);
                        });
                    }
                }
            },
        );
    }
}

fn nobody() -> PrincipalView<'static> {
    PrincipalView {
        account: "",
        principal_arn: "",
        role_arn: None,
        role_id: None,
        user_id: None,
    }
}

fn decision_name(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::Denied(_) => "explicitDeny",
        Decision::NotAllowed(_) => "implicitDeny",
    }
}

fn boundary_xml(xml: &mut Xml, outcome: &Outcome) {
    if let Some(allowed) = outcome.allowed_by_boundary {
        xml.node("PermissionsBoundaryDecisionDetail", |xml| {
            xml.leaf("AllowedByPermissionsBoundary", allowed);
        });
    }
}

fn missing_xml(xml: &mut Xml, missing: &BTreeSet<String>) {
    xml.members("MissingContextValues", missing, |xml, key| {
        xml.text(key);
    });
}

/// The principal's policies by the names that answers give them.
fn sources(account: &IamAccount, permissions: &Permissions, stem: &str) -> Vec<Source> {
    let inline = permissions.inline.iter().map(|(name, document)| Source {
        id: format!("{stem}_{name}"),
        document: document.clone(),
    });
    let attached = permissions.attached.iter().filter_map(|arn| {
        let policy = account.managed_policy(arn)?;
        Some(Source {
            id: policy.name.clone(),
            document: policy.document(),
        })
    });
    inline.chain(attached).collect()
}

fn actions(params: &Params) -> Result<Vec<String>, AwsError> {
    let actions = params.strings("ActionNames");
    if actions.is_empty() {
        return Err(params.missing("actionNames"));
    }
    let whole = |action: &String| {
        action
            .split_once(':')
            .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty())
    };
    match actions
        .iter()
        .find(|action| action.contains(['*', '?']) || !whole(action))
    {
        Some(bad) => Err(invalid_input(format!("Invalid action name: {bad}"))),
        None => Ok(actions),
    }
}

/// The context entries, and the keys they give.
fn context(params: &Params) -> Result<(Context, BTreeSet<String>), AwsError> {
    let mut context = Context::default();
    let mut provided = BTreeSet::new();
    for entry in params.list("ContextEntries") {
        let name = entry.required("ContextKeyName")?;
        let kind = entry.get("ContextKeyType").unwrap_or("string");
        if !CONTEXT_TYPES.contains(&kind) {
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                CONTEXT_TYPES.join(", ")
            );
            return Err(violation(
                "contextEntries.1.member.contextKeyType",
                kind,
                &constraint,
            ));
        }
        let values = entry.strings("ContextKeyValues");
        if values.len() > 1 && !kind.ends_with("List") {
            return Err(invalid_input(format!(
                "The context key {name} of type {kind} has one value."
            )));
        }
        provided.insert(name.to_ascii_lowercase());
        context = context.with_all(name, values);
    }
    Ok((context, provided))
}

fn on_resource(call: &Call, params: &Params) -> Result<Option<OnResource>, AwsError> {
    let caller_arn = params.get("CallerArn");
    let is_user = |arn: &str| split_arn(arn).is_some_and(|(_, kind, ..)| kind == "user");
    if caller_arn.is_some_and(|arn| !is_user(arn)) {
        return Err(invalid_input("CallerArn must be the ARN of an IAM user."));
    }
    let Some(text) = params.get("ResourcePolicy") else {
        return Ok(None);
    };
    let source = params.required("PolicySourceArn")?;
    let caller_arn = caller_arn
        .or(Some(source).filter(|arn| is_user(arn)))
        .ok_or_else(|| {
            invalid_input("CallerArn is required with a ResourcePolicy when PolicySourceArn is not a user.")
        })?;
    let owner = params.get("ResourceOwner");
    let owner = owner
        .and_then(|arn| arn.split(':').nth(4))
        .unwrap_or(&call.caller.account);
    Ok(Some(OnResource {
        document: Document::resource(text).map_err(invalid_input)?,
        owner: owner.to_owned(),
        caller_arn: caller_arn.to_owned(),
    }))
}
