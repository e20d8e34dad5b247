//! Acting: the intent is committed, then the call is made, then its outcome is committed.

use aws_access::{AwsError, AwsErrorKind, StepClass, ec2::Mark};
use tenant_model::{
    convergence::{Call, Effect, Idempotency, Next, removal},
    resource::{Intent, Outcome, ResourceRecord, ResourceState, client_token},
};
use tenant_store::{
    Conn, StoreError, connections,
    intents::{self, Settlement},
    operations,
    resources::{self, NewCreation},
    work,
};

use super::{PassError, case::Case, observe, report};
use crate::App;

/// Passes in a row after which a thing that is "not found" is not just not visible yet.
const TOO_EARLY_ATTEMPTS: i32 = 10;

/// What a call came to, in the terms in which we act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It took effect; with the id of what it made.
    Done(Option<String>),
    /// It had no effect; later it may.
    Later(String),
    /// It had no effect and will not have one.
    Refused(String),
    /// It had no effect, and its client token is used up: what it once made is gone.
    Spent(String),
    /// Nobody knows.
    Lost(String),
}

/// Makes calls until nothing can be done now, or the pass has made its share.
pub(super) async fn everything(app: &App, case: &mut Case) -> Result<(), PassError> {
    report::steps(app, case).await?;
    while case.calls < app.config.calls_per_pass_max {
        let Some((name, call)) = choose(case) else { break };
        perform(app, case, &name, call).await?;
        report::steps(app, case).await?;
    }
    Ok(())
}

/// The first call in order. A twin goes before anything else happens to its name; without an operation
/// nothing but twins is touched.
fn choose(case: &Case) -> Option<(String, Call)> {
    case.order()
        .into_iter()
        .filter(|name| !case.held.contains_key(name))
        .find_map(|name| {
            let twin = case
                .claimed(&name)
                .twins
                .first()
                .map(|twin| removal(&twin.aws_id, &twin.shape));
            let next = match (twin, &case.operation) {
                (Some(twin), _) => twin,
                (None, Some(_)) => case.next(&name),
                (None, None) => Next::Settled,
            };
            match next {
                Next::Call(call) => Some((name, call)),
                Next::Settled | Next::Wait => None,
            }
        })
}

async fn perform(app: &App, case: &mut Case, name: &str, call: Call) -> Result<(), PassError> {
    let Some(record) = case.records.get(name).cloned() else {
        return Ok(());
    };
    let intent = Intent {
        id: app.kit.ids.uuid(),
        name: name.to_owned(),
        incarnation: record.incarnation,
        token: client_token(
            case.deployment.tenant_id,
            case.deployment.id,
            name,
            record.incarnation,
        ),
        call,
        outcome: Outcome::Open,
        empty_looks: 0,
        due_at: None,
    };
    // The session first: getting it may take as long as the call itself.
    let ec2 = case.ec2(class(&intent.call)).await?;
    write_down(app, case, &intent, record).await?;
    case.calls += 1;
    let answer = make(case, &ec2, &intent).await;
    record_and_look(app, case, &intent, &answer).await
}

/// Makes a call once more under its old intent.
pub(super) async fn repeat(app: &App, case: &mut Case, intent: &Intent) -> Result<(), PassError> {
    let ec2 = case.ec2(class(&intent.call)).await?;
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    still_connected(&mut tx, case).await?;
    tx.commit().await?;
    case.calls += 1;
    let answer = make(case, &ec2, intent).await;
    record_and_look(app, case, intent, &answer).await
}

async fn record_and_look(
    app: &App,
    case: &mut Case,
    intent: &Intent,
    answer: &Answer,
) -> Result<(), PassError> {
    record(app, case, intent, answer).await?;
    match answer {
        Answer::Done(_) => {}
        Answer::Later(why) | Answer::Refused(why) | Answer::Spent(why) | Answer::Lost(why) => {
            case.held.insert(intent.name.clone(), why.clone());
            return Ok(());
        }
    }
    let kind = case.records.get(&intent.name).map(|record| record.kind);
    if let Some(kind) = kind {
        observe::again(case, kind).await?;
    }
    observe::remember(app, case).await?;
    if intent.call.ends_resource() && case.claimed(&intent.name).kept.is_some() {
        case.held
            .insert(intent.name.clone(), "AWS is still taking it away".to_owned());
    }
    Ok(())
}

/// First commit. From here on the call may have happened.
async fn write_down(
    app: &App,
    case: &mut Case,
    intent: &Intent,
    record: ResourceRecord,
) -> Result<(), PassError> {
    let ids = (case.deployment.tenant_id, case.deployment.id);
    let mut tx = app.stores.begin(ids.0).await?;
    work::hold(&mut tx, &case.lease).await?;
    still_wished(&mut tx, case).await?;
    still_connected(&mut tx, case).await?;
    intents::insert(&mut tx, ids, case.lease.fence, intent).await?;
    let record = ResourceRecord {
        state: under_way(&intent.call, record.state),
        ..record
    };
    resources::update(&mut tx, ids.1, &record).await?;
    tx.commit().await?;
    case.intents.insert((intent.name.clone(), intent.id));
    case.records.insert(record.name.clone(), record);
    Ok(())
}

