//! ListStatements and ListSessions: what the caller's role or user has run in the last 24 hours.
//!
//! Sources: API_ListStatements, API_ListSessions.

use serde::Deserialize;
use serde_json::json;

use super::session::{Session, SessionStatus};
use super::statement::{Owner, Statement};
use super::target::Target;
use super::{RedshiftData, bad_token, page_size, permit, validation, views};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Reply;
use crate::service::Call;

/// Most entries of one page.
const PAGE_MAX: usize = 100;
const STATEMENT_STATUSES: [&str; 7] = [
    "SUBMITTED",
    "PICKED",
    "STARTED",
    "FINISHED",
    "ABORTED",
    "FAILED",
    "ALL",
];
const SESSION_STATUSES: [&str; 3] = ["AVAILABLE", "BUSY", "CLOSED"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListStatements {
    next_token: Option<String>,
    max_results: Option<i64>,
    statement_name: Option<String>,
    status: Option<String>,
    role_level: Option<bool>,
    #[serde(flatten)]
    target: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListSessions {
    next_token: Option<String>,
    max_results: Option<i64>,
    session_id: Option<String>,
    status: Option<String>,
    role_level: Option<bool>,
    #[serde(flatten)]
    target: Target,
}

impl RedshiftData {
    pub(super) fn list_statements(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let request: ListStatements = call.json()?;
        let owner = Owner::of(call);
        permit_list(core, call, &owner)?;
        check_filter(&request.target, request.status.as_deref(), &STATEMENT_STATUSES)?;
        let size = page_size(request.max_results, PAGE_MAX)?;
        let before = position(request.next_token.as_deref())?;
        let role_level = request.role_level.unwrap_or(true);
        let mut statements = self.registry.list(&owner, role_level, call.now);
        statements.retain(|statement| {
            let prefix = request.statement_name.as_deref().unwrap_or_default();
            let name = statement.submission.name.as_deref().unwrap_or_default();
            before.is_none_or(|before| statement.number < before)
                && name.starts_with(prefix)
                && lies_in(&request.target, &statement.target)
                && has_status(statement, request.status.as_deref())
        });
        let more = statements.len() > size;
        statements.truncate(size);
        let views = statements.iter().map(|statement| views::listed(statement));
        let mut listed = json!({ "Statements": views.collect::<Vec<_>>() });
        if let Some(last) = statements.last().filter(|_| more) {
            listed["NextToken"] = token(last.number).into();
        }
        Ok(Reply::json(&listed))
    }

    pub(super) fn list_sessions(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let request: ListSessions = call.json()?;
        let owner = Owner::of(call);
        permit_list(core, call, &owner)?;
        check_filter(&request.target, request.status.as_deref(), &SESSION_STATUSES)?;
        check_alone(&request)?;
        let size = page_size(request.max_results, PAGE_MAX)?;
        let before = position(request.next_token.as_deref())?;
        let role_level = request.role_level.unwrap_or(true);
        let mut sessions = self.registry.sessions(&owner, role_level, call.now);
        sessions.retain(|session| match &request.session_id {
            Some(id) => session.id == *id,
            None => {
                lies_in(&request.target, &session.target)
                    && is_listed(session, request.status.as_deref(), call)
            }
        });
        if request.session_id.is_some() && sessions.is_empty() {
            return Err(AwsError::bad(
                "ResourceNotFoundException",
                "Session does not exist.",
            ));
        }
        sessions.retain(|session| before.is_none_or(|before| session.number < before));
        let more = sessions.len() > size;
        sessions.truncate(size);
        let views = sessions.iter().map(|session| views::session(session, call.now));
        let mut listed = json!({ "Sessions": views.collect::<Vec<_>>() });
        if let Some(last) = sessions.last().filter(|_| more) {
            listed["NextToken"] = token(last.number).into();
        }
        Ok(Reply::json(&listed))
    }
}

fn permit_list(core: &Core, call: &Call, owner: &Owner) -> Result<(), AwsError> {
    let context = call
        .context()
        .with("redshift-data:statement-owner-iam-userid", owner.user_id.clone());
    permit(core, call, "*", &context)
}

fn check_filter(target: &Target, status: Option<&str>, known: &[&str]) -> Result<(), AwsError> {
    if target.cluster_identifier.is_some() && target.workgroup_name.is_some() {
        return Err(validation(
            "ClusterIdentifier and WorkgroupName cannot be given together",
        ));
    }
    target.check_names()?;
    match status {
        Some(status) if !known.contains(&status) => Err(validation(format!(
            "1 validation error detected: Value '{status}' at 'status' failed to satisfy constraint: Member must satisfy enum value set: {known:?}"
        ))),
        _ => Ok(()),
    }
}

/// A session asked for by its id is asked for by nothing else.
fn check_alone(request: &ListSessions) -> Result<(), AwsError> {
    let filtered = request.status.is_some() || request.target != Target::default();
    if request.session_id.is_some() && filtered {
        return Err(validation(
            "Status, ClusterIdentifier, WorkgroupName and Database cannot be given with SessionId",
        ));
    }
    Ok(())
}

fn lies_in(wanted: &Target, own: &Target) -> bool {
    let is = |wanted: Option<&str>, own: Option<&str>| wanted.is_none() || wanted == own;
    is(
        wanted.cluster_identifier.as_deref(),
        own.cluster_identifier.as_deref(),
    ) && is(wanted.workgroup(), own.workgroup())
        && is(wanted.database.as_deref(), own.database.as_deref())
}

/// API_ListStatements: "By default, only finished statements are shown."
fn has_status(statement: &Statement, wanted: Option<&str>) -> bool {
    let wanted = wanted.unwrap_or("FINISHED");
    wanted == "ALL" || json!(statement.status()) == wanted
}

fn is_listed(session: &Session, wanted: Option<&str>, call: &Call) -> bool {
    let status = session.view(call.now).status;
    match wanted {
        Some(wanted) => json!(status) == wanted,
        None => status != SessionStatus::Closed,
    }
}

fn token(number: u64) -> String {
    data_encoding::BASE64URL_NOPAD.encode(format!("before {number}").as_bytes())
}

fn position(token: Option<&str>) -> Result<Option<u64>, AwsError> {
    let Some(token) = token else { return Ok(None) };
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let number = text.and_then(|text| text.strip_prefix("before ")?.parse().ok());
    number.map(Some).ok_or_else(bad_token)
}
