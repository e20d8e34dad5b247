//! Users, as far as access keys need them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::UserIdentity;
use crate::core::Core;
use crate::error::AwsError;
use crate::iam::attached::no_boundary;
use crate::iam::entity::{Kind, Named};
use crate::iam::held::{Held, Permissions};
use crate::iam::names::{self, check_name, delete_conflict, exists_already, tags_xml, time};
use crate::iam::operations::boundary_xml;
use crate::iam::roles::refuse_holding;
use crate::iam::trust;
use crate::protocol::{Params, Xml};
use crate::service::Call;
use crate::tags::Tags;

const USER_NAME_MAX: usize = 64;

/// A user.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) created_by: String,
    pub(crate) tags: Tags,
    #[serde(flatten)]
    pub(crate) held: Held,
    /// In the order they were made; the secrets are the key ring's.
    pub(crate) keys: Vec<AccessKey>,
}

/// What IAM tells of an access key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) active: bool,
    pub(crate) created_at: DateTime<Utc>,
}

impl User {
    /// Who a call with one of the user's keys is.
    pub(crate) fn identity(&self) -> UserIdentity {
        UserIdentity {
            arn: self.arn.clone(),
            id: self.id.clone(),
            name: self.name.clone(),
        }
    }
}

pub(super) fn create(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (name, path) = (params.required("UserName")?, names::path(&params)?);
    check_name("userName", name, USER_NAME_MAX)?;
    let tags = names::tags(&params)?;
    let boundary = params.get("PermissionsBoundary").map(str::to_owned);
    let account_id = &call.caller.account;
    let arn = format!("arn:aws:iam::{account_id}:user{path}{name}");
    authorize_creation(core, call, &arn, (&tags, boundary.as_deref()))?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(account_id.clone()).or_default();
    if account.users.keys().any(|other| other.eq_ignore_ascii_case(name)) {
        return Err(exists_already(format!("User with name {name} already exists.")));
    }
    if let Some(boundary) = boundary.as_ref().filter(|arn| account.managed(arn).is_none()) {
        return Err(no_boundary(boundary));
    }
    let user = User {
        name: name.to_owned(),
        path,
        arn,
        id: core.ids.unique("AIDA"),
        created_at: call.now,
        created_by: call.caller.principal_arn.clone(),
        tags,
        held: Held::new(Permissions {
            boundary,
            ..Permissions::default()
        }),
        keys: Vec::new(),
    };
    let xml = user_xml(&user);
    account.users.insert(name.to_owned(), user);
    Ok(xml)
}

fn authorize_creation(
    core: &Core,
    call: &Call,
    arn: &str,
    (tags, boundary): (&Tags, Option<&str>),
) -> Result<(), AwsError> {
    let mut context = call.context().request_tags(tags);
    if let Some(boundary) = boundary {
        context.set("iam:PermissionsBoundary", vec![boundary.to_owned()]);
    }
    core.authorize(&call.caller, "iam:CreateUser", arn, &context)?;
    if !tags.is_empty() {
        core.authorize(&call.caller, "iam:TagUser", arn, &context)?;
    }
    Ok(())
}

/// The user that a call names, or the one that makes it.
pub(super) fn named_or_calling<'a>(params: &'a Params, call: &'a Call) -> Result<Named<'a>, AwsError> {
    let calling = call.caller.user.as_ref().map(|user| user.name.as_str());
    let name = params.get("UserName").or(calling).ok_or_else(|| {
        AwsError::bad(
            "ValidationError",
            "Must specify userName when calling with non-User credentials",
        )
    })?;
    Ok(Named {
        kind: Kind::User,
        name,
    })
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    if call.caller.is_root() && params.get("UserName").is_none() {
        return Ok(root_xml(call));
    }
    let user = named_or_calling(&params, call)?;
    user.authorize(core, call, "GetUser")?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let found = account.users.get(user.name).ok_or_else(|| user.missing())?;
    Ok(user_xml(found))
}

pub(super) fn delete(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let user = Kind::User.of(&params)?;
    user.authorize(core, call, "DeleteUser")?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let found = account.users.get(user.name).ok_or_else(|| user.missing())?;
    if !found.keys.is_empty() {
        let why = "Cannot delete entity, must delete access keys first.";
        return Err(delete_conflict(why));
    }
    refuse_holding(found.held.now())?;
    let (arn, id) = (found.arn.clone(), found.id.clone());
    account.users.remove(user.name);
    trust::pin_deleted(&mut accounts, &arn, &id);
    Ok(Xml::new())
}

/// "If you do not specify a user name, IAM determines the user name implicitly": for root that is the account.
fn root_xml(call: &Call) -> Xml {
    let mut xml = Xml::new();
    xml.node("User", |xml| {
        xml.leaf("Path", "/")
            .leaf("UserName", "root")
            .leaf("UserId", &call.caller.account)
            .leaf("Arn", &call.caller.principal_arn)
            .leaf("CreateDate", time(DateTime::UNIX_EPOCH));
    });
    xml
}

fn user_xml(user: &User) -> Xml {
    let mut xml = Xml::new();
    xml.node("User", |xml| {
        xml.leaf("Path", &user.path)
            .leaf("UserName", &user.name)
            .leaf("UserId", &user.id)
            .leaf("Arn", &user.arn)
            .leaf("CreateDate", time(user.created_at));
        boundary_xml(xml, user.held.now().boundary.as_deref());
        tags_xml(xml, &user.tags);
    });
    xml
}
