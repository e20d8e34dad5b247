use super::*;

fn ids(name: &str) -> Option<&'static str> {
    match name {
        "vpc" => Some("vpc-1"),
        "gw" => Some("igw-1"),
        "net" => Some("subnet-1"),
        "sg" => Some("sg-1"),
        "vm" => Some("i-1"),
        "img" => Some("ami-1"),
        _ => None,
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn specs() -> [Spec; 7] {
    [
        Spec::Vpc {
            cidr: text("10.0.0.0/16"),
        },
        Spec::InternetGateway { vpc: text("vpc") },
        Spec::Subnet {
            vpc: text("vpc"),
            cidr: text("10.0.0.0/24"),
        },
        Spec::RouteTable {
            vpc: text("vpc"),
            gateway: text("gw"),
            subnet: text("net"),
        },
        Spec::SecurityGroup {
            vpc: text("vpc"),
            group_name: text("g"),
            port: 443,
        },
        Spec::Instance {
            image: text("img"),
            instance_type: text("t3.medium"),
            subnet: text("net"),
            security_group: text("sg"),
        },
        Spec::ElasticIp {
            instance: text("vm"),
            gateway: text("gw"),
        },
    ]
}

/// Applies a call to a shape the way EC2 does, waiting states passed over.
fn apply(call: &Call, shape: Option<Shape>) -> Option<Shape> {
    match (call, shape) {
        (Call::CreateVpc { .. }, None) => Some(Shape::Vpc {
            dns_support: true,
            dns_hostnames: false,
        }),
        (Call::ModifyVpcAttribute { .. }, Some(Shape::Vpc { .. })) => Some(Shape::Vpc {
            dns_support: true,
            dns_hostnames: true,
        }),
        (Call::CreateInternetGateway, None) => Some(Shape::InternetGateway { attached: None }),
        (Call::AttachInternetGateway { vpc, .. }, Some(_)) => Some(Shape::InternetGateway {
            attached: Some(vpc.clone()),
        }),
        (Call::DetachInternetGateway { .. }, Some(_)) => Some(Shape::InternetGateway { attached: None }),
        (Call::CreateSubnet { .. }, None) => Some(Shape::Subnet),
        (Call::CreateRouteTable { .. }, None) => Some(Shape::RouteTable {
            default_route: None,
            associations: vec![],
        }),
        (Call::CreateRoute { gateway, .. }, Some(Shape::RouteTable { associations, .. })) => {
            Some(Shape::RouteTable {
                default_route: Some(gateway.clone()),
                associations,
            })
        }
        (Call::AssociateRouteTable { subnet, .. }, Some(Shape::RouteTable { default_route, .. })) => {
            let associations = vec![(text("rtbassoc-1"), subnet.clone())];
            Some(Shape::RouteTable {
                default_route,
                associations,
            })
        }
        (Call::DisassociateRouteTable { .. }, Some(Shape::RouteTable { default_route, .. })) => {
            Some(Shape::RouteTable {
                default_route,
                associations: vec![],
            })
        }
        (Call::CreateSecurityGroup { .. }, None) => Some(Shape::SecurityGroup { open_ports: vec![] }),
        (Call::AuthorizeSecurityGroupIngress { port, .. }, Some(_)) => Some(Shape::SecurityGroup {
            open_ports: vec![*port],
        }),
        (Call::RunInstances { .. }, None) | (Call::StartInstances { .. }, Some(_)) => Some(Shape::Instance {
            state: InstanceState::Running,
        }),
        (Call::StopInstances { .. }, Some(_)) => Some(Shape::Instance {
            state: InstanceState::Stopped,
        }),
        (Call::AllocateAddress, None) => Some(Shape::ElasticIp { association: None }),
        (Call::AssociateAddress { instance, .. }, Some(_)) => Some(Shape::ElasticIp {
            association: Some((text("eipassoc-1"), Some(instance.clone()))),
        }),
        (Call::DisassociateAddress { .. }, Some(_)) => Some(Shape::ElasticIp { association: None }),
        (call, Some(_)) if call.effect() == Effect::Delete => None,
        (call, shape) => panic!("{call:?} on {shape:?}"),
    }
}

fn walk(spec: &Spec, wanted: Wanted, mut shape: Option<Shape>) -> (Vec<&'static str>, Option<Shape>) {
    let mut actions = Vec::new();
    loop {
        let found = shape.as_ref().map(|shape| ("own-1", shape));
        match next(spec, wanted, found, &ids) {
            Next::Settled => return (actions, shape),
            Next::Wait => panic!("{spec:?} waits after {actions:?}"),
            Next::Call(call) => {
                actions.push(call.action());
                shape = apply(&call, shape);
            }
        }
        assert!(actions.len() < 9, "{actions:?} does not end");
    }
}

#[test]
fn every_kind_is_made_and_taken_down_by_these_calls() {
    type Row = (&'static [&'static str], &'static [&'static str]);
    let rows: [Row; 7] = [
        (&["CreateVpc", "ModifyVpcAttribute"], &["DeleteVpc"]),
        (
            &["CreateInternetGateway", "AttachInternetGateway"],
            &["DetachInternetGateway", "DeleteInternetGateway"],
        ),
        (&["CreateSubnet"], &["DeleteSubnet"]),
        (
            &["CreateRouteTable", "CreateRoute", "AssociateRouteTable"],
            &["DisassociateRouteTable", "DeleteRouteTable"],
        ),
        (
            &["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"],
            &["DeleteSecurityGroup"],
        ),
        (&["RunInstances"], &["TerminateInstances"]),
        (
            &["AllocateAddress", "AssociateAddress"],
            &["DisassociateAddress", "ReleaseAddress"],
        ),
    ];
    for (spec, (up, down)) in specs().iter().zip(rows) {
        let (made, shape) = walk(spec, Wanted::Present, None);
        assert_eq!(made, up);
        let (unmade, rest) = walk(spec, Wanted::Absent, shape);
        assert_eq!((unmade.as_slice(), rest), (down, None));
    }
}

