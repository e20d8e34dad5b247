//! Status checks: a started instance initializes, then passes; one in a lost zone is impaired.
//!
//! Sources: EC2 API reference, "DescribeInstanceStatus"; EC2 user guide, "Status checks".

use std::collections::BTreeMap;

use super::describe::{Filtered, select};
use super::instance::{Check, Instance, State};
use super::instance_xml::write_state;
use super::kind::Kind;
use super::request::Request;
use super::state::{Meta, Region, resource};
use crate::error::AwsError;
use crate::protocol::Xml;

/// An instance with what its checks say now.
struct Status {
    meta: Meta,
    zone: String,
    state: State,
    check: Check,
}
resource!(Status, Kind::Instance);

impl Filtered for Status {
    const FILTERS: &[&str] = &[
        "availability-zone",
        "instance-state-code",
        "instance-state-name",
        "instance-status.reachability",
        "instance-status.status",
        "system-status.reachability",
        "system-status.status",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        let reachability = || self.check.reachability().map(str::to_owned).into_iter().collect();
        Some(match name {
            "availability-zone" => vec![self.zone.clone()],
            "instance-state-name" => vec![self.state.name().into()],
            "instance-state-code" => vec![self.state.code().to_string()],
            "instance-status.status" | "system-status.status" => vec![self.check.name().into()],
            "instance-status.reachability" | "system-status.reachability" => reachability(),
            _ => return None,
        })
    }
}

/// Running instances only, unless all are asked for.
pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let all = request.params.flag("IncludeAllInstances")?.unwrap_or(false);
    let status = |instance: &Instance| Status {
        meta: instance.meta.clone(),
        zone: instance.zone.clone(),
        state: instance.state,
        check: instance.check(request.core),
    };
    let statuses: BTreeMap<String, Status> = region
        .instances
        .values()
        .map(|instance| (instance.meta.id.clone(), status(instance)))
        .collect();
    let page = select(request, &statuses, "InstanceId")?;
    let shown = page
        .items
        .into_iter()
        .filter(|status| all || status.state == State::Running);
    let mut xml = Xml::new();
    xml.items("instanceStatusSet", shown, write);
    xml.optional("nextToken", page.next_token);
    Ok(xml)
}

fn write(xml: &mut Xml, status: &Status) {
    xml.leaf("instanceId", &status.meta.id)
        .leaf("availabilityZone", &status.zone);
    write_state(xml, "instanceState", status.state);
    for name in ["systemStatus", "instanceStatus"] {
        xml.node(name, |xml| {
            xml.leaf("status", status.check.name());
            if let Some(reachability) = status.check.reachability() {
                xml.items("details", [reachability], |xml, reachability| {
                    xml.leaf("name", "reachability").leaf("status", reachability);
                });
            }
        });
    }
}