/// Somebody may have withdrawn the operation since the pass began.
async fn still_wished(conn: &mut Conn, case: &Case) -> Result<(), PassError> {
    let live = operations::find_live_for_update(conn, case.deployment.id).await?;
    if live.map(|live| live.id) == case.operation.as_ref().map(|operation| operation.id) {
        return Ok(());
    }
    Err(StoreError::Stale.into())
}

/// The connection may have been quarantined since the pass began: then the call is not made any more.
async fn still_connected(conn: &mut Conn, case: &Case) -> Result<(), PassError> {
    if connections::is_ready(conn, case.deployment.connection_id).await? {
        return Ok(());
    }
    Err(StoreError::Stale.into())
}

const fn under_way(call: &Call, before: ResourceState) -> ResourceState {
    match (call.effect(), before) {
        (Effect::Create, _) | (Effect::Update, ResourceState::Creating) => ResourceState::Creating,
        // `Deleting` is kept for a resource whose end AWS has accepted.
        (Effect::Update | Effect::Delete, _) => ResourceState::Updating,
    }
}

async fn make(case: &Case, ec2: &aws_access::ec2::Ec2, intent: &Intent) -> Answer {
    let mark = Mark {
        scope: &case.scope,
        name: &intent.name,
        intent: intent.id,
        token: &intent.token,
    };
    let reply = ec2.carry_out(&intent.call, &mark).await;
    let answer = judge(&intent.call, reply, case.lease.attempt);
    metrics::counter!("tenantry_provisioning_calls_total", "action" => intent.call.action()).increment(1);
    tracing::info!(
        aws.operation = intent.call.action(),
        resource = intent.name,
        answer = ?answer,
        "called EC2"
    );
    answer
}

/// Sorts a reply. "Already gone" is a success of a deletion, "exists already" one of a natural key.
fn judge(call: &Call, reply: Result<Option<String>, AwsError>, attempt: i32) -> Answer {
    let error = match reply {
        Ok(made) => return Answer::Done(made),
        Err(error) => error,
    };
    let why = format!("{}: {error}", call.action());
    if error.code == "IdempotentInstanceTerminated" {
        return Answer::Spent(why);
    }
    match (error.kind, call.effect()) {
        (AwsErrorKind::NotFound, Effect::Delete) => Answer::Done(None),
        (AwsErrorKind::Exists, Effect::Update) if call.idempotency() == Idempotency::NaturalKey => {
            Answer::Done(None)
        }
        (AwsErrorKind::Unknown, _) => Answer::Lost(why),
        (AwsErrorKind::NotFound, Effect::Create | Effect::Update) if attempt < TOO_EARLY_ATTEMPTS => {
            Answer::Later(why)
        }
        (AwsErrorKind::NotFound | AwsErrorKind::Mismatch | AwsErrorKind::Permanent, _) => {
            Answer::Refused(why)
        }
        (
            AwsErrorKind::Throttled
            | AwsErrorKind::Dependency
            | AwsErrorKind::Capacity
            | AwsErrorKind::Quota
            | AwsErrorKind::Exists
            | AwsErrorKind::Denied,
            _,
        ) => Answer::Later(why),
    }
}

const fn class(call: &Call) -> StepClass {
    match (call.effect(), call) {
        (Effect::Delete, _) => StepClass::Delete,
        (
            Effect::Create | Effect::Update,
            Call::RunInstances { .. }
            | Call::StartInstances { .. }
            | Call::StopInstances { .. }
            | Call::AllocateAddress
            | Call::AssociateAddress { .. },
        ) => StepClass::Compute,
        (Effect::Create | Effect::Update, _) => StepClass::Network,
    }
}