#[test]
fn suspension_stops_the_instance_and_keeps_the_rest() {
    for spec in specs() {
        let (_, made) = walk(&spec, Wanted::Present, None);
        let (stop, stopped) = walk(&spec, Wanted::Stopped, made.clone());
        let (start, again) = walk(&spec, Wanted::Present, stopped);
        let is_instance = spec.kind() == Kind::Instance;
        let expected: (&[&str], &[&str]) = if is_instance {
            (&["StopInstances"], &["StartInstances"])
        } else {
            (&[], &[])
        };
        assert_eq!((stop.as_slice(), start.as_slice()), expected);
        assert_eq!(again, made);
    }
}

#[test]
fn an_instance_in_between_is_waited_for() {
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping};
    let wait = |state, wanted| instance("i-1", state, wanted) == Next::Wait;
    let all = [Pending, Running, Stopping, Stopped, ShuttingDown];
    assert_eq!(
        all.map(|state| wait(state, Wanted::Present)),
        [true, false, true, false, true]
    );
    assert_eq!(
        all.map(|state| wait(state, Wanted::Stopped)),
        [true, false, true, false, true]
    );
    assert_eq!(
        all.map(|state| wait(state, Wanted::Absent)),
        [false, false, false, false, true]
    );
}

#[test]
fn a_missing_dependency_is_waited_for() {
    let nothing = |_: &str| None;
    for spec in specs() {
        let next = next(&spec, Wanted::Present, None, &nothing);
        let needs_ids = !LEAKING_KINDS.contains(&spec.kind()) || spec.kind() == Kind::Subnet;
        assert_eq!(next == Next::Wait, needs_ids, "{spec:?}");
    }
}

#[test]
fn the_leaking_kinds_are_those_whose_creation_leaks() {
    for spec in specs() {
        let Next::Call(call) = next(&spec, Wanted::Present, None, &ids) else {
            panic!("{spec:?} is not created");
        };
        let leaks = call.idempotency() == Idempotency::Leaks;
        assert_eq!(leaks, LEAKING_KINDS.contains(&spec.kind()), "{call:?}");
        assert_eq!(call.effect(), Effect::Create);
    }
}

#[test]
fn a_frozen_call_reads_back() {
    let call = Call::AttachInternetGateway {
        gateway: text("igw-1"),
        vpc: text("vpc-1"),
    };
    let stored = serde_json::to_value(&call).expect("serializable");
    assert_eq!(stored["action"], call.action());
    assert_eq!(serde_json::from_value::<Call>(stored).expect("readable"), call);
}
