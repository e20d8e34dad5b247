//! The resource types: made and removed through IAM, with the caller's own permissions.
//!
//! Source: CloudFormation template reference, "AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy",
//! "AWS::IAM::InstanceProfile".

use chrono::TimeDelta;
use serde_json::Value;

use crate::cloudformation::stack::Made;
use crate::cloudformation::template::invalid;
use crate::core::Core;
use crate::error::AwsError;
use crate::iam::managed::{self, NewPolicy};
use crate::iam::profiles::{self, NewProfile};
use crate::iam::roles::{self, NewRole};
use crate::service::Call;
use crate::tags::Tags;

/// One resource type.
pub(super) struct Type {
    pub(super) name: &'static str,
    pub(super) properties: &'static [&'static str],
    /// Properties of AWS that are not built here.
    pub(super) not_built: &'static [&'static str],
    /// The property that gives the resource a name of one's own, and so asks for the stronger capability.
    pub(super) own_name: Option<&'static str>,
    /// What `Fn::GetAtt` gives.
    pub(super) attributes: &'static [&'static str],
    typical_seconds: i64,
}

pub(super) const ROLE: &str = "AWS::IAM::Role";
const MANAGED_POLICY: &str = "AWS::IAM::ManagedPolicy";
const POLICY: &str = "AWS::IAM::Policy";
const PROFILE: &str = "AWS::IAM::InstanceProfile";

const TYPES: &[Type] = &[
    Type {
        name: ROLE,
        properties: &[
            "RoleName",
            "Path",
            "AssumeRolePolicyDocument",
            "Description",
            "MaxSessionDuration",
            "PermissionsBoundary",
            "Policies",
            "ManagedPolicyArns",
            "Tags",
        ],
        not_built: &[],
        own_name: Some("RoleName"),
        attributes: &["Arn", "RoleId"],
        typical_seconds: 18,
    },
    Type {
        name: MANAGED_POLICY,
        properties: &[
            "ManagedPolicyName",
            "Path",
            "PolicyDocument",
            "Description",
            "Roles",
        ],
        not_built: &["Users", "Groups"],
        own_name: Some("ManagedPolicyName"),
        attributes: &["PolicyArn", "PolicyId", "DefaultVersionId"],
        typical_seconds: 17,
    },
    Type {
        name: POLICY,
        properties: &["PolicyName", "PolicyDocument", "Roles"],
        not_built: &["Users", "Groups"],
        own_name: None,
        attributes: &[],
        typical_seconds: 17,
    },
    Type {
        name: PROFILE,
        properties: &["InstanceProfileName", "Path", "Roles"],
        not_built: &[],
        own_name: Some("InstanceProfileName"),
        attributes: &["Arn"],
        typical_seconds: 120,
    },
];

/// A resource type by its name.
pub(super) fn find(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|one| one.name == name)
}

/// How long the making of a resource takes on AWS.
pub(super) fn typical(kind: &str) -> TimeDelta {
    TimeDelta::seconds(find(kind).map_or(0, |one| one.typical_seconds))
}

/// One resource about to be made, with its properties resolved.
pub(super) struct Maker<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
    pub(super) stack_name: &'a str,
    pub(super) stack_tags: &'a Tags,
    pub(super) properties: &'a Value,
}

