//! Acting: the intent is committed, then the call is made, then its outcome is committed.

use std::collections::{BTreeMap, BTreeSet};

use aws_access::{Account, AwsError, AwsErrorKind, StepClass, ec2::Mark, with_request_id};
use futures_util::future::{join_all, try_join_all};
use tenant_model::{
    convergence::{Call, Effect, Idempotency, Next, removal},
    resource::{Intent, Outcome, ResourceRecord, ResourceState, client_token},
};
use tenant_store::{
    Conn, StoreError, connections,
    intents::Settlement,
    journal::{self, Conclusion, Terms},
    operations,
    resources::NewCreation,
    work,
};

use super::{PassError, case::Case, observe, repair, report};
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
    /// It had no effect, because AWS has no machine of that size there now.
    NoCapacity(String),
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
        let calls = choose(app, case);
        if calls.is_empty() {
            break;
        }
        perform(app, case, calls).await?;
        report::steps(app, case).await?;
    }
    Ok(())
}

/// The calls that can be made side by side: at most one for each resource, none on a branch that waits for another.
fn choose(app: &App, case: &Case) -> Vec<(String, Call)> {
    let left = app.config.calls_per_pass_max.saturating_sub(case.calls);
    let most = app
        .config
        .calls_at_once_max
        .min(usize::try_from(left).unwrap_or(usize::MAX));
    let names = case.order().into_iter();
    names
        .filter(|name| !case.held.contains_key(name))
        .filter_map(|name| call_for(case, &name).map(|call| (name, call)))
        .take(most)
        .collect()
}

/// A twin goes before anything else happens to its name. Without an operation nothing but twins is touched, unless the
/// tenant has drift repaired.
fn call_for(case: &Case, name: &str) -> Option<Call> {
    let claimed = case.claimed(name);
    let next = match claimed.twins.first() {
        Some(twin) => removal(&twin.aws_id, &twin.shape),
        None if case.operation.is_some() => case.next(name),
        None => return repair::call(case, name),
    };
    match next {
        Next::Call(call) => Some(call),
        Next::Settled | Next::Wait | Next::Stuck(_) => None,
    }
}

async fn perform(app: &App, case: &mut Case, calls: Vec<(String, Call)>) -> Result<(), PassError> {
    let intents: Vec<Intent> = calls
        .into_iter()
        .filter_map(|(name, call)| draft(app, case, name, call))
        .collect();
    // The sessions first: getting one may take as long as the call itself.
    let sessions = sessions(case, &intents).await?;
    write_down(app, case, &intents).await?;
    case.calls += u32::try_from(intents.len()).unwrap_or(u32::MAX);
    let made = intents.iter().map(|intent| make(case, &sessions, intent));
    let answers: Vec<Answer> = join_all(made).await;
    let answered: Vec<(&Intent, &Answer)> = intents.iter().zip(&answers).collect();
    record_and_look(app, case, &answered).await
}

fn draft(app: &App, case: &Case, name: String, call: Call) -> Option<Intent> {
    let incarnation = case.records.get(&name)?.incarnation;
    let ids = (case.deployment.tenant_id, case.deployment.id);
    Some(Intent {
        id: app.kit.ids.uuid(),
        token: client_token(ids.0, ids.1, &name, incarnation),
        name,
        incarnation,
        call,
        outcome: Outcome::Open,
        empty_looks: 0,
        due_at: None,
    })
}

/// One session for each class of step that the calls are in.
type Sessions = BTreeMap<StepClass, Account>;

async fn sessions(case: &Case, intents: &[Intent]) -> Result<Sessions, PassError> {
    let classes: BTreeSet<StepClass> = intents.iter().map(|intent| intent.call.facts().class).collect();
    let needed = classes.into_iter().filter(|class| *class != StepClass::Dns);
    let opened = needed.map(|class| async move { Ok((class, case.account(class).await?)) });
    let opened: Vec<(StepClass, Account)> = try_join_all(opened).await.map_err(|error: PassError| error)?;
    Ok(opened.into_iter().collect())
}

