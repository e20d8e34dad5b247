//! The sample data. Names are hostile on purpose wherever a tenant may choose them.

use chrono::{DateTime, TimeDelta, Utc};
use maud::Markup;
use rust_decimal::Decimal;
use service_kit::{FieldError, NextAction, NextActionKind, ProblemBody};
use tenant_model::ids::{ApiKeyId, ConnectionId, DeploymentId, ExportId, OperationId, TenantId};
use tenant_model::plan::Plan;
use uuid::Uuid;

use super::plans;
use crate::layout::{self, Place, Shell, TenantFrame, Theme};
use crate::pages::connections::{
    ConnectionPage, ConnectionRow, Ended, NewConnection, Phase, PreflightCard, ProofRow, WishForm,
};
use crate::pages::deployments::{
    ChangeForm, DeleteForm, DeploymentPage, DeploymentRow, NewDeployment, ResourceRow, Steering,
};
use crate::pages::exports::ExportRow;
use crate::pages::fleet::{FleetPage, FleetRow};
use crate::pages::fleet_usage::{FleetUsagePage, TopRow};
use crate::pages::operation::{Agreement, OperationPage};
use crate::pages::overview::{OperatorActions, OverviewPage};
use crate::pages::usage::{Balance, UsagePage};
use crate::pages::{
    api_keys, audit, connections, deployments, exports, fleet, fleet_usage, incidents, operation, outbox,
    overview, people, permissions, quarantine, refusal, sign_in, sign_up, usage,
};
use crate::ui::{Sort, Step, StepState, Tone};

/// A name that tries to leave its element.
pub(crate) const HOSTILE: &str = "</script><img src=x onerror=alert(1)>";

const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(0x0192_f000_0000_7000_8000_0000_0000_0001));
const CONNECTION: ConnectionId =
    ConnectionId::from_uuid(Uuid::from_u128(0x0192_f000_0000_7000_8000_0000_0000_0002));
const DEPLOYMENT: DeploymentId =
    DeploymentId::from_uuid(Uuid::from_u128(0x0192_f000_0000_7000_8000_0000_0000_0003));
const OPERATION: OperationId =
    OperationId::from_uuid(Uuid::from_u128(0x0192_f000_0000_7000_8000_0000_0000_0004));
const REGIONS: [(&str, &str); 2] = [
    ("eu-central-1", "Frankfurt (eu-central-1)"),
    ("us-east-1", "N. Virginia (us-east-1)"),
];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_460_465, 0).expect("a valid moment")
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

/// Every page: its name and the whole document.
pub(crate) fn all(theme: Theme) -> Vec<(&'static str, Markup)> {
    [public(theme), wizard(theme), tenant(theme), operator(theme)].concat()
}

fn person(theme: Theme) -> Shell {
    let own = Some((TENANT, "Northwind Analytics".to_owned()));
    Shell {
        email: "ada@northwind.example".to_owned(),
        role: "Admin".to_owned(),
        own,
        theme,
        outbox: true,
    }
}

fn isv(theme: Theme) -> Shell {
    Shell {
        email: "grace@tenantry.example".to_owned(),
        role: "Operator".to_owned(),
        own: None,
        theme,
        outbox: true,
    }
}

fn frame(name: &str) -> TenantFrame {
    TenantFrame {
        id: TENANT,
        name: name.to_owned(),
    }
}

fn invalid() -> ProblemBody {
    ProblemBody {
        type_uri: "urn:tenantry:problem:validation-failed".to_owned(),
        title: "Some fields cannot be accepted".to_owned(),
        status: 422,
        code: "validation-failed".to_owned(),
        detail: Some("Nothing was changed.".to_owned()),
        errors: vec![
            FieldError {
                pointer: "/aws_account_id".to_owned(),
                code: "not-an-account".to_owned(),
                detail: "An AWS account id has exactly twelve digits.".to_owned(),
            },
            FieldError {
                pointer: "/password".to_owned(),
                code: "too-short".to_owned(),
                detail: "Use at least 15 characters.".to_owned(),
            },
        ],
        next_action: Some(NextAction::new(
            NextActionKind::FixRequest,
            "Correct the marked fields and send the form again.",
        )),
        plan: None,
    }
}

