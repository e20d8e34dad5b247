//! What EC2 does for other services of the endpoint: Auto Scaling's launches, the interfaces of load balancers and
//! databases, and views of what is there.
//!
//! Everything takes the account and region it is about ([`Place`]) and acts as that account's service-linked role,
//! which no policy limits. No lock may be held by the caller, of its own state or of EC2's.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use chrono::TimeDelta;

use super::interface::{self, ServiceInterface, public_ip};
use super::peer_view::{GroupView, InstanceView, InterfaceView, SubnetView, TemplateView, view};
use super::request::{Request, require};
use super::service::Ec2;
use super::settle::give_public_ip;
use super::state::{Region, Tags};
use super::{catalog, instance_change, launch};
use crate::auth::Caller;
use crate::control::{CallRecord, Fault, Target};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Params, Protocol, Xml};
use crate::service::Call;

/// An account and a region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
}

/// A launch for a service.
pub(crate) struct LaunchOrder<'a> {
    /// The service's principal, such as `autoscaling.amazonaws.com`.
    pub(crate) service: &'a str,
    pub(crate) template_id: &'a str,
    /// A number, `$Latest` or `$Default`.
    pub(crate) template_version: &'a str,
    /// Where; it takes the place of the template's own subnet.
    pub(crate) subnet_id: &'a str,
    /// Instead of the template's type.
    pub(crate) instance_type: Option<&'a str>,
    pub(crate) count: usize,
    /// For the instances; keys may begin with `aws:`.
    pub(crate) tags: &'a Tags,
}

/// One of Route 53's health checkers: AWS publishes their ranges (`ROUTE53_HEALTHCHECKS` in its `ip-ranges.json`), and
/// a security group has to let them in.
const CHECKER: Ipv4Addr = Ipv4Addr::new(15, 177, 0, 1);

/// What is asked of EC2 in a service's name.
struct Errand<'a> {
    service: &'a str,
    operation: &'a str,
    params: Params,
}

impl Ec2 {
    /// Launches instances from a template version into a subnet. All of them or none.
    ///
    /// # Errors
    /// What RunInstances answers, faults on RunInstances included: `InsufficientInstanceCapacity`,
    /// `VcpuLimitExceeded`, `InsufficientFreeAddressesInSubnet`, `InvalidLaunchTemplateId.NotFound`, ….
    pub(crate) fn launch(
        &self,
        core: &Core,
        place: Place<'_>,
        order: &LaunchOrder<'_>,
    ) -> Result<Vec<String>, AwsError> {
        let params = self.with(core, (place.account, place.region), |region| {
            launch_params(region, order)
        })?;
        let errand = Errand {
            service: order.service,
            operation: "RunInstances",
            params,
        };
        self.run_errand(core, place, errand, |request, region| {
            let before: Vec<String> = region.instances.keys().cloned().collect();
            launch::run(request, region)?;
            let mut made: Vec<String> = region.instances.keys().cloned().collect();
            made.retain(|id| before.binary_search(id).is_err());
            Ok(made)
        })
    }

    /// Ends instances; what is not there any more is no error.
    ///
    /// # Errors
    /// What faults on TerminateInstances answer; termination protection does not hinder a service.
    pub(crate) fn terminate(
        &self,
        core: &Core,
        place: Place<'_>,
        service: &str,
        instance_ids: &[String],
    ) -> Result<(), AwsError> {
        let there = self.with(core, (place.account, place.region), |region| {
            let there = instance_ids
                .iter()
                .filter(|id| region.instances.contains_key(*id));
            there.cloned().collect::<Vec<_>>()
        });
        if there.is_empty() {
            return Ok(());
        }
        let pairs = there
            .into_iter()
            .enumerate()
            .map(|(at, id)| (format!("InstanceId.{}", at + 1), id));
        let errand = Errand {
            service,
            operation: "TerminateInstances",
            params: Params::of(pairs, Protocol::Ec2),
        };
        self.run_errand(core, place, errand, |request, region| {
            instance_change::terminate(request, region).map(|_: Xml| ())
        })
    }