/// Makes a call once more under its old intent.
pub(super) async fn repeat(app: &App, case: &mut Case, intent: &Intent) -> Result<(), PassError> {
    let sessions = sessions(case, std::slice::from_ref(intent)).await?;
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    still_connected(&mut tx, case).await?;
    case.books
        .intended(&mut tx, app, std::slice::from_ref(intent))
        .await?;
    tx.commit().await?;
    case.calls += 1;
    let answer = make(case, &sessions, intent).await;
    record_and_look(app, case, &[(intent, &answer)]).await
}

async fn record_and_look(
    app: &App,
    case: &mut Case,
    answered: &[(&Intent, &Answer)],
) -> Result<(), PassError> {
    record(app, case, answered).await?;
    let mut kinds = BTreeSet::new();
    for (intent, answer) in answered {
        match answer {
            Answer::Done(_) => kinds.extend(case.records.get(&intent.name).map(|record| record.kind)),
            Answer::NoCapacity(why) => {
                case.held.insert(intent.name.clone(), why.clone());
                case.no_capacity = Some(why.clone());
            }
            Answer::Later(why) | Answer::Refused(why) | Answer::Spent(why) | Answer::Lost(why) => {
                case.held.insert(intent.name.clone(), why.clone());
            }
        }
    }
    if kinds.is_empty() {
        return Ok(());
    }
    observe::again(case, &kinds).await?;
    observe::remember(app, case).await?;
    for (intent, answer) in answered {
        if matches!(answer, Answer::Done(_)) {
            wait_for_effect(case, intent);
        }
    }
    Ok(())
}

/// What AWS has accepted may not show yet. Until it does nothing more is asked of the resource in this pass: the same
/// call again would only be answered by "exists".
fn wait_for_effect(case: &mut Case, intent: &Intent) {
    let ends = intent.call.ends().is_some() && case.claimed(&intent.name).kept.is_some();
    let why = if ends {
        "AWS is still taking it away"
    } else if case.next(&intent.name) == Next::Call(intent.call.clone()) {
        "AWS does not show it yet"
    } else {
        return;
    };
    case.held.insert(intent.name.clone(), why.to_owned());
}

/// First commit. From here on the calls may have happened.
async fn write_down(app: &App, case: &mut Case, intents: &[Intent]) -> Result<(), PassError> {
    let terms = Terms {
        operation_id: case.operation.as_ref().map(|operation| operation.id),
        connection_id: case.deployment.connection_id,
    };
    let begun: Vec<(&Intent, ResourceRecord)> = intents
        .iter()
        .filter_map(|intent| {
            let record = case.records.get(&intent.name)?;
            let state = under_way(&intent.call, record.state);
            Some((
                intent,
                ResourceRecord {
                    state,
                    ..record.clone()
                },
            ))
        })
        .collect();
    let calls: Vec<_> = begun
        .iter()
        .map(|(intent, record)| (*intent, record.state))
        .collect();
    let mut tx = app.stores.begin(case.deployment.tenant_id).await?;
    journal::begin(&mut tx, &case.lease, &terms, &calls).await?;
    case.books.intended(&mut tx, app, intents).await?;
    tx.commit().await?;
    let names = intents.iter().map(|intent| (intent.name.clone(), intent.id));
    case.intents.extend(names);
    let records = begun.into_iter().map(|(_, record)| (record.name.clone(), record));
    case.records.extend(records);
    Ok(())
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
        (Effect::Update | Effect::Detach | Effect::Delete, _) => ResourceState::Updating,
    }
}