type Attributes = Vec<(&'static str, String)>;

impl Maker<'_> {
    /// Makes it, notes in `made` what must be taken back, and returns its attributes.
    pub(super) fn make(&self, made: &mut Made) -> Result<Attributes, AwsError> {
        self.refuse_unknown(&made.kind)?;
        match made.kind.as_str() {
            ROLE => self.role(made),
            MANAGED_POLICY => self.managed_policy(made),
            POLICY => self.policy(made),
            _ => self.profile(made),
        }
    }

    fn refuse_unknown(&self, kind: &str) -> Result<(), AwsError> {
        let known = find(kind).map_or(&[][..], |one| one.properties);
        let fields = self.properties.as_object();
        let unknown = fields.and_then(|fields| fields.keys().find(|key| !known.contains(&key.as_str())));
        unknown.map_or(Ok(()), |key| {
            Err(invalid(format!("Encountered unsupported property {key}")))
        })
    }

    fn role(&self, made: &mut Made) -> Result<Attributes, AwsError> {
        let role = roles::create(
            self.core,
            self.call,
            NewRole {
                name: self.text("RoleName").unwrap_or_else(|| self.generated(made, 64)),
                path: self.path(),
                trust: self.document("AssumeRolePolicyDocument")?,
                description: self.text("Description"),
                max_session_seconds: self.session_seconds()?,
                boundary: self.text("PermissionsBoundary"),
                tags: self.tags(),
            },
        )?;
        made.physical_id.clone_from(&role.name);
        self.undone_on_error(made, |made| self.fill_role(made))?;
        Ok(vec![("Arn", role.arn), ("RoleId", role.id)])
    }

    fn fill_role(&self, made: &mut Made) -> Result<(), AwsError> {
        for policy in list(self.properties, "Policies") {
            let name = text(policy, "PolicyName").ok_or_else(|| required("PolicyName"))?;
            let document = policy
                .get("PolicyDocument")
                .ok_or_else(|| required("PolicyDocument"))?;
            let policy = (name.as_str(), document.to_string());
            roles::put_policy(self.core, self.call, &made.physical_id, (policy.0, &policy.1))?;
            made.inline.push(name);
        }
        for arn in strings(self.properties, "ManagedPolicyArns") {
            roles::attach(self.core, self.call, &made.physical_id, arn)?;
            made.attached.push(arn.to_owned());
        }
        Ok(())
    }

    fn managed_policy(&self, made: &mut Made) -> Result<Attributes, AwsError> {
        let policy = managed::create(
            self.core,
            self.call,
            NewPolicy {
                name: self
                    .text("ManagedPolicyName")
                    .unwrap_or_else(|| self.generated(made, 128)),
                path: self.path(),
                text: self.document("PolicyDocument")?,
                description: self.text("Description"),
                tags: Tags::new(),
            },
        )?;
        made.physical_id.clone_from(&policy.arn);
        self.undone_on_error(made, |made| {
            for role in strings(self.properties, "Roles") {
                roles::attach(self.core, self.call, role, &policy.arn)?;
                made.roles.push(role.to_owned());
            }
            Ok(())
        })?;
        Ok(vec![
            ("PolicyArn", policy.arn),
            ("PolicyId", policy.id),
            ("DefaultVersionId", format!("v{}", policy.default)),
        ])
    }

    fn policy(&self, made: &mut Made) -> Result<Attributes, AwsError> {
        let name = self.text("PolicyName").ok_or_else(|| required("PolicyName"))?;
        let document = self.document("PolicyDocument")?;
        if list(self.properties, "Roles").is_empty() {
            return Err(invalid("At least one of [Groups,Roles,Users] must be non-empty."));
        }
        made.physical_id = self.generated(made, 128);
        made.inline.push(name.clone());
        self.undone_on_error(made, |made| {
            for role in strings(self.properties, "Roles") {
                roles::put_policy(self.core, self.call, role, (&name, &document))?;
                made.roles.push(role.to_owned());
            }
            Ok(())
        })?;
        Ok(Vec::new())
    }

    fn profile(&self, made: &mut Made) -> Result<Attributes, AwsError> {
        let profile = profiles::create(
            self.core,
            self.call,
            NewProfile {
                name: self
                    .text("InstanceProfileName")
                    .unwrap_or_else(|| self.generated(made, 128)),
                path: self.path(),
                tags: Tags::new(),
            },
        )?;
        made.physical_id.clone_from(&profile.name);
        self.undone_on_error(made, |made| {
            for role in strings(self.properties, "Roles") {
                profiles::add_role(self.core, self.call, &profile.name, role)?;
                made.roles.push(role.to_owned());
            }
            Ok(())
        })?;
        Ok(vec![("Arn", profile.arn)])
    }

    /// Fills a new resource; when that fails, takes it back, because the stack does not hold it yet.
    fn undone_on_error(
        &self,
        made: &mut Made,
        fill: impl FnOnce(&mut Made) -> Result<(), AwsError>,
    ) -> Result<(), AwsError> {
        fill(made).inspect_err(|_| {
            // The failure itself is what the caller must hear.
            let _ = remove(self.core, self.call, made);
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        text(self.properties, name)
    }

    fn path(&self) -> String {
        self.text("Path").unwrap_or_else(|| "/".into())
    }

    fn document(&self, name: &str) -> Result<String, AwsError> {
        let document = self.properties.get(name);
        document.map(Value::to_string).ok_or_else(|| required(name))
    }

    fn session_seconds(&self) -> Result<i64, AwsError> {
        self.text("MaxSessionDuration").map_or(Ok(3_600), |text| {
            text.parse()
                .map_err(|_| invalid("MaxSessionDuration must be a number"))
        })
    }

    fn generated(&self, made: &Made, length_max: usize) -> String {
        let suffix = &self.core.ids.unique("")[..12];
        let stem = format!("{}-{}", self.stack_name, made.logical_id);
        let stem: String = stem.chars().take(length_max - suffix.len() - 1).collect();
        format!("{stem}-{suffix}")
    }

    /// The resource's own tags over those of the stack.
    fn tags(&self) -> Tags {
        let own = list(self.properties, "Tags").iter();
        let own = own.filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value").unwrap_or_default())));
        self.stack_tags.clone().into_iter().chain(own).collect()
    }
}

fn required(name: &str) -> AwsError {
    invalid(format!(
        "Properties validation failed: required key [{name}] not found"
    ))
}

/// A field as text.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn list<'v>(properties: &'v Value, name: &str) -> &'v [Value] {
    let list = properties.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn strings<'v>(properties: &'v Value, name: &str) -> impl Iterator<Item = &'v str> {
    list(properties, name).iter().filter_map(Value::as_str)
}

/// Removes a resource with all that the stack put into it, and nothing that others did: that is a conflict.
pub(super) fn remove(core: &Core, call: &Call, made: &Made) -> Result<(), AwsError> {
    let id = &made.physical_id;
    match made.kind.as_str() {
        ROLE => {
            for name in &made.inline {
                gone(roles::delete_policy(core, call, id, name))?;
            }
            for arn in &made.attached {
                gone(roles::detach(core, call, id, arn))?;
            }
            gone(roles::delete(core, call, id))
        }
        MANAGED_POLICY => {
            for role in &made.roles {
                gone(roles::detach(core, call, role, id))?;
            }
            gone(managed::delete(core, call, id))
        }
        POLICY => {
            for (role, name) in made.roles.iter().zip(made.inline.iter().cycle()) {
                gone(roles::delete_policy(core, call, role, name))?;
            }
            Ok(())
        }
        _ => {
            for role in &made.roles {
                gone(profiles::remove_role(core, call, id, role))?;
            }
            gone(profiles::delete(core, call, id))
        }
    }
}

/// Gone already, by other hands: what is wanted is so.
fn gone(removed: Result<(), AwsError>) -> Result<(), AwsError> {
    match removed {
        Err(error) if error.code == "NoSuchEntity" => Ok(()),
        outcome => outcome,
    }
}
