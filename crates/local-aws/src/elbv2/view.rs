//! What answers show.

use super::condition::{config_of, is_plain};
use super::names;
use super::request::Request;
use super::state::{Action, Balancer, Balancing, Condition, Foot, Forward, Listener, Rule, TargetGroup};
use crate::protocol::Xml;

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
            .leaf(
                "CanonicalHostedZoneId",
                names::hosted_zone(&request.call.region, &balancer.kind),
            )
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
        zones(xml, &balancer.subnets);
        xml.members("SecurityGroups", &balancer.group_ids, |xml, id| {
            xml.text(id);
        });
    });
    xml
}

/// Where a load balancer stands.
pub(super) fn zones(xml: &mut Xml, feet: &[Foot]) {
    xml.members("AvailabilityZones", feet, |xml, foot| {
        xml.leaf("ZoneName", &foot.zone).leaf("SubnetId", &foot.subnet_id);
    });
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
            .optional("ProtocolVersion", (group.protocol != "TCP").then_some("HTTP1"))
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

/// A rule as it is shown: one of its own, or the listener's actions.
pub(super) enum Shown<'r> {
    Own(&'r Rule),
    Default(&'r Listener),
}

pub(super) fn rules<'r>(all: impl IntoIterator<Item = Shown<'r>>) -> Xml {
    let mut xml = Xml::new();
    xml.members("Rules", all, |xml, shown| match shown {
        Shown::Own(rule) => {
            xml.leaf("RuleArn", &rule.arn)
                .leaf("Priority", rule.priority)
                .leaf("IsDefault", false);
            xml.members("Conditions", &rule.conditions, condition);
            xml.members("Actions", &rule.actions, action);
        }
        Shown::Default(listener) => {
            xml.leaf("RuleArn", &listener.default_rule_arn)
                .leaf("Priority", "default")
                .leaf("IsDefault", true);
            xml.members("Conditions", std::iter::empty::<&Condition>(), condition);
            xml.members("Actions", &listener.actions, action);
        }
    });
    xml
}

fn condition(xml: &mut Xml, condition: &Condition) {
    xml.leaf("Field", &condition.field);
    if is_plain(condition) {
        xml.members("Values", &condition.values, |xml, each| {
            xml.text(&each.value);
        });
    }
    xml.node(config_of(condition), |xml| {
        xml.optional("HttpHeaderName", condition.header.as_ref());
        xml.members("Values", &condition.values, |xml, each| {
            if condition.field == "query-string" {
                xml.optional("Key", each.key.as_ref()).leaf("Value", &each.value);
            } else {
                xml.text(&each.value);
            }
        });
    });
}

fn action(xml: &mut Xml, action: &Action) {
    match action {
        Action::Forward(to) => {
            xml.leaf("Type", "forward");
            if let [(only, _)] = to.groups.as_slice() {
                xml.leaf("TargetGroupArn", only);
            }
            xml.node("ForwardConfig", |xml| forward(xml, to));
        }
        Action::Redirect(to) => {
            xml.leaf("Type", "redirect");
            xml.node("RedirectConfig", |xml| {
                xml.leaf("Protocol", &to.protocol)
                    .leaf("Host", &to.host)
                    .leaf("Port", &to.port)
                    .leaf("Path", &to.path)
                    .leaf("Query", &to.query)
                    .leaf("StatusCode", &to.status);
            });
        }
        Action::Fixed {
            status,
            content_type,
            body,
        } => {
            xml.leaf("Type", "fixed-response");
            xml.node("FixedResponseConfig", |xml| {
                xml.leaf("StatusCode", status)
                    .optional("ContentType", content_type.as_ref())
                    .optional("MessageBody", body.as_ref());
            });
        }
    }
}

fn forward(xml: &mut Xml, to: &Forward) {
    xml.members("TargetGroups", &to.groups, |xml, (arn, weight)| {
        xml.leaf("TargetGroupArn", arn).leaf("Weight", weight);
    });
    xml.node("TargetGroupStickinessConfig", |xml| {
        xml.leaf("Enabled", to.sticky_seconds.is_some())
            .optional("DurationSeconds", to.sticky_seconds);
    });
}
