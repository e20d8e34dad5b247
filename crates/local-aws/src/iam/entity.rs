//! What roles and users have in common: they are asked for, tagged, and hold policies.

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::held::{Held, Permissions};
use crate::iam::names::no_such_entity;
use crate::iam::policy::Context;
use crate::iam::state::IamAccount;
use crate::protocol::Params;
use crate::service::Call;
use crate::tags::Tags;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A role.
    Role,
    /// A user.
    User,
}

/// A role or a user of the calling account, by name.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
}

/// The common part, to be changed.
pub(super) struct Entity<'a> {
    pub(super) held: &'a mut Held,
    pub(super) tags: &'a mut Tags,
}

impl Kind {
    /// The name parameter of an operation.
    pub(super) fn of<'p>(self, params: &'p Params) -> Result<Named<'p>, AwsError> {
        let name = match self {
            Self::Role => params.required("RoleName")?,
            Self::User => params.required("UserName")?,
        };
        Ok(Named { kind: self, name })
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

impl Named<'_> {
    pub(super) fn missing(self) -> AwsError {
        let (word, name) = (self.kind.word(), self.name);
        no_such_entity(format!("The {word} with name {name} cannot be found."))
    }

    fn find(self, account: &IamAccount) -> Option<(&str, &Tags, &Held)> {
        match self.kind {
            Kind::Role => account
                .roles
                .get(self.name)
                .map(|role| (role.arn.as_str(), &role.tags, &role.held)),
            Kind::User => account
                .users
                .get(self.name)
                .map(|user| (user.arn.as_str(), &user.tags, &user.held)),
        }
    }

    /// Its ARN, and the facts that policies on IAM's own operations ask for.
    pub(super) fn facts(self, core: &Core, call: &Call) -> (String, Context) {
        let accounts = core.iam.lock();
        let account_id = &call.caller.account;
        let found = accounts.get(account_id).and_then(|account| self.find(account));
        let Some((arn, tags, held)) = found else {
            let arn = format!("arn:aws:iam::{account_id}:{}/{}", self.kind.word(), self.name);
            return (arn, call.context());
        };
        let mut context = call.context().resource_tags(tags);
        for (key, value) in tags {
            context.set(&format!("iam:ResourceTag/{key}"), vec![value.clone()]);
        }
        if let Some(boundary) = &held.now().boundary {
            context.set("iam:PermissionsBoundary", vec![boundary.clone()]);
        }
        (arn.to_owned(), context)
    }

    /// Asks for `iam:<action>` on it.
    pub(super) fn authorize(self, core: &Core, call: &Call, action: &str) -> Result<(), AwsError> {
        self.authorize_with(core, call, action, |context| context)
    }

    /// The same with facts of the request beside those of the entity.
    pub(super) fn authorize_with(
        self,
        core: &Core,
        call: &Call,
        action: &str,
        add: impl FnOnce(Context) -> Context,
    ) -> Result<(), AwsError> {
        let (arn, context) = self.facts(core, call);
        Ok(core.authorize(&call.caller, &format!("iam:{action}"), &arn, &add(context))?)
    }

    /// Works on it, with its account's managed policies at hand.
    pub(super) fn with<T>(
        self,
        core: &Core,
        call: &Call,
        work: impl FnOnce(Entity<'_>) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        let mut accounts = core.iam.lock();
        let account = accounts.entry(call.caller.account.clone()).or_default();
        let entity = match self.kind {
            Kind::Role => account.roles.get_mut(self.name).map(|role| Entity {
                held: &mut role.held,
                tags: &mut role.tags,
            }),
            Kind::User => account.users.get_mut(self.name).map(|user| Entity {
                held: &mut user.held,
                tags: &mut user.tags,
            }),
        };
        work(entity.ok_or_else(|| self.missing())?)
    }

    /// Reads its policies.
    pub(super) fn read<T>(
        self,
        core: &Core,
        call: &Call,
        read: impl FnOnce(&Permissions) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        self.with(core, call, |entity| read(entity.held.now()))
    }

    /// Changes its policies; a service's own role is changed by nobody else.
    pub(super) fn change<T>(
        self,
        core: &Core,
        call: &Call,
        change: impl FnOnce(&mut Permissions) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        self.refuse_protected(core, call)?;
        self.with(core, call, |entity| {
            entity.held.change(call.now, &core.lag, change)
        })
    }

    /// "UnmodifiableEntity": a service-linked role.
    pub(super) fn refuse_protected(self, core: &Core, call: &Call) -> Result<(), AwsError> {
        let accounts = core.iam.lock();
        let account = accounts.get(&call.caller.account);
        let role = account
            .filter(|_| self.kind == Kind::Role)
            .and_then(|account| account.roles.get(self.name));
        if !role.is_some_and(super::state::Role::is_service_linked) {
            return Ok(());
        }
        let why = format!(
            "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
            self.name
        );
        Err(AwsError::bad("UnmodifiableEntity", why))
    }
}
