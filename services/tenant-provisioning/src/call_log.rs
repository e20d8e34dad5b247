//! The worker that compares each account's own log with our ledger.
//!
//! The log is read first and the ledger after, so that a call cannot be in the log and only on its way into the ledger.
//! CloudTrail delivers late, so each comparison goes back behind the last one. What is compared, and what a difference
//! means, is [`tenant_model::call_log`].

use std::collections::BTreeSet;

use aws_access::{AssumeError, AwsError, Broker, SessionIdentity, StepClass, TenantRole, TenantSession};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tenant_model::{
    Connection,
    call_log::{Difference, EventKind, LogEvent, Span, compare},
    ledger::{Account, Purpose, Round, accounts},
};
use tenant_store::{
    StoreError, connections, deployments, ledger,
    ledger_watch::{self, Watch},
};

use crate::{App, RequestError, findings};

/// A comparison is a few dozen questions; who holds one longer has died.
const LEASE_SECONDS: i32 = 300;
/// How far behind the last comparison the next one begins: CloudTrail delivers within a quarter of an hour, mostly.
const OVERLAP: TimeDelta = TimeDelta::minutes(45);
/// How far back the first comparison of a connection goes, and how long before its calls a round may have begun.
const BEFORE: TimeDelta = TimeDelta::hours(2);
/// Calls younger than that may still be on their way into the log.
const DELIVERY: TimeDelta = TimeDelta::minutes(15);
/// Most entries of the ledger compared at once; a day of busy work has fewer.
const ENTRIES_MAX: i64 = 100_000;
/// Where calls to IAM are signed for, and where global STS is.
const GLOBAL_REGION: &str = "us-east-1";

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The database did not do it.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// The log could not be read.
    #[error("the account's log could not be read")]
    Log(#[from] AwsError),
    /// The role was not assumed.
    #[error(transparent)]
    Assume(#[from] AssumeError),
}

/// Runs until the process stops.
pub(crate) async fn run(app: App) {
    loop {
        let worked = match compare_next(&app).await {
            Ok(worked) => worked,
            Err(error) => {
                tracing::warn!(error = %service_kit::Chain(&error), "an account's log could not be compared");
                false
            }
        };
        if app.kit.stopping.is_cancelled() {
            return;
        }
        if !worked {
            tokio::select! {
                () = app.kit.stopping.cancelled() => return,
                () = tokio::time::sleep(app.config.poll_interval) => {}
            }
        }
    }
}

/// Compares the log of the connection that has waited longest, if one is due.
///
/// # Errors
/// When the database does not answer. What AWS does not tell is a doubt in the connection's row instead.
pub async fn compare_next(app: &App) -> Result<bool, CompareError> {
    let mut tx = app.stores.begin_ops().await?;
    ledger_watch::enlist(&mut tx).await?;
    let watch = ledger_watch::claim(&mut tx, LEASE_SECONDS).await?;
    tx.commit().await?;
    let Some(watch) = watch else { return Ok(false) };
    match compare_one(app, &watch).await {
        Ok(()) | Err(CompareError::Store(StoreError::Stale)) => Ok(true),
        Err(CompareError::Store(error)) => Err(error.into()),
        Err(error) => doubt(app, &watch, &error).await.map(|()| true),
    }
}

async fn doubt(app: &App, watch: &Watch, error: &CompareError) -> Result<(), CompareError> {
    let why = match error {
        CompareError::Assume(AssumeError::Unavailable(error)) | CompareError::Log(error) => {
            format!("AWS answered {}", error.code)
        }
        CompareError::Assume(AssumeError::Denied) | CompareError::Store(_) => error.to_string(),
    };
    let seconds = seconds(app.config.compare_interval) << watch.attempt.clamp(0, 3);
    let mut tx = app.stores.begin(watch.tenant_id).await?;
    ledger_watch::doubt(&mut tx, watch, &why, seconds).await?;
    Ok(tx.commit().await?)
}

fn seconds(interval: std::time::Duration) -> i32 {
    i32::try_from(interval.as_secs()).unwrap_or(i32::MAX / 8).max(1)
}

#[tracing::instrument(skip_all, fields(tenant.id = %watch.tenant_id, connection.id = %watch.connection_id))]
async fn compare_one(app: &App, watch: &Watch) -> Result<(), CompareError> {
    let now = app.kit.clock.now();
    let from = watch.compared_until.map_or(now - BEFORE, |until| until - OVERLAP);
    let comparison = Comparison::open(app, watch, from).await?;
    let events = comparison.read_log().await;
    comparison.close().await?;
    let events = events?;
    let mut tx = app.stores.begin(watch.tenant_id).await?;
    let entries = ledger::list_since(&mut tx, watch.tenant_id, from - BEFORE, ENTRIES_MAX).await?;
    let accounts = accounts(&entries);
    let span = Span {
        from,
        delivered_until: now - DELIVERY,
    };
    for difference in compare(&accounts, &events, span) {
        let new = finding(watch, &difference);
        findings::write_down(&mut tx, app, watch.tenant_id, new).await?;
    }
    ledger_watch::record(&mut tx, watch, now, seconds(app.config.compare_interval)).await?;
    Ok(tx.commit().await?)
}

fn finding(watch: &Watch, difference: &Difference<'_>) -> findings::New {
    let (subject, detail) = match (difference.event, difference.missing) {
        (Some(event), _) => (event.id.clone(), told(watch, event)),
        (None, Some((action, request))) => (
            request.to_owned(),
            json!({"connection": watch.connection_id, "call": action, "request": request}),
        ),
        (None, None) => (String::new(), json!({})),
    };
    findings::New {
        kind: difference.kind,
        subject,
        detail,
    }
}

fn told(watch: &Watch, event: &LogEvent) -> serde_json::Value {
    json!({
        "connection": watch.connection_id,
        "event": event.id,
        "at": event.at,
        "region": event.region,
        "call": event.action,
        "session": event.session_name,
        "key": event.key,
        "error": event.error,
        "request": event.request_id,
        "source_identity": event.source_identity,
        "source_ip": event.source_ip,
    })
}

/// One comparison: a round of its own, whose calls are in the log as well.
struct Comparison<'a> {
    app: &'a App,
    round: Round,
    broker: Broker,
    role: TenantRole,
    from: DateTime<Utc>,
    /// Names of sessions that the ledger knows.
    names: BTreeSet<String>,
    /// Where work is done.
    at_work: BTreeSet<String>,
}

