//! One EC2 call: its parameters, permission questions, dry run and new resources.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::kind::Kind;
use super::limits::Limits;
use super::state::{Meta, Resource, Tags};
use super::tags;
use crate::core::{Authority, Core};
use crate::error::AwsError;
use crate::iam::policy::{Context, Question};
use crate::protocol::Params;
use crate::service::Call;

/// A call with what is needed to carry it out.
pub(super) struct Request<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
    pub(super) params: Params,
    pub(super) limits: Limits,
    /// A service of AWS calls on the account's behalf, and may set tags that begin with `aws:`.
    by_service: bool,
    authority: Authority<'a>,
    unchecked_keys: RefCell<Vec<UncheckedKey>>,
}

/// A new resource and the key that is to encrypt it: whether that can be used shows later.
pub(super) struct UncheckedKey {
    pub(super) resource_id: String,
    pub(super) key_id: String,
}

impl<'a> Request<'a> {
    pub(super) fn new(core: &'a Core, call: &'a Call) -> Result<Self, AwsError> {
        Ok(Self {
            core,
            call,
            params: call.params()?,
            limits: Limits::of(core, &call.caller.account, &call.region),
            by_service: false,
            authority: core.authority(&call.caller),
            unchecked_keys: RefCell::default(),
        })
    }

    /// The request of a service of AWS, made of parameters instead of a form body.
    pub(super) fn by_service(core: &'a Core, call: &'a Call, params: Params) -> Self {
        Self {
            core,
            call,
            params,
            limits: Limits::of(core, &call.caller.account, &call.region),
            by_service: true,
            authority: core.authority(&call.caller),
            unchecked_keys: RefCell::default(),
        }
    }

    /// Whether a service of AWS asks, not a caller.
    pub(super) fn is_by_service(&self) -> bool {
        self.by_service
    }

    /// Asks for a key to be looked at after the call: EC2 takes any name of a key, and what it should encrypt fails
    /// afterwards (EC2 API reference, "CreateVolume", `KmsKeyId`).
    pub(super) fn check_key_later(&self, resource_id: &str, key_id: &str) {
        self.unchecked_keys.borrow_mut().push(UncheckedKey {
            resource_id: resource_id.to_owned(),
            key_id: key_id.to_owned(),
        });
    }

    pub(super) fn take_unchecked_keys(&self) -> Vec<UncheckedKey> {
        self.unchecked_keys.take()
    }

    /// The ARN of a resource of the calling account; `*` as id for one that is still to be made.
    pub(super) fn arn(&self, kind: Kind, id: &str) -> String {
        // Images and snapshots can belong to anybody, so their ARNs name no account.
        let account = match kind {
            Kind::Image | Kind::Snapshot => "",
            _ => &self.call.caller.account,
        };
        format!("arn:aws:ec2:{}:{account}:{}/{id}", self.call.region, kind.name())
    }

    /// Asks for the call's own action on an ARN, or on `*`.
    pub(super) fn authorize(&self, resource: &str, context: &Context) -> Result<(), AwsError> {
        self.ask(&format!("ec2:{}", self.call.operation), resource, context)
    }

    /// Asks for another action than the call's own.
    pub(super) fn ask(&self, action: &str, resource: &str, context: &Context) -> Result<(), AwsError> {
        let context = context.clone().with("ec2:Region", &self.call.region);
        self.authority
            .ask(
                &Question {
                    action,
                    resource,
                    context: &context,
                },
                None,
            )
            .map_err(|denied| {
                let why = format!(
                    "You are not authorized to perform this operation. {}",
                    denied.message()
                );
                AwsError::forbidden("UnauthorizedOperation", why)
            })
    }

    /// Permission for something without an ARN: describing, mostly.
    pub(super) fn authorize_all(&self) -> Result<(), AwsError> {
        self.authorize("*", &self.call.context())
    }

    /// Permission to make a resource, and to tag it when tags come with the call
    /// (EC2 user guide, "Grant permission to tag Amazon EC2 resources during creation").
    pub(super) fn authorize_creation(&self, kind: Kind, tags: &Tags) -> Result<(), AwsError> {
        let arn = self.arn(kind, "*");
        let context = self.call.context().request_tags(tags);
        self.authorize(&arn, &context)?;
        if tags.is_empty() {
            return Ok(());
        }
        self.ask(
            "ec2:CreateTags",
            &arn,
            &context.with("ec2:CreateAction", &self.call.operation),
        )
    }

    /// Permission on a resource that should exist, with its tags.
    pub(super) fn authorize_existing<T: Resource>(
        &self,
        map: &BTreeMap<String, T>,
        id: &str,
    ) -> Result<(), AwsError> {
        let context = match map.get(id) {
            Some(resource) => self.call.context().resource_tags(&resource.meta().tags),
            None => self.call.context().resource_missing(),
        };
        self.authorize(&self.arn(T::KIND, id), &context)
    }

    /// Ends a dry run, which comes after every permission and before every effect.
    pub(super) fn end_dry_run(&self) -> Result<(), AwsError> {
        if self.params.flag("DryRun")? == Some(true) {
            let why = "Request would have succeeded, but DryRun flag is set.";
            return Err(AwsError::new(
                http::StatusCode::PRECONDITION_FAILED,
                "DryRunOperation",
                why,
            ));
        }
        Ok(())
    }

    /// Permission on one existing resource, the resource's existence, and the end of a dry run: the opening of
    /// most operations.
    pub(super) fn open<T: Resource>(&self, map: &BTreeMap<String, T>, id: &str) -> Result<(), AwsError> {
        self.authorize_existing(map, id)?;
        require(map, id)?;
        self.end_dry_run()
    }

    /// The description of a new resource.
    pub(super) fn new_meta(&self, kind: Kind, tags: Tags) -> Meta {
        Meta {
            id: self.core.ids.resource(kind.prefix()),
            created_at: self.call.now,
            created_by: self.call.caller.principal_arn.clone(),
            tags,
        }
    }

    /// The tags the call gives to new resources of a kind.
    pub(super) fn tags_for(&self, kind: Kind) -> Result<Tags, AwsError> {
        self.tags_in(&self.params, kind)
    }

    /// The same for parameters that are not the call's own alone.
    pub(super) fn tags_in(&self, params: &Params, kind: Kind) -> Result<Tags, AwsError> {
        tags::of_specification(params, kind, self.by_service)
    }

    /// Whether describing calls see the resource yet.
    pub(super) fn sees(&self, meta: &Meta) -> bool {
        self.core.lag.sees(&meta.id, meta.created_at, self.call.now)
    }
}

/// The resource, or its kind's "not found".
pub(super) fn require<'m, T: Resource>(map: &'m BTreeMap<String, T>, id: &str) -> Result<&'m T, AwsError> {
    map.get(id).ok_or_else(|| T::KIND.not_found(id))
}

/// The resource to change, or its kind's "not found".
pub(super) fn require_mut<'m, T: Resource>(
    map: &'m mut BTreeMap<String, T>,
    id: &str,
) -> Result<&'m mut T, AwsError> {
    map.get_mut(id).ok_or_else(|| T::KIND.not_found(id))
}

/// `InvalidParameterValue`.
pub(super) fn invalid_value(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidParameterValue", why)
}

/// `DependencyViolation`.
pub(super) fn dependency(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("DependencyViolation", why)
}

/// The answer of operations that only say that they worked.
pub(super) fn done() -> crate::protocol::Xml {
    let mut xml = crate::protocol::Xml::new();
    xml.leaf("return", true);
    xml
}