/// Second commit: what the call came to.
pub(super) async fn record(
    app: &App,
    case: &mut Case,
    intent: &Intent,
    answer: &Answer,
) -> Result<(), PassError> {
    let (tenant_id, id) = (case.deployment.tenant_id, case.deployment.id);
    let mut tx = app.stores.begin(tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    intents::settle(&mut tx, intent.id, &settlement(answer)).await?;
    let Some(record) = case.records.get(&intent.name).cloned() else {
        return Ok(());
    };
    let record = after(&intent.call, record, answer, app.kit.clock.now());
    if let (Effect::Create, Answer::Done(Some(aws_id))) = (intent.call.effect(), answer) {
        let region = &case.deployment.region;
        let new = NewCreation {
            aws_id,
            kind: record.kind,
            name: &record.name,
            region,
        };
        resources::remember_created(&mut tx, tenant_id, id, &new).await?;
    }
    resources::update(&mut tx, id, &record).await?;
    if matches!(answer, Answer::Refused(_)) {
        count_refusal(&mut tx, app, case).await?;
    }
    tx.commit().await?;
    case.records.insert(record.name.clone(), record);
    Ok(())
}

fn settlement(answer: &Answer) -> Settlement<'_> {
    let (outcome, aws_id, error) = match answer {
        Answer::Done(made) => (Outcome::Done, made.as_deref(), None),
        Answer::Later(why) | Answer::Refused(why) | Answer::Spent(why) => {
            (Outcome::Failed, None, Some(why.as_str()))
        }
        Answer::Lost(why) => (Outcome::Unknown, None, Some(why.as_str())),
    };
    Settlement {
        outcome,
        aws_id,
        error,
    }
}

fn after(
    call: &Call,
    mut record: ResourceRecord,
    answer: &Answer,
    now: chrono::DateTime<chrono::Utc>,
) -> ResourceRecord {
    match answer {
        Answer::Done(made) => {
            record.last_error = None;
            if call.effect() == Effect::Create && record.aws_id.is_none() {
                record.aws_id.clone_from(made);
                record.created_at = Some(now);
            }
            if call.ends_resource() && targets(call, record.aws_id.as_deref()) {
                record.state = ResourceState::Deleting;
            }
        }
        Answer::Later(why) => record.last_error = Some(why.clone()),
        Answer::Refused(why) => {
            record.last_error = Some(why.clone());
            record.state = ResourceState::Failed;
        }
        Answer::Spent(why) => {
            record.last_error = Some(why.clone());
            record.incarnation += 1;
        }
        Answer::Lost(why) => {
            record.last_error = Some(why.clone());
            record.state = ResourceState::Unknown;
        }
    }
    record
}

/// False when the call is about a twin of the recorded resource.
fn targets(call: &Call, recorded: Option<&str>) -> bool {
    let target = match call {
        Call::DeleteVpc { vpc } => vpc,
        Call::DeleteInternetGateway { gateway } => gateway,
        Call::DeleteSubnet { subnet } => subnet,
        Call::DeleteRouteTable { table } => table,
        Call::DeleteSecurityGroup { group } => group,
        Call::TerminateInstances { instance } => instance,
        Call::ReleaseAddress { allocation } => allocation,
        _ => return false,
    };
    recorded == Some(target.as_str())
}

async fn count_refusal(conn: &mut Conn, app: &App, case: &mut Case) -> Result<(), PassError> {
    let live = operations::find_live_for_update(conn, case.deployment.id).await?;
    if let Some(mut live) = live {
        live.permanent_errors += 1;
        crate::progress::save(conn, app, &mut live).await?;
        case.operation = Some(live);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: AwsErrorKind) -> Result<Option<String>, AwsError> {
        Err(AwsError {
            kind,
            code: "Code".to_owned(),
            message: "text".to_owned(),
        })
    }

    fn verdict(call: &Call, kind: AwsErrorKind, attempt: i32) -> &'static str {
        match judge(call, error(kind), attempt) {
            Answer::Done(_) => "done",
            Answer::Later(_) => "later",
            Answer::Refused(_) => "refused",
            Answer::Spent(_) => "spent",
            Answer::Lost(_) => "lost",
        }
    }

    #[test]
    fn every_class_of_error_has_its_consequence() {
        let create = Call::CreateInternetGateway;
        let attach = Call::AttachInternetGateway {
            gateway: "igw-1".to_owned(),
            vpc: "vpc-1".to_owned(),
        };
        let delete = Call::DeleteVpc {
            vpc: "vpc-1".to_owned(),
        };
        use AwsErrorKind as Kind;
        let rows = [
            (Kind::Throttled, ["later", "later", "later"]),
            (Kind::Unknown, ["lost", "lost", "lost"]),
            (Kind::NotFound, ["later", "later", "done"]),
            (Kind::Dependency, ["later", "later", "later"]),
            (Kind::Capacity, ["later", "later", "later"]),
            (Kind::Quota, ["later", "later", "later"]),
            (Kind::Exists, ["later", "done", "later"]),
            (Kind::Mismatch, ["refused", "refused", "refused"]),
            (Kind::Denied, ["later", "later", "later"]),
            (Kind::Permanent, ["refused", "refused", "refused"]),
        ];
        for (kind, expected) in rows {
            let got = [&create, &attach, &delete].map(|call| verdict(call, kind, 0));
            assert_eq!(got, expected, "{kind:?}");
        }
        assert_eq!(verdict(&create, Kind::NotFound, TOO_EARLY_ATTEMPTS), "refused");
    }
}
