//! DescribeDBInstances.

use super::Rds;
use super::instance::Instance;
use super::request::{Request, instance_missing};
use super::state::{Databases, Tags, below};
use super::view;
use crate::error::AwsError;
use crate::protocol::Xml;

const FILTERS: [&str; 4] = ["db-instance-id", "db-cluster-id", "dbi-resource-id", "engine"];

pub(super) fn instances(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let named = request
        .params
        .get("DBInstanceIdentifier")
        .filter(|named| !named.is_empty());
    request.permit_describing("db", named)?;
    let filters = request.filters(&FILTERS)?;
    rds.with(|state| {
        let prefix = request.arn("db", "");
        let mut found: Vec<Instance> = below(&state.instances, &prefix)
            .filter(|instance| sees(request, instance) && accepts(&filters, instance))
            .cloned()
            .collect();
        if let Some(named) = named {
            let arn = request.named("db", named);
            found.retain(|instance| instance.meta.arn == arn);
            if found.is_empty() {
                return Err(instance_missing(named));
            }
        }
        let page = request.page(found, |instance| &instance.meta.arn)?;
        let mut xml = Xml::new();
        xml.node("DBInstances", |xml| {
            for instance in &page.items {
                xml.node("DBInstance", |xml| view::instance(xml, state, instance));
            }
        });
        xml.optional("Marker", page.next);
        Ok(xml)
    })
}

/// Whether the consistency lag lets a describe call see a new instance yet.
fn sees(request: &Request<'_>, instance: &Instance) -> bool {
    let (lag, now) = (&request.core.lag, request.call.now);
    lag.sees(&instance.resource_id, instance.meta.created_at, now)
}

fn accepts(filters: &[(String, Vec<String>)], instance: &Instance) -> bool {
    filters.iter().all(|(name, values)| {
        let any = |own: &str, arn: &str| values.iter().any(|value| value == own || value == arn);
        match name.as_str() {
            "db-instance-id" => any(&instance.meta.id, &instance.meta.arn),
            "dbi-resource-id" => any(&instance.resource_id, &instance.resource_id),
            "engine" => any(&instance.settings.engine, &instance.settings.engine),
            // The one left is db-cluster-id.
            _ => instance
                .cluster
                .as_ref()
                .is_some_and(|cluster| any(super::request::name_of(cluster), cluster)),
        }
    })
}

/// The instance of a name, once the caller may do to it what the call is.
///
/// # Errors
/// A refusal by policy; `DBInstanceNotFound`.
pub(super) fn permitted(rds: &Rds, request: &Request<'_>) -> Result<Instance, AwsError> {
    let named = request.required("DBInstanceIdentifier")?;
    let arn = request.named("db", named);
    let found = rds.with(|state| state.instances.get(&arn).cloned());
    let has = found
        .as_ref()
        .map(|instance| instance.meta.tags.clone())
        .unwrap_or_default();
    request.permit(&arn, &has, &Tags::new())?;
    found
        .filter(|instance| instance.meta.arn.starts_with(&request.arn("db", "")))
        .ok_or_else(|| instance_missing(named))
}

/// Changes an instance and answers with it.
pub(super) fn changed(
    state: &mut Databases,
    arn: &str,
    change: impl FnOnce(&mut Instance),
) -> Result<Xml, AwsError> {
    let instance = state
        .instances
        .get_mut(arn)
        .ok_or_else(|| instance_missing(arn))?;
    change(instance);
    let instance = instance.clone();
    Ok(view::one_instance(state, &instance))
}