impl<'a> Comparison<'a> {
    async fn open(app: &'a App, watch: &Watch, from: DateTime<Utc>) -> Result<Self, CompareError> {
        let mut tx = app.stores.begin(watch.tenant_id).await?;
        let connection = connections::find(&mut tx, watch.connection_id)
            .await?
            .ok_or(StoreError::Stale)?;
        let entries = ledger::list_since(&mut tx, watch.tenant_id, from - BEFORE, ENTRIES_MAX).await?;
        let regions = deployments::list_regions(&mut tx, watch.tenant_id).await?;
        let round = round(app, watch);
        ledger::append(&mut tx, round.tenant_id, round.opened(), app.kit.clock.now()).await?;
        tx.commit().await?;
        let home = app.aws.settings().region.clone();
        let mut at_work: BTreeSet<String> = regions.into_iter().collect();
        at_work.extend([home, connection.region.clone(), GLOBAL_REGION.to_owned()]);
        let known = accounts(&entries)
            .into_iter()
            .map(|account: Account| account.session_name);
        Ok(Self {
            app,
            broker: app.aws.broker(),
            role: role(&connection),
            from,
            names: known.chain([round.session_name.clone()]).collect(),
            at_work,
            round,
        })
    }

    /// Who assumed the role, anywhere; what sessions of ours called, where we work; and what others' called, anywhere.
    async fn read_log(&self) -> Result<Vec<LogEvent>, CompareError> {
        let session = self.session().await?;
        let regions = session.enabled_regions().await?;
        let mut events = Vec::new();
        for region in &regions {
            events.extend(session.at(region).assumptions_since(self.from).await?);
        }
        let strangers = strangers(&events, &self.names);
        for region in &regions {
            let at_work = self.at_work.contains(region).then_some(&self.names);
            let names = at_work.into_iter().flatten().chain(&strangers);
            for name in names {
                events.extend(session.at(region).calls_since(name, self.from).await?);
            }
        }
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    async fn session(&self) -> Result<TenantSession, CompareError> {
        let identity = SessionIdentity {
            operation: self.round.session_name.clone(),
            source_identity: self.round.source_identity.clone(),
        };
        let home = &self.app.aws.settings().region;
        let session = self.broker.assume(&self.role, StepClass::Audit, home, &identity);
        Ok(session.await?)
    }

    async fn close(&self) -> Result<(), CompareError> {
        let line = self.round.closed(&self.broker.used());
        let mut tx = self.app.stores.begin(self.round.tenant_id).await?;
        ledger::append(&mut tx, self.round.tenant_id, line, self.app.kit.clock.now()).await?;
        Ok(tx.commit().await?)
    }
}

/// Names of sessions that somebody got and the ledger does not know.
fn strangers(events: &[LogEvent], known: &BTreeSet<String>) -> BTreeSet<String> {
    let assumed = |event: &&LogEvent| event.kind == EventKind::Assumed && event.error.is_none();
    let names = events
        .iter()
        .filter(assumed)
        .map(|event| event.session_name.clone());
    names.filter(|name| !known.contains(name)).collect()
}

fn round(app: &App, watch: &Watch) -> Round {
    Round {
        id: app.kit.ids.uuid(),
        tenant_id: watch.tenant_id,
        connection_id: watch.connection_id,
        purpose: Purpose::CompareLog,
        session_name: watch.connection_id.to_string(),
        source_identity: "reconciler".to_owned(),
        subject: watch.connection_id.to_string(),
        operation: None,
    }
}

fn role(connection: &Connection) -> TenantRole {
    TenantRole {
        tenant_id: connection.tenant_id,
        account: connection.aws_account_id.as_str().to_owned(),
        role_arn: connection.role_arn.clone(),
        external_id: connection.external_id.expose().into(),
    }
}

/// The findings of a tenant, or (operator) of all, in order of finding.
///
/// # Errors
/// When the database does not answer.
pub async fn list_findings(
    app: &App,
    tenant_id: Option<tenant_model::ids::TenantId>,
    after: Option<uuid::Uuid>,
    limit: u32,
) -> Result<Vec<tenant_store::findings::Finding>, RequestError> {
    let mut tx = crate::progress::begin_as(app, tenant_id).await?;
    Ok(tenant_store::findings::list(&mut tx, tenant_id, after, i64::from(limit)).await?)
}