fn not_found() -> ProblemBody {
    ProblemBody {
        type_uri: "urn:tenantry:problem:not-found".to_owned(),
        title: "There is no such page".to_owned(),
        status: 404,
        code: "not-found".to_owned(),
        detail: Some("It may have been removed, or it belongs to somebody else.".to_owned()),
        errors: Vec::new(),
        next_action: None,
        plan: None,
    }
}

fn public(theme: Theme) -> Vec<(&'static str, Markup)> {
    let refused = invalid();
    let mail = outbox::MailView {
        recipient: "ada@northwind.example".to_owned(),
        subject: format!("Confirm your e-mail for {HOSTILE}"),
        body: format!(
            "Hello,\n\nopen this link to confirm your e-mail:\nhttp://127.0.0.1:8080/verify?token=3vV9\n\n{HOSTILE}"
        ),
        at: ago(2),
    };
    vec![
        (
            "sign-in",
            sign_in::page(
                theme,
                &sign_in::SignIn {
                    to: "/",
                    ..Default::default()
                },
            ),
        ),
        (
            "sign-in-refused",
            sign_in::page(
                theme,
                &sign_in::SignIn {
                    email: HOSTILE,
                    to: "/",
                    problem: Some(&refused),
                    ..Default::default()
                },
            ),
        ),
        (
            "sign-up",
            sign_up::page(
                theme,
                &sign_up::SignUp {
                    key: "k",
                    ..Default::default()
                },
            ),
        ),
        (
            "sign-up-refused",
            sign_up::page(
                theme,
                &sign_up::SignUp {
                    organisation: HOSTILE,
                    email: "ada@northwind.example",
                    key: "k",
                    problem: Some(&refused),
                },
            ),
        ),
        ("sign-up-sent", sign_up::sent(theme, true)),
        ("verify", sign_up::verify(theme, "token", None)),
        ("invitation", sign_up::invitation(theme, "token", None)),
        ("not-found", refusal::page(theme, &not_found())),
        (
            "outbox",
            layout::page(&isv(theme), Place::Outbox, "Outbox", &outbox::content(&[mail])),
        ),
        (
            "outbox-empty",
            layout::page(&isv(theme), Place::Outbox, "Outbox", &outbox::content(&[])),
        ),
    ]
}

fn step(name: &str, detail: &str, state: StepState, when: &str) -> Step {
    Step {
        name: name.to_owned(),
        detail: detail.to_owned(),
        state,
        when: when.to_owned(),
        fix: None,
    }
}

fn connection(phase: Phase) -> ConnectionPage {
    let proven = |name: &str, detail: &str| {
        let state = match phase {
            Phase::AwaitingRole => StepState::Todo,
            Phase::Ready | Phase::Verifying | Phase::Refused | Phase::Revoked => StepState::Done,
        };
        step(name, detail, state, "")
    };
    let mut checks = vec![
        proven(
            "The right external id opens the role",
            "Assumed, in account 123456789012",
        ),
        proven("No external id is refused", "AccessDenied"),
        proven("A random external id is refused", "AccessDenied"),
        proven("Another tenant’s external id is refused", "AccessDenied"),
    ];
    if phase == Phase::AwaitingRole {
        checks[0] = step(
            "The right external id opens the role",
            "The role does not answer yet.",
            StepState::Running,
            "",
        );
    }
    if phase == Phase::Refused {
        checks[1].state = StepState::Failed;
        checks[1].detail = "Credentials were given".to_owned();
        checks[1].fix = Some("Give the trust policy the condition StringEquals sts:ExternalId, or delete the stack and create it again from our template.".to_owned());
    }
    ConnectionPage {
        id: CONNECTION,
        tenant: TENANT,
        account: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        external_id: "tenantry-4fzk2q7m9x1c8v3b".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/tenantry/tenantry-access-4fzk2q7m".to_owned(),
        phase,
        quick_create: "https://eu-central-1.console.aws.amazon.com/cloudformation/home#/stacks/quickcreate".to_owned(),
        command: "aws cloudformation create-stack --stack-name tenantry-access \\\n  --template-url https://tenantry.example/role.yaml \\\n  --capabilities CAPABILITY_NAMED_IAM \\\n  --parameters ParameterKey=ExternalId,ParameterValue=tenantry-4fzk2q7m9x1c8v3b".to_owned(),
        terraform: "# Generated from the stack's parameters. Not verified: we test the template, not this snippet.\nresource \"aws_cloudformation_stack\" \"tenantry\" {\n  name = \"tenantry-access\"\n}\n".to_owned(),
        template: "AWSTemplateFormatVersion: \"2010-09-09\"\nDescription: One role, assumed by Tenantry with an external id.\nResources:\n  Role:\n    Type: AWS::IAM::Role\n".to_owned(),
        checks,
        checked_at: (phase != Phase::AwaitingRole).then(|| ago(0)),
        refused: (phase == Phase::Refused).then(|| "The trust policy lets us in without the external id, so somebody else could talk us into using your role.".to_owned()),
        dev_key: Some("k".to_owned()),
        may_change: true,
        place: 36,
        doubt: (phase == Phase::Verifying).then(|| {
            (
                "AWS asks us to slow down. Nothing is wrong with your role; we ask again.".to_owned(),
                ago(1),
            )
        }),
        incident: None,
        ended: (phase == Phase::Revoked).then(|| Ended {
            at: ago(3),
            by: "by your organisation",
            residual_until: ago(-12),
        }),
        proofs: if phase == Phase::AwaitingRole { Vec::new() } else { proofs(phase) },
        check_key: (phase != Phase::Revoked).then(|| "k".to_owned()),
        end: (phase != Phase::Revoked).then(|| DeleteForm {
            action: format!("/connections/{CONNECTION}/disconnect"),
            name: "123456789012".to_owned(),
            version: 4,
            key: "k".to_owned(),
            problem: None,
        }),
        preflight: (phase == Phase::Ready).then(preflight),
    }
}

