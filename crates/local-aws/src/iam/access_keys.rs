//! Access keys of users: they sign at once, and stop when they are made inactive or deleted.

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::names::{self, no_such_entity, over_quota, time, violation};
use crate::iam::users::{AccessKey, User, named_or_calling};
use crate::protocol::{Params, Xml};
use crate::service::Call;

/// Access keys of one user.
const KEYS_MAX: usize = 2;

/// Asks for `iam:<action>` on the user that the call names or is made by, and works on that user.
fn with_user<T>(
    core: &Core,
    call: &Call,
    (params, action): (&Params, &str),
    work: impl FnOnce(&mut User) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let named = named_or_calling(params, call)?;
    named.authorize(core, call, action)?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let user = account.users.get_mut(named.name);
    work(user.ok_or_else(|| named.missing())?)
}

fn with_key<T>(
    core: &Core,
    call: &Call,
    (params, action): (&Params, &str),
    work: impl FnOnce(&mut User, usize) -> T,
) -> Result<T, AwsError> {
    let id = params.required("AccessKeyId")?;
    if !(16..=128).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let constraint = "Member must have length greater than or equal to 16";
        return Err(violation("accessKeyId", id, constraint));
    }
    with_user(core, call, (params, action), |user| {
        let position = user.keys.iter().position(|key| key.id == id);
        let position = position
            .ok_or_else(|| no_such_entity(format!("The Access Key with id {id} cannot be found.")))?;
        Ok(work(user, position))
    })
}

pub(super) fn create(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    with_user(core, call, (&params, "CreateAccessKey"), |user| {
        if user.keys.len() >= KEYS_MAX {
            return Err(over_quota("AccessKeysPerUser", KEYS_MAX));
        }
        let (id, secret) = core
            .keys
            .issue_to_user(&core.ids, &call.caller.account, user.identity());
        user.keys.push(AccessKey {
            id: id.clone(),
            active: true,
            created_at: call.now,
        });
        let mut xml = Xml::new();
        xml.node("AccessKey", |xml| {
            xml.leaf("UserName", &user.name)
                .leaf("AccessKeyId", id)
                .leaf("Status", "Active")
                .leaf("SecretAccessKey", secret)
                .leaf("CreateDate", time(call.now));
        });
        Ok(xml)
    })
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    with_user(core, call, (&params, "ListAccessKeys"), |user| {
        let name = user.name.clone();
        names::list(
            &params,
            ("AccessKeyMetadata", sorted(&user.keys)),
            |key| &key.id,
            |xml, key| {
                xml.leaf("UserName", &name)
                    .leaf("AccessKeyId", &key.id)
                    .leaf("Status", if key.active { "Active" } else { "Inactive" })
                    .leaf("CreateDate", time(key.created_at));
            },
        )
    })
}

fn sorted(keys: &[AccessKey]) -> Vec<&AccessKey> {
    let mut keys: Vec<&AccessKey> = keys.iter().collect();
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    keys
}

pub(super) fn update(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let active = match params.required("Status")? {
        "Active" => true,
        "Inactive" => false,
        other => {
            let constraint = "Member must satisfy enum value set: [Active, Inactive]";
            return Err(violation("status", other, constraint));
        }
    };
    with_key(core, call, (&params, "UpdateAccessKey"), |user, position| {
        let key = &mut user.keys[position];
        key.active = active;
        core.keys.set_active(&key.id, active);
        Xml::new()
    })
}

pub(super) fn delete(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    with_key(core, call, (&params, "DeleteAccessKey"), |user, position| {
        let key = user.keys.remove(position);
        core.keys.remove(&key.id);
        Xml::new()
    })
}
