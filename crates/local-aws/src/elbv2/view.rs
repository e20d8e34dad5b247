//! What answers show.

use super::request::Request;
use super::state::{Action, Balancer, Balancing, Listener, Rule, TargetGroup};
use crate::protocol::Xml;

/// The hosted zone of every load balancer's name, which an alias record gives. AWS has one for each region and kind;
/// here it is one of them, made from the region so that it is stable.
pub(super) fn hosted_zone(region: &str) -> String {
    format!("Z{:013X}", crate::ids::stable_hash(0, region) % (1 << 52))
}

pub(super) fn balancers<'b>(all: impl IntoIterator<Item = &'b Balancer>, request: &Request<'_>) -> Xml {
    let mut xml = Xml::new();
    xml.members("LoadBalancers", all, |xml, balancer| {
        let state = if balancer.active_at <= request.call.now {
            "active"
        } else {
            "provisioning"
        };
        xml.leaf("LoadBalancerArn", &balancer.arn)
            .leaf("DNSName", &balancer.dns_name)
            .leaf("CanonicalHostedZoneId", hosted_zone(&request.call.region))
            .leaf(
                "CreatedTime",
                balancer.created_at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
            )
            .leaf("LoadBalancerName", &balancer.name)
            .leaf("Scheme", &balancer.scheme)
            .leaf("VpcId", &balancer.vpc_id)
            .leaf("Type", &balancer.kind)
            .leaf("IpAddressType", "ipv4");
        xml.node("State", |xml| {
            xml.leaf("Code", state);
        });
        xml.members("AvailabilityZones", &balancer.subnets, |xml, foot| {
            xml.leaf("ZoneName", &foot.zone).leaf("SubnetId", &foot.subnet_id);
        });
        xml.members("SecurityGroups", &balancer.group_ids, |xml, id| {
            xml.text(id);
        });
    });
    xml
}

pub(super) fn groups<'g>(state: &Balancing, all: impl IntoIterator<Item = &'g TargetGroup>) -> Xml {
    let mut xml = Xml::new();
    xml.members("TargetGroups", all, |xml, group| {
        let check = &group.check;
        xml.leaf("TargetGroupArn", &group.arn)
            .leaf("TargetGroupName", &group.name)
            .leaf("Protocol", &group.protocol)
            .leaf("Port", group.port)
            .leaf("VpcId", &group.vpc_id)
            .leaf("TargetType", &group.target_type)
            .leaf("IpAddressType", "ipv4")
            .leaf("HealthCheckEnabled", check.enabled)
            .leaf("HealthCheckProtocol", &check.protocol)
            .leaf("HealthCheckPort", &check.port)
            .optional("HealthCheckPath", check.path.as_ref())
            .leaf("HealthCheckIntervalSeconds", check.interval)
            .leaf("HealthCheckTimeoutSeconds", check.timeout)
            .leaf("HealthyThresholdCount", check.healthy)
            .leaf("UnhealthyThresholdCount", check.unhealthy);
        if let Some(codes) = &check.matcher {
            xml.node("Matcher", |xml| {
                xml.leaf("HttpCode", codes);
            });
        }
        xml.members("LoadBalancerArns", state.balancers_of(&group.arn), |xml, arn| {
            xml.text(arn);
        });
    });
    xml
}

pub(super) fn listeners<'l>(all: impl IntoIterator<Item = &'l Listener>) -> Xml {
    let mut xml = Xml::new();
    xml.members("Listeners", all, |xml, listener| {
        xml.leaf("ListenerArn", &listener.arn)
            .leaf("LoadBalancerArn", &listener.balancer_arn)
            .leaf("Port", listener.port)
            .leaf("Protocol", &listener.protocol)
            .optional("SslPolicy", listener.ssl_policy.as_ref());
        xml.members("Certificates", &listener.certificate_arn, |xml, arn| {
            xml.leaf("CertificateArn", arn);
        });
        xml.members("DefaultActions", &listener.actions, action);
    });
    xml
}

/// Rules, and behind them the default one of their listener.
pub(super) fn rules<'r>(all: impl IntoIterator<Item = &'r Rule>, of: Option<&Listener>) -> Xml {
    let mut xml = Xml::new();
    xml.node("Rules", |xml| {
        for rule in all {
            xml.node("member", |xml| {
                xml.leaf("RuleArn", &rule.arn)
                    .leaf("Priority", rule.priority)
                    .leaf("IsDefault", false);
                xml.members("Conditions", &rule.conditions, |xml, condition| {
                    xml.leaf("Field", &condition.field);
                    xml.members("Values", &condition.values, |xml, value| {
                        xml.text(value);
                    });
                });
                xml.members("Actions", &rule.actions, action);
            });
        }
        if let Some(listener) = of {
            xml.node("member", |xml| {
                let arn = listener.arn.replacen(":listener/", ":listener-rule/", 1);
                xml.leaf("RuleArn", format!("{arn}/default"))
                    .leaf("Priority", "default")
                    .leaf("IsDefault", true);
                xml.members("Actions", &listener.actions, action);
            });
        }
    });
    xml
}

fn action(xml: &mut Xml, action: &Action) {
    match action {
        Action::Forward(arn) => {
            xml.leaf("Type", "forward").leaf("TargetGroupArn", arn);
        }
        Action::Redirect {
            protocol,
            port,
            status,
        } => {
            xml.leaf("Type", "redirect");
            xml.node("RedirectConfig", |xml| {
                xml.leaf("Protocol", protocol)
                    .leaf("Port", port)
                    .leaf("StatusCode", status);
            });
        }
        Action::Fixed { status, body } => {
            xml.leaf("Type", "fixed-response");
            xml.node("FixedResponseConfig", |xml| {
                xml.leaf("StatusCode", status)
                    .optional("MessageBody", body.as_ref());
            });
        }
    }
}