fn proofs(phase: Phase) -> Vec<ProofRow> {
    let row = |minutes, tone, words| ProofRow {
        at: ago(minutes),
        tone,
        words,
        asked: "12 dry runs, 91 simulated".to_owned(),
        href: format!("/v1/connections/{CONNECTION}/proofs/{minutes}"),
    };
    let newest = if phase == Phase::Refused {
        row(0, Tone::Bad, "Refused")
    } else {
        row(0, Tone::Good, "Proven")
    };
    vec![
        newest,
        row(1, Tone::Warn, "No clear answer"),
        row(2, Tone::Good, "Proven"),
    ]
}

/// A ready connection while its region is silent.
fn silent_connection() -> ConnectionPage {
    ConnectionPage {
        incident: Some(ago(7)),
        ..connection(Phase::Ready)
    }
}

fn preflight() -> PreflightCard {
    let mut full = step(
        "Addresses",
        "5 of 5 Elastic IP addresses in use, 1 needed",
        StepState::Failed,
        "",
    );
    full.fix = Some(
        "1 more Elastic IP addresses are needed. Request the value 6 for L-0263D0A3 in Service Quotas."
            .to_owned(),
    );
    PreflightCard {
        connection: CONNECTION,
        pending: false,
        checks: vec![
            step("Region", "eu-central-1 is enabled", StepState::Done, ""),
            full,
            step(
                "Zones",
                "No clear answer (RequestLimitExceeded); we ask again",
                StepState::Waiting,
                "",
            ),
        ],
        checked_at: Some(ago(0)),
        wish: WishForm {
            instance_type: "m6i.large".to_owned(),
            vpc_cidr: "10.42.0.0/16".to_owned(),
            existing_vpc: false,
            network_needs: "DNS support and DNS hostnames on; one subnet tagged tenantry:subnet = public, a default route to an internet gateway and 8 free addresses.".to_owned(),
            sold: vec!["m6i.large", "t3.large"],
        },
        key: Some("k".to_owned()),
    }
}

fn connection_row(phase: Phase) -> ConnectionRow {
    ConnectionRow {
        id: CONNECTION,
        account: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        phase,
        created_at: ago(90),
    }
}