    /// Does something as the account's service-linked role, as a call of its own: faults hit it, the log shows it.
    fn run_errand<R>(
        &self,
        core: &Core,
        place: Place<'_>,
        errand: Errand<'_>,
        work: impl FnOnce(&Request<'_>, &mut Region) -> Result<R, AwsError>,
    ) -> Result<R, AwsError> {
        let call = call_of(core, place, &errand);
        let drawn = core.faults.draw(&Target {
            account: place.account,
            region: place.region,
            service: "ec2",
            operation: errand.operation,
        });
        let outcome = match drawn.as_ref().and_then(|fault| refusal(fault, errand.operation)) {
            Some(refused) => Err(refused),
            None => {
                let request = Request::by_service(core, &call, errand.params);
                let outcome = self.with(core, (place.account, place.region), |region| {
                    work(&request, region)
                });
                self.check_keys(&request);
                outcome
            }
        };
        let code = outcome.as_ref().err().map_or("OK", |error| &error.code);
        let target = (place.region, "ec2", errand.operation);
        core.calls
            .record(CallRecord::new(call.now, Some(&call.caller), target, code));
        core.mark_dirty();
        outcome
    }

    /// An instance, the ended ones that are still described included.
    pub(crate) fn instance(&self, core: &Core, place: Place<'_>, id: &str) -> Option<InstanceView> {
        self.with(core, (place.account, place.region), |region| {
            let instance = region.instances.get(id)?;
            Some(view(core, region, instance))
        })
    }

    /// The instance, if any, that has a private address in a VPC.
    pub(crate) fn instance_at(
        &self,
        core: &Core,
        place: Place<'_>,
        (vpc_id, address): (&str, Ipv4Addr),
    ) -> Option<InstanceView> {
        self.with(core, (place.account, place.region), |region| {
            let mut interfaces = region.interfaces.values();
            let found = interfaces.find(|own| own.vpc_id == vpc_id && own.private_ip == address)?;
            let instance = region.instances.get(found.instance_id.as_ref()?)?;
            Some(view(core, region, instance))
        })
    }

    /// Whether an instance of any account and region answers Route 53's health checkers at a public address and port.
    pub(crate) fn answers_at(&self, core: &Core, (address, port): (Ipv4Addr, u16)) -> bool {
        self.any_region(core, |region| {
            let mut interfaces = region.interfaces.values();
            let found = interfaces.find(|own| public_ip(region, own) == Some(address));
            let admits = |id: &String| {
                let group = region.groups.get(id);
                group.is_some_and(|group| group.rules.iter().any(|rule| rule.admits(CHECKER, port)))
            };
            let open = found.filter(|own| own.groups.iter().any(admits));
            let instance = open.and_then(|own| region.instances.get(own.instance_id.as_ref()?));
            instance.is_some_and(|instance| {
                let view = view(core, region, instance);
                view.state == "running" && view.is_reachable
            })
        })
    }

    /// A subnet.
    pub(crate) fn subnet(&self, core: &Core, place: Place<'_>, id: &str) -> Option<SubnetView> {
        self.with(core, (place.account, place.region), |region| {
            let subnet = region.subnets.get(id)?;
            Some(SubnetView {
                id: id.to_owned(),
                vpc_id: subnet.vpc_id.clone(),
                zone: subnet.zone.clone(),
                zone_id: catalog::zone_id(&subnet.zone),
                cidr: subnet.block.to_string(),
                free_addresses: region.free_addresses(subnet),
                is_public: leads_out(region, id, &subnet.vpc_id),
                tags: subnet.meta.tags.clone(),
            })
        })
    }

    /// A security group.
    pub(crate) fn group(&self, core: &Core, place: Place<'_>, id: &str) -> Option<GroupView> {
        self.with(core, (place.account, place.region), |region| {
            let group = region.groups.get(id)?;
            Some(GroupView {
                id: id.to_owned(),
                name: group.name.clone(),
                vpc_id: group.vpc_id.clone(),
            })
        })
    }

    /// The id of a VPC's default group; `None` when there is no such VPC.
    pub(crate) fn default_group(&self, core: &Core, place: Place<'_>, vpc_id: &str) -> Option<String> {
        self.with(core, (place.account, place.region), |region| {
            let mut groups = region.groups.values();
            let found = groups.find(|group| group.vpc_id == vpc_id && group.is_default())?;
            Some(found.meta.id.clone())
        })
    }

    /// The block of a VPC, such as `10.0.0.0/16`; `None` when there is no such VPC.
    pub(crate) fn vpc_cidr(&self, core: &Core, place: Place<'_>, vpc_id: &str) -> Option<String> {
        self.with(core, (place.account, place.region), |region| {
            region.vpcs.get(vpc_id).map(|vpc| vpc.block.to_string())
        })
    }

    /// Whether a VPC has an internet gateway.
    pub(crate) fn has_internet_gateway(&self, core: &Core, place: Place<'_>, vpc_id: &str) -> bool {
        self.with(core, (place.account, place.region), |region| {
            let mut gateways = region.gateways.values();
            gateways.any(|gateway| gateway.vpc_id.as_deref() == Some(vpc_id))
        })
    }

    /// A version of a template, which is named by its id or its name.
    ///
    /// # Errors
    /// `InvalidLaunchTemplateId.NotFound`, `InvalidLaunchTemplateName.NotFoundException`,
    /// `InvalidLaunchTemplateId.VersionNotFound`.
    pub(crate) fn template(
        &self,
        core: &Core,
        place: Place<'_>,
        (named, version): (&str, Option<&str>),
    ) -> Result<TemplateView, AwsError> {
        self.with(core, (place.account, place.region), |region| {
            let mut templates = region.templates.values();
            let template = match templates.find(|template| template.name == named) {
                Some(template) => template,
                None if named.starts_with("lt-") => require(&region.templates, named)?,
                None => {
                    let why =
                        format!("The specified launch template, with template name {named}, does not exist.");
                    return Err(AwsError::bad("InvalidLaunchTemplateName.NotFoundException", why));
                }
            };
            let version = template.version(version)?;
            let said = |name: &str| version.data.get(name).cloned();
            Ok(TemplateView {
                id: template.meta.id.clone(),
                name: template.name.clone(),
                version: version.number,
                image_id: said("ImageId"),
                instance_type: said("InstanceType"),
                profile: said("IamInstanceProfile.Name").or_else(|| said("IamInstanceProfile.Arn")),
            })
        })
    }

    /// Makes an interface for a service in a subnet. It holds the subnet, and its groups, until it is gone.
    ///
    /// # Errors
    /// `InvalidSubnetID.NotFound`, `InvalidGroup.NotFound`, `InsufficientFreeAddressesInSubnet`.
    pub(crate) fn create_interface(
        &self,
        core: &Core,
        place: Place<'_>,
        wanted: &ServiceInterface<'_>,
        with_public_address: bool,
    ) -> Result<InterfaceView, AwsError> {
        let errand = Errand {
            service: wanted.requester,
            operation: "CreateNetworkInterface",
            params: Params::of([], Protocol::Ec2),
        };
        let call = call_of(core, place, &errand);
        let request = Request::by_service(core, &call, errand.params);
        self.with(core, (place.account, place.region), |region| {
            let meta = request.new_meta(super::kind::Kind::NetworkInterface, Tags::new());
            let attachment_id = core.ids.resource("ela-attach");
            let id = interface::make_for_service(region, wanted, meta, attachment_id, place.account)?;
            give_public_ip(region, core, &id, with_public_address);
            core.mark_dirty();
            let made = require(&region.interfaces, &id)?;
            Ok(InterfaceView {
                subnet_id: made.subnet_id.clone(),
                vpc_id: made.vpc_id.clone(),
                zone: made.zone.clone(),
                private_ip: made.private_ip,
                public_ip: public_ip(region, made),
                id,
            })
        })
    }

    /// Puts other groups on a service's interface.
    pub(crate) fn set_interface_groups(&self, core: &Core, place: Place<'_>, id: &str, group_ids: &[String]) {
        self.with(core, (place.account, place.region), |region| {
            if let Some(own) = region.interfaces.get_mut(id) {
                own.groups = group_ids.to_vec();
            }
        });
    }

    /// Lets go of a service's interface. It stays for `lingers` of AWS's time, scaled by the latency model: the
    /// interfaces of a deleted load balancer outlive it by minutes.
    pub(crate) fn release_interface(&self, core: &Core, place: Place<'_>, id: &str, lingers: TimeDelta) {
        let gone_at = core.clock.now() + core.latency.of(lingers);
        self.with(core, (place.account, place.region), |region| {
            let own = region.interfaces.get_mut(id);
            if let Some(service) = own.and_then(|own| own.service.as_mut()) {
                service.gone_at = Some(gone_at);
            }
        });
        core.mark_dirty();
    }
}

/// The errors a fault gives to a service, which has no connection that could be cut.
fn refusal(fault: &Fault, operation: &str) -> Option<AwsError> {
    if let Fault::Timeout { .. } = fault {
        return Fault::ServerError.error("ec2", operation);
    }
    fault.error("ec2", operation)
}

/// A call by a service-linked role.
fn call_of(core: &Core, place: Place<'_>, errand: &Errand<'_>) -> Call {
    let (name, role) = match errand.service {
        "autoscaling.amazonaws.com" => ("AutoScaling", "AWSServiceRoleForAutoScaling"),
        "amazon-elb" => ("ElasticLoadBalancing", "AWSServiceRoleForElasticLoadBalancing"),
        "amazon-rds" => ("RDS", "AWSServiceRoleForRDS"),
        other => (other, "AWSServiceRole"),
    };
    let account = place.account;
    Call {
        caller: Caller {
            principal_arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
            ..Caller::root(account)
        },
        region: place.region.to_owned(),
        operation: errand.operation.to_owned(),
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        now: core.clock.now(),
        protocol: Protocol::Ec2,
        failing_per_million: 0,
        fault: None,
        path: "/".into(),
        query: String::new(),
        body: Bytes::new(),
    }
}

/// RunInstances' parameters of an order.
fn launch_params(region: &Region, order: &LaunchOrder<'_>) -> Result<Params, AwsError> {
    let template = require(&region.templates, order.template_id)?;
    let data = &template.version(Some(order.template_version))?.data;
    let count = order.count.to_string();
    let on_interface = data.keys().any(|name| name.starts_with("NetworkInterface."));
    let subnet = if on_interface {
        "NetworkInterface.1.SubnetId"
    } else {
        "SubnetId"
    };
    let mut pairs = vec![
        (
            "LaunchTemplate.LaunchTemplateId".to_owned(),
            order.template_id.to_owned(),
        ),
        (
            "LaunchTemplate.Version".to_owned(),
            order.template_version.to_owned(),
        ),
        ("MinCount".to_owned(), count.clone()),
        ("MaxCount".to_owned(), count),
        (subnet.to_owned(), order.subnet_id.to_owned()),
    ];
    if on_interface {
        // A list of the call takes the place of the template's, so its other fields come along.
        let rest = data
            .iter()
            .filter(|(name, _)| name.starts_with("NetworkInterface.") && *name != subnet);
        pairs.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
    }
    pairs.extend(
        order
            .instance_type
            .map(|name| ("InstanceType".to_owned(), name.to_owned())),
    );
    if !order.tags.is_empty() {
        pairs.push((
            "TagSpecification.1.ResourceType".to_owned(),
            "instance".to_owned(),
        ));
    }
    for (at, (key, value)) in order.tags.iter().enumerate() {
        pairs.push((format!("TagSpecification.1.Tag.{}.Key", at + 1), key.clone()));
        pairs.push((format!("TagSpecification.1.Tag.{}.Value", at + 1), value.clone()));
    }
    Ok(Params::of(pairs, Protocol::Ec2))
}

/// Whether the table of a subnet, its own or the VPC's main one, has a route to an internet gateway.
fn leads_out(region: &Region, subnet_id: &str, vpc_id: &str) -> bool {
    let of_subnet = |subnet: Option<&str>| {
        let mut tables = region
            .route_tables
            .values()
            .filter(|table| table.vpc_id == vpc_id);
        tables.find(|table| {
            table
                .associations
                .iter()
                .any(|each| each.subnet_id.as_deref() == subnet)
        })
    };
    let table = of_subnet(Some(subnet_id)).or_else(|| of_subnet(None));
    table.is_some_and(|table| table.routes.iter().any(|route| route.gateway_id.is_some()))
}