async fn make(case: &Case, sessions: &Sessions, intent: &Intent) -> Answer {
    let mark = Mark {
        scope: &case.scope,
        name: &intent.name,
        intent: intent.id,
        token: &intent.token,
    };
    let (reply, request) = match sessions.get(&intent.call.facts().class) {
        // On the heap: the futures of all services' calls lie side by side in it.
        Some(account) => with_request_id(Box::pin(account.carry_out(&intent.call, &mark))).await,
        None => (Box::pin(case.dns.carry_out(&intent.call)).await, None),
    };
    case.books.note_request(intent.id, request);
    let answer = judge(&intent.call, reply, case.lease.attempt);
    metrics::counter!("tenantry_provisioning_calls_total", "action" => intent.call.action()).increment(1);
    tracing::info!(
        aws.operation = intent.call.action(),
        resource = intent.name,
        answer = ?answer,
        "called AWS"
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
        (AwsErrorKind::NotFound, Effect::Detach | Effect::Delete) => Answer::Done(None),
        (AwsErrorKind::Exists, Effect::Update) if call.idempotency() == Idempotency::NaturalKey => {
            Answer::Done(None)
        }
        (AwsErrorKind::Unknown, _) => Answer::Lost(why),
        (AwsErrorKind::Capacity, _) => Answer::NoCapacity(why),
        (AwsErrorKind::NotFound, Effect::Create | Effect::Update) if attempt < TOO_EARLY_ATTEMPTS => {
            Answer::Later(why)
        }
        (AwsErrorKind::NotFound | AwsErrorKind::Mismatch | AwsErrorKind::Permanent, _) => {
            Answer::Refused(why)
        }
        (
            AwsErrorKind::Throttled
            | AwsErrorKind::Dependency
            | AwsErrorKind::Quota
            | AwsErrorKind::Exists
            | AwsErrorKind::Denied,
            _,
        ) => Answer::Later(why),
    }
}

/// Second commit: what the calls came to.
pub(super) async fn record(
    app: &App,
    case: &mut Case,
    answered: &[(&Intent, &Answer)],
) -> Result<(), PassError> {
    let now = app.kit.clock.now();
    let records: Vec<ResourceRecord> = answered
        .iter()
        .filter_map(|(intent, answer)| {
            let record = case.records.get(&intent.name)?.clone();
            Some(after(&intent.call, record, answer, now))
        })
        .collect();
    let conclusions: Vec<Conclusion<'_>> = answered
        .iter()
        .zip(&records)
        .map(|((intent, answer), record)| Conclusion {
            intent_id: intent.id,
            settlement: settlement(answer),
            record,
            created: made(case, (&intent.call, answer), record),
        })
        .collect();
    let mut tx = app.stores.begin(case.deployment.tenant_id).await?;
    journal::conclude(&mut tx, &case.lease, &conclusions).await?;
    if answered
        .iter()
        .any(|(_, answer)| matches!(answer, Answer::Refused(_)))
    {
        count_refusal(&mut tx, app, case).await?;
    }
    for (intent, answer) in answered {
        let settlement = settlement(answer);
        case.books.answered(&mut tx, app, (intent, &settlement)).await?;
    }
    tx.commit().await?;
    case.records
        .extend(records.into_iter().map(|record| (record.name.clone(), record)));
    Ok(())
}

/// The id that a call has made ours.
fn made<'a>(
    case: &'a Case,
    (call, answer): (&Call, &'a Answer),
    record: &'a ResourceRecord,
) -> Option<NewCreation<'a>> {
    let (Effect::Create, Answer::Done(Some(aws_id))) = (call.effect(), answer) else {
        return None;
    };
    Some(NewCreation {
        aws_id,
        kind: record.kind,
        name: &record.name,
        region: &case.deployment.region,
    })
}

fn settlement(answer: &Answer) -> Settlement<'_> {
    let (outcome, aws_id, error) = match answer {
        Answer::Done(made) => (Outcome::Done, made.as_deref(), None),
        Answer::Later(why) | Answer::NoCapacity(why) | Answer::Refused(why) | Answer::Spent(why) => {
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
            // False when the call is about a twin of the recorded resource.
            if call
                .ends()
                .is_some_and(|ended| record.aws_id.as_deref() == Some(ended))
            {
                record.state = ResourceState::Deleting;
            }
        }
        Answer::Later(why) | Answer::NoCapacity(why) => record.last_error = Some(why.clone()),
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
            Answer::NoCapacity(_) => "no capacity",
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
            (Kind::Capacity, ["no capacity", "no capacity", "no capacity"]),
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