fn operation(state: &str, percent: u8) -> OperationPage {
    let failed = state == "failed";
    let mut steps = vec![
        step("VPC", "vpc-0a1b2c3d4e5f60718", StepState::Done, "2 s"),
        step("Subnet", "subnet-0f1e2d3c4b5a69788", StepState::Done, "1 s"),
        step(
            "Internet gateway",
            "igw-0123456789abcdef0",
            StepState::Done,
            "1 s",
        ),
        step("Route table", "rtb-0fedcba9876543210", StepState::Done, "2 s"),
        step("Security group", "sg-0a1b2c3d", StepState::Done, "1 s"),
        step(
            "Instance",
            "Waiting until it runs",
            if failed {
                StepState::Failed
            } else {
                StepState::Running
            },
            "41 s",
        ),
        step("Elastic IP", "", StepState::Todo, ""),
    ];
    if failed {
        steps[5].detail = "RunInstances: VcpuLimitExceeded".to_owned();
        steps[5].fix = Some(
            "Request the quota “Running On-Demand Standard instances” for eu-central-1, then retry."
                .to_owned(),
        );
    }
    if state == "succeeded" {
        for step in &mut steps {
            step.state = StepState::Done;
        }
    }
    OperationPage {
        id: OPERATION,
        kind: "provision".to_owned(),
        state: state.to_owned(),
        deployment: Some(DEPLOYMENT),
        percent,
        steps,
        plan: Some(plans::first()),
        agreement: Agreement {
            needed: 1,
            ..Agreement::default()
        },
        problem: failed.then(|| ProblemBody {
            title: "The account lacks vCPU quota".to_owned(),
            detail: Some("Needs 2 more vCPU in eu-central-1.".to_owned()),
            errors: Vec::new(),
            ..invalid()
        }),
        requested_at: ago(3),
        requested_by: "ada@northwind.example".to_owned(),
        approved_by: (state != "awaiting_approval").then(|| "ada@northwind.example".to_owned()),
        after: 17,
        key: Some("k".to_owned()),
    }
}

fn reviewed(kind: &str, plan: Plan) -> OperationPage {
    OperationPage {
        kind: kind.to_owned(),
        plan: Some(plan),
        ..operation("awaiting_approval", 0)
    }
}

fn replanned() -> OperationPage {
    let mut page = reviewed("provision", plans::first());
    page.agreement.changed = Some("Since this plan was shown, the price table changed.".to_owned());
    page
}

fn deletion() -> OperationPage {
    let mut page = reviewed("delete", plans::deletion());
    page.agreement = Agreement {
        needed: 2,
        by: vec!["ada@northwind.example".to_owned()],
        ..Agreement::default()
    };
    page
}

fn wizard(theme: Theme) -> Vec<(&'static str, Markup)> {
    let shell = person(theme);
    let refused = invalid();
    let page = |place, title: &str, content: &Markup| {
        layout::tenant_page(&shell, &frame("Northwind Analytics"), place, title, content)
    };
    let connect = |account, problem| NewConnection {
        tenant: TENANT,
        account,
        region: "eu-central-1",
        regions: &REGIONS,
        key: "k",
        problem,
    };
    let options = [
        ("t3.small", "t3.small, 2 vCPU, 2 GiB"),
        ("m7i.large", "m7i.large, 2 vCPU, 8 GiB"),
    ];
    let id = CONNECTION.to_string();
    let accounts = [(id.as_str(), "123456789012")];
    let choose = NewDeployment {
        tenant: TENANT,
        connections: &accounts,
        regions: &REGIONS,
        instance_types: &options,
        connection: &id,
        region: "eu-central-1",
        instance_type: "t3.small",
        profile: "single",
        database: "false",
        key: "k",
        problem: None,
    };
    vec![
        (
            "connections-empty",
            page(
                Place::Connections,
                "AWS account",
                &connections::list(TENANT, &[], true),
            ),
        ),
        (
            "connections",
            page(
                Place::Connections,
                "AWS account",
                &connections::list(TENANT, &[connection_row(Phase::Ready)], true),
            ),
        ),
        (
            "connect",
            page(
                Place::Connections,
                "Connect AWS",
                &connections::new(&connect("", None)),
            ),
        ),
        (
            "connect-refused",
            page(
                Place::Connections,
                "Connect AWS",
                &connections::new(&connect("1234", Some(&refused))),
            ),
        ),
        (
            "connection-awaiting",
            page(
                Place::Connections,
                "AWS account",
                &connections::show(&connection(Phase::AwaitingRole)),
            ),
        ),
        (
            "connection-verifying",
            page(
                Place::Connections,
                "AWS account",
                &connections::show(&connection(Phase::Verifying)),
            ),
        ),
        (
            "connection-ready",
            page(
                Place::Connections,
                "AWS account",
                &connections::show(&connection(Phase::Ready)),
            ),
        ),
        (
            "connection-refused",
            page(
                Place::Connections,
                "AWS account",
                &connections::show(&connection(Phase::Refused)),
            ),
        ),
        (
            "connection-silent",
            page(
                Place::Connections,
                "AWS account",
                &connections::show(&silent_connection()),
            ),
        ),
        (
            "connection-revoked",
            page(
                Place::Connections,
                "AWS account",
                &connections::show(&connection(Phase::Revoked)),
            ),
        ),
        (
            "permissions",
            page(
                Place::Connections,
                "What we may do",
                &permissions::content(&permissions::PermissionsPage {
                    tenant: TENANT,
                    granted: tenant_model::disclosure::permissions(),
                    denied: tenant_model::simulation::ESCALATIONS,
                }),
            ),
        ),
        (
            "choose",
            page(
                Place::Deployments,
                "Choose deployment",
                &deployments::new(&choose),
            ),
        ),
        (
            "review",
            page(
                Place::Deployments,
                "Review plan",
                &operation::content(&operation("awaiting_approval", 0)),
            ),
        ),
        (
            "review-changed",
            page(
                Place::Deployments,
                "Review plan",
                &operation::content(&replanned()),
            ),
        ),
        (
            "review-size",
            page(
                Place::Deployments,
                "Review plan",
                &operation::content(&reviewed("change", plans::size())),
            ),
        ),
        (
            "review-availability",
            page(
                Place::Deployments,
                "Review plan",
                &operation::content(&reviewed("change", plans::availability())),
            ),
        ),
        (
            "review-deletion",
            page(
                Place::Deployments,
                "Review plan",
                &operation::content(&deletion()),
            ),
        ),
        (
            "progress",
            page(
                Place::Deployments,
                "Progress",
                &operation::content(&operation("running", 71)),
            ),
        ),
        (
            "progress-done",
            page(
                Place::Deployments,
                "Progress",
                &operation::content(&operation("succeeded", 100)),
            ),
        ),
        (
            "progress-failed",
            page(
                Place::Deployments,
                "Progress",
                &operation::content(&operation("failed", 71)),
            ),
        ),
    ]
}

fn deployment_row(phase: &str) -> DeploymentRow {
    DeploymentRow {
        id: DEPLOYMENT,
        phase: phase.to_owned(),
        profile: "single".to_owned(),
        region: "eu-central-1".to_owned(),
        instance_type: "t3.small".to_owned(),
        created_at: ago(80),
    }
}

fn deployment() -> DeploymentPage {
    let row = |kind: &str, name: &str, id: &str| ResourceRow {
        name: name.to_owned(),
        kind: kind.to_owned(),
        state: "ready".to_owned(),
        physical_id: Some(id.to_owned()),
    };
    DeploymentPage {
        id: DEPLOYMENT,
        phase: "ready".to_owned(),
        profile: "single".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
        instance_type: "t3.small".to_owned(),
        blocked: None,
        address: Some("https://203.0.113.24".to_owned()),
        created_at: ago(80),
        operation: Some(OPERATION),
        resources: vec![
            row("vpc", "network", "vpc-0a1b2c3d4e5f60718"),
            row("subnet", "public-a", "subnet-0f1e2d3c4b5a69788"),
            row("internet_gateway", "internet", "igw-0123456789abcdef0"),
            row("route_table", "public", "rtb-0fedcba9876543210"),
            row("security_group", "service", "sg-0a1b2c3d4e5f60718"),
            row("instance", "node-1", "i-0a1b2c3d4e5f60718"),
            row("elastic_ip", "address", "eipalloc-0a1b2c3d4e5f6071"),
        ],
        change: Some(ChangeForm {
            action: format!("/deployments/{DEPLOYMENT}/change"),
            instance_types: vec!["t3.small".to_owned(), "m7i.large".to_owned()],
            instance_type: "t3.small".to_owned(),
            profile: "single".to_owned(),
            database: false,
            version: 3,
            key: "k".to_owned(),
            problem: None,
        }),
        steering: Steering {
            paused: false,
            drift_policy: "alert".to_owned(),
            key: Some("k".to_owned()),
        },
        delete: Some(DeleteForm {
            action: format!("/deployments/{DEPLOYMENT}/delete"),
            name: "single".to_owned(),
            version: 3,
            key: "k".to_owned(),
            problem: None,
        }),
    }
}

fn hours() -> Vec<Decimal> {
    [
        3, 2, 2, 1, 1, 2, 4, 9, 17, 24, 28, 26, 22, 25, 29, 31, 27, 21, 15, 11, 8, 6, 5, 4,
    ]
    .into_iter()
    .map(|n: i64| Decimal::from(n * 1_317))
    .collect()
}

fn usage_page(range: &str, empty: bool) -> UsagePage {
    let hours = hours();
    let from = now().timestamp() / 3_600 * 3_600 - 23 * 3_600;
    let rows: Vec<_> = hours
        .iter()
        .enumerate()
        .map(|(index, amount)| {
            (
                DateTime::from_timestamp(from + 3_600 * index as i64, 0).expect("valid"),
                *amount,
            )
        })
        .collect();
    let line = [("Rows scanned", rows.as_slice())];
    UsagePage {
        tenant: TENANT,
        meters: vec![
            ("rows_scanned".to_owned(), "Rows scanned".to_owned()),
            ("compute_seconds".to_owned(), HOSTILE.to_owned()),
        ],
        meter: "rows_scanned".to_owned(),
        unit: "rows".to_owned(),
        range: range.to_owned(),
        total: hours.iter().sum(),
        before: Some(Decimal::from(301_000)),
        peak: hours.iter().copied().max().unwrap_or_default(),
        watermark: Some(now()),
        chart: (!empty).then(|| crate::ui::Chart::of(&line, 3_600, Some(now() - TimeDelta::minutes(50)))),
        rows: rows.into_iter().rev().collect(),
        balance: Balance {
            received: 104_213,
            accepted: 101_000,
            duplicate: 3_099,
            conflict: 1,
            rejected: 110,
            quarantined: 3,
        },
        failed: None,
    }
}

fn overview_page(operator: bool, fresh: bool) -> OverviewPage {
    let delete = DeleteForm {
        action: format!("/tenants/{TENANT}/delete"),
        name: "Northwind Analytics".to_owned(),
        version: 4,
        key: "k".to_owned(),
        problem: None,
    };
    OverviewPage {
        tenant: TENANT,
        name: "Northwind Analytics".to_owned(),
        state: "active".to_owned(),
        since: ago(60 * 24 * 9),
        connection: (!fresh).then(|| connection_row(Phase::Ready)),
        deployment: (!fresh).then(|| deployment_row("ready")),
        events_today: if fresh { 0 } else { 101_000 },
        meter: (!fresh).then(|| ("Rows scanned".to_owned(), hours())),
        keys: usize::from(!fresh),
        may_change: true,
        operator: operator.then(|| OperatorActions {
            version: 4,
            key: "k".to_owned(),
            delete,
        }),
    }
}

fn tenant(theme: Theme) -> Vec<(&'static str, Markup)> {
    let shell = person(theme);
    let page = |place, title: &str, content: &Markup| {
        layout::tenant_page(&shell, &frame("Northwind Analytics"), place, title, content)
    };
    let key = |name: &str, revoked: bool, number: u128| api_keys::KeyRow {
        id: ApiKeyId::from_uuid(Uuid::from_u128(number)),
        name: name.to_owned(),
        prefix: "tnk_live_7f3kq2vd".to_owned(),
        scopes: "Report usage".to_owned(),
        created_at: ago(600),
        last_used_at: (!revoked).then(|| ago(1)),
        revoked,
        revoke_key: "k".to_owned(),
    };
    let keys = [
        key("production", false, 1),
        key(HOSTILE, false, 2),
        key("old laptop", true, 3),
    ];
    let keys_page = api_keys::KeysPage {
        tenant: TENANT,
        rows: &keys,
        may_change: true,
        key: "k",
        name: "",
        problem: None,
        secret: None,
        base_url: "http://127.0.0.1:8080",
    };
    let secret = api_keys::KeysPage {
        secret: Some("tnk_live_7f3kq2vd_K2vXm8Qp4sT1uW9yZ3aB6cD0eF5gH7jL2nP4rS6tV8xz1a2b3c"),
        ..keys_page.clone()
    };
    let nobody = people::PersonRow {
        email: "grace@northwind.example".to_owned(),
        role: "Member".to_owned(),
        active: true,
        since: ago(300),
    };
    let persons = [
        people::PersonRow {
            email: "ada@northwind.example".to_owned(),
            role: "Admin".to_owned(),
            active: true,
            since: ago(9_000),
        },
        nobody,
    ];
    let people_page = people::PeoplePage {
        tenant: TENANT,
        rows: &persons,
        may_change: true,
        key: "k",
        email: "",
        done: Some("The invitation is on its way."),
        problem: None,
    };
    let failed = UsagePage {
        failed: Some(not_found()),
        ..usage_page("24h", true)
    };
    vec![
        (
            "overview-new",
            page(
                Place::Overview,
                "Overview",
                &overview::content(&overview_page(false, true)),
            ),
        ),
        (
            "overview",
            page(
                Place::Overview,
                "Overview",
                &overview::content(&overview_page(false, false)),
            ),
        ),
        (
            "deployments-empty",
            page(
                Place::Deployments,
                "Deployments",
                &deployments::list(TENANT, &[], true, true),
            ),
        ),
        (
            "deployments",
            page(
                Place::Deployments,
                "Deployments",
                &deployments::list(
                    TENANT,
                    &[deployment_row("ready"), deployment_row("creating")],
                    true,
                    true,
                ),
            ),
        ),
        (
            "deployment",
            page(
                Place::Deployments,
                "Deployment",
                &deployments::show(TENANT, &deployment()),
            ),
        ),
        (
            "usage",
            page(Place::Usage, "Usage", &usage::content(&usage_page("24h", false))),
        ),
        (
            "usage-empty",
            page(Place::Usage, "Usage", &usage::content(&usage_page("7d", true))),
        ),
        (
            "usage-failed",
            page(Place::Usage, "Usage", &usage::content(&failed)),
        ),
        (
            "api-keys",
            page(Place::ApiKeys, "API keys", &api_keys::content(&keys_page)),
        ),
        (
            "api-keys-made",
            page(Place::ApiKeys, "API keys", &api_keys::content(&secret)),
        ),
        (
            "people",
            page(Place::People, "People", &people::content(&people_page)),
        ),
        (
            "audit",
            page(Place::Audit, "Audit", &audit::content(&audit_page())),
        ),
    ]
}

fn audit_page() -> audit::AuditPage {
    let row = |sequence, action: &str, detail: &str| audit::AuditRow {
        sequence,
        at: ago(100 - sequence),
        actor: "usr_01jbr0000000e8000000000001".to_owned(),
        action: action.to_owned(),
        subject: CONNECTION.to_string(),
        detail: detail.to_owned(),
    };
    audit::AuditPage {
        rows: vec![
            row(4, "connection.ready", "rounds 3"),
            row(3, "connection.created", "account 123456789012"),
            row(2, "api_key.created", HOSTILE),
            row(1, "tenant.created", ""),
        ],
        chain_holds: Some(true),
        older: Some("?before=1".to_owned()),
    }
}

fn operator(theme: Theme) -> Vec<(&'static str, Markup)> {
    let shell = isv(theme);
    let page = |place, title: &str, content: &Markup| layout::page(&shell, place, title, content);
    let of_tenant = |place, title: &str, content: &Markup| {
        layout::tenant_page(&shell, &frame("Northwind Analytics"), place, title, content)
    };
    let exports = exports_rows();
    let held = [quarantine::QuarantineRow {
        at: ago(44),
        tenant: Some(TENANT),
        reason: "Undecodable".to_owned(),
        detail: "the record is not an event".to_owned(),
        shard: "shardId-000000000002".to_owned(),
        sequence: "49590338271490256608559692538361571095921575989136588898".to_owned(),
        raw: format!("{{\"id\":\"{HOSTILE}\"}}"),
    }];
    vec![
        (
            "fleet",
            page(Place::Fleet, "Fleet", &fleet::content(&fleet_page())),
        ),
        (
            "fleet-empty",
            page(
                Place::Fleet,
                "Fleet",
                &fleet::content(&FleetPage {
                    rows: Vec::new(),
                    ..fleet_page()
                }),
            ),
        ),
        (
            "tenant",
            of_tenant(
                Place::Overview,
                "Overview",
                &overview::content(&overview_page(true, false)),
            ),
        ),
        (
            "tenant-usage",
            of_tenant(Place::Usage, "Usage", &usage::content(&usage_page("24h", false))),
        ),
        (
            "fleet-usage",
            page(
                Place::FleetUsage,
                "Usage",
                &fleet_usage::content(&fleet_usage_page()),
            ),
        ),
        (
            "exports",
            page(
                Place::Exports,
                "Exports",
                &exports::content(&exports, Some("k"), None),
            ),
        ),
        (
            "exports-empty",
            page(Place::Exports, "Exports", &exports::content(&[], Some("k"), None)),
        ),
        (
            "incidents",
            page(
                Place::Incidents,
                "Incidents",
                &incidents::content(&incident_rows(), &[trouble_row()]),
            ),
        ),
        (
            "incidents-none",
            page(Place::Incidents, "Incidents", &incidents::content(&[], &[])),
        ),
        (
            "quarantine",
            page(Place::Quarantine, "Quarantine", &quarantine::content(&held)),
        ),
        (
            "quarantine-empty",
            page(Place::Quarantine, "Quarantine", &quarantine::content(&[])),
        ),
    ]
}

fn incident_rows() -> Vec<incidents::IncidentRow> {
    let row = |minutes, ended_at, accounts| incidents::IncidentRow {
        region: "eu-central-1".to_owned(),
        began_at: ago(minutes),
        ended_at,
        accounts,
    };
    vec![row(7, None, 41), row(4_000, Some(ago(3_950)), 12)]
}

fn trouble_row() -> incidents::TroubleRow {
    incidents::TroubleRow {
        connection: CONNECTION,
        tenant: TENANT,
        account: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        tone: Tone::Bad,
        kind: "Role deleted".to_owned(),
        words: "the role was deleted".to_owned(),
        since: ago(31),
    }
}

fn fleet_page() -> FleetPage {
    let row = |name: &str, state: &str, deployment: Option<&str>, events| FleetRow {
        tenant: TENANT,
        name: name.to_owned(),
        state: state.to_owned(),
        deployment: deployment.map(str::to_owned),
        region: deployment.map(|_| "eu-central-1".to_owned()),
        events_today: events,
    };
    FleetPage {
        rows: vec![
            row("Northwind Analytics", "active", Some("ready"), 101_000),
            row("Contoso Logistics", "active", Some("creating"), 0),
            row(HOSTILE, "active", Some("ready"), 48_120),
            row("Fabrikam Research", "suspended", Some("stopped"), 0),
            row("Initech", "active", None, 0),
            row("Umbrella Data", "offboarding", Some("deleting"), 12),
        ],
        tenants: 6,
        active: 4,
        ready: 2,
        events_today: 149_132,
        q: String::new(),
        state: String::new(),
        sort: Sort::parse("-events"),
        next: None,
    }
}

fn fleet_usage_page() -> FleetUsagePage {
    let one = usage_page("24h", false);
    let top = |name: &str, amount: i64| TopRow {
        tenant: TENANT,
        name: name.to_owned(),
        amount: Decimal::from(amount),
    };
    FleetUsagePage {
        meters: one.meters,
        meter: one.meter,
        unit: one.unit,
        range: one.range,
        watermark: one.watermark,
        chart: one.chart,
        top: vec![
            top("Northwind Analytics", 426_708),
            top(HOSTILE, 203_400),
            top("Contoso Logistics", 12_000),
        ],
        balance: Some(one.balance),
    }
}

fn exports_rows() -> Vec<ExportRow> {
    let meter = exports::MeterRow {
        meter: "rows_scanned".to_owned(),
        source: "426,708".to_owned(),
        files: "426,708".to_owned(),
        warehouse: "426,708".to_owned(),
    };
    let row = |number: i64, state: &str, warehouse: Option<i64>| ExportRow {
        id: ExportId::from_uuid(Uuid::from_u128(7)),
        dataset: "events".to_owned(),
        state: state.to_owned(),
        positions: (number * 4_212 + 1, number * 4_212 + 4_212),
        cut_at: ago(60 * (4 - number)),
        source: Some(4_212),
        files: Some(4_212),
        warehouse,
        balanced: warehouse.map(|rows| rows == 4_212),
        meters: vec![meter.clone()],
    };
    vec![
        row(3, "submitted", None),
        row(2, "verified", Some(4_212)),
        row(1, "finished", Some(4_211)),
    ]
}
