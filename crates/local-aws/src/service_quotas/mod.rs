//! Service Quotas: default and applied quotas, and requests to raise them.
//!
//! Other services ask [`ServiceQuotas::value`] before they make something. Only quotas of the [`catalogue`] exist.
//! Sources: Service Quotas API reference.

mod catalogue;
mod increase;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::catalogue::{QUOTAS, Quota, SERVICES, find, service_name};
use self::increase::Increase;
use crate::core::Core;
use crate::error::AwsError;
use crate::places::Places;
use crate::protocol::{Protocol, Reply, page};
use crate::service::{Call, Service};

/// AWS refuses to be asked for more than this by the API; such a request goes through support.
const DESIRED_MAX: u64 = 10_000_000_000;
const PAGE_MAX: u32 = 100;
/// Requests of an account that may be open at a time (Service Quotas user guide, "Service quotas for Service Quotas").
const OPEN_MAX: usize = 20;
const STATUSES: [&str; 7] = [
    "APPROVED",
    "CASE_CLOSED",
    "CASE_OPENED",
    "DENIED",
    "INVALID_REQUEST",
    "NOT_APPROVED",
    "PENDING",
];

/// One account's quotas in one region.
#[derive(Default, Serialize, Deserialize)]
struct Account {
    /// Values other than the default, by quota code.
    applied: BTreeMap<String, u64>,
    /// Requests by id, in order of their making.
    increases: BTreeMap<String, Increase>,
}

/// The service.
#[derive(Default)]
pub(crate) struct ServiceQuotas {
    places: Places<Account>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfQuota {
    service_code: String,
    quota_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    service_code: Option<String>,
    quota_code: Option<String>,
    status: Option<String>,
    next_token: Option<String>,
    max_results: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wish {
    service_code: String,
    quota_code: String,
    desired_value: serde_json::Number,
    context_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfRequest {
    request_id: String,
}

#[async_trait::async_trait]
impl Service for ServiceQuotas {
    fn signing_name(&self) -> &'static str {
        "servicequotas"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let answer = match call.operation.as_str() {
            "GetServiceQuota" => self.get(core, call, false),
            "GetAWSDefaultServiceQuota" => self.get(core, call, true),
            "ListServiceQuotas" => self.list(core, call, false),
            "ListAWSDefaultServiceQuotas" => self.list(core, call, true),
            "ListServices" => list_services(core, call),
            "RequestServiceQuotaIncrease" => self.request(core, call),
            "GetRequestedServiceQuotaChange" => self.get_request(core, call),
            "ListRequestedServiceQuotaChangeHistory" => self.history(core, call),
            "ListRequestedServiceQuotaChangeHistoryByQuota" => self.history_of_quota(core, call),
            other => Err(AwsError::not_implemented("servicequotas", other)),
        };
        answer.map(|value| Reply::json(&value))
    }

    fn snapshot(&self) -> Value {
        self.places.snapshot()
    }

    fn changes(&self) -> Vec<(String, Value)> {
        self.places.changes()
    }

    fn restore(&self, state: Value) -> Result<(), serde_json::Error> {
        self.places.restore(state)
    }
}

impl ServiceQuotas {
    /// What an account may have in a region, granted increases included. `None` for a code that is not known.
    pub(crate) fn value(&self, core: &Core, (account, region): (&str, &str), code: &str) -> Option<u64> {
        let quota = find(code)?;
        let now = core.clock.now();
        let applied = self.places.with(account, place_of(quota, region), |state| {
            let granted = state
                .increases
                .values()
                .filter(|increase| increase.code == code && increase.is_granted(now))
                .map(|increase| increase.desired);
            granted.chain(state.applied.get(code).copied()).max()
        });
        Some(applied.unwrap_or(quota.default))
    }

    /// Applies a value by hand; false for a code that is not known.
    pub(crate) fn set(&self, (account, region): (&str, &str), code: &str, value: u64) -> bool {
        let Some(quota) = find(code) else { return false };
        self.places.with(account, place_of(quota, region), |state| {
            state.increases.retain(|_, increase| increase.code != code);
            state.applied.insert(code.to_owned(), value);
        });
        true
    }

    fn get(&self, core: &Core, call: &Call, default: bool) -> Result<Value, AwsError> {
        let wanted: OfQuota = call.json()?;
        permit(core, call)?;
        let quota = known(&wanted.service_code, &wanted.quota_code)?;
        Ok(json!({ "Quota": self.view(core, call, quota, default) }))
    }

    fn list(&self, core: &Core, call: &Call, default: bool) -> Result<Value, AwsError> {
        let wanted: Listing = call.json()?;
        permit(core, call)?;
        let service = required(wanted.service_code.as_deref(), "ServiceCode")?;
        known_service(service)?;
        let quotas = QUOTAS.iter().filter(|quota| quota.service == service);
        let found = page(
            quotas,
            |quota| quota.code,
            wanted.next_token.as_deref(),
            size(wanted.max_results)?,
        )
        .ok_or_else(bad_token)?;
        let views: Vec<Value> = found
            .items
            .into_iter()
            .map(|quota| self.view(core, call, quota, default))
            .collect();
        Ok(json!({ "Quotas": views, "NextToken": found.next }))
    }

    fn request(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wish: Wish = call.json()?;
        let place = (call.caller.account.as_str(), call.region.as_str());
        permit_on(core, call, &wish)?;
        let quota = known(&wish.service_code, &wish.quota_code)?;
        let desired = self.granted_wish(core, place, (quota, &wish))?;
        let open = self.open_requests(place.0, call.now);
        self.places.with(place.0, place_of(quota, place.1), |state| {
            let mut asked = state.increases.values();
            if asked.any(|increase| increase.code == quota.code && !increase.is_granted(call.now)) {
                let why = "Only one open service quota increase request is allowed per quota.";
                return Err(AwsError::bad("ResourceAlreadyExistsException", why));
            }
            if open >= OPEN_MAX {
                let why = "You have exceeded the number of open quota increase requests for this account.";
                return Err(AwsError::bad("QuotaExceededException", why));
            }
            let increase = Increase {
                id: request_id(core, call.now),
                code: quota.code.to_owned(),
                desired,
                asked_at: call.now,
                granted_at: Increase::due(call.now, |typical| core.latency.of(typical)),
                requester: call.caller.principal_arn.clone(),
                case_id: core.ids.below(10_000_000_000).to_string(),
            };
            let view = increase.view(quota, place, call.now);
            state.increases.insert(increase.id.clone(), increase);
            Ok(json!({ "RequestedQuota": view }))
        })
    }

    /// The value of a wish that the quota's rules allow.
    fn granted_wish(
        &self,
        core: &Core,
        place: (&str, &str),
        (quota, wish): (&'static Quota, &Wish),
    ) -> Result<u64, AwsError> {
        let desired = whole(&wish.desired_value)?;
        if wish.context_id.is_some() {
            return Err(illegal("The quota does not apply to single resources"));
        }
        if !quota.adjustable {
            return Err(illegal("The quota cannot be adjusted"));
        }
        let present = self.value(core, place, quota.code).unwrap_or(quota.default);
        if desired <= present {
            return Err(illegal(
                "You must provide a quota value greater than the current quota value",
            ));
        }
        Ok(desired)
    }

    /// How many requests of an account wait, in all regions.
    fn open_requests(&self, wanted: &str, now: DateTime<Utc>) -> usize {
        let mut open = 0;
        self.places.for_each(|account, _, state| {
            if account == wanted {
                let waiting = state
                    .increases
                    .values()
                    .filter(|increase| !increase.is_granted(now));
                open += waiting.count();
            }
        });
        open
    }

    fn get_request(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfRequest = call.json()?;
        permit(core, call)?;
        let mut all = self.requests(call);
        all.retain(|(id, _)| *id == wanted.request_id);
        let (_, view) = all.pop().ok_or_else(|| missing("The request does not exist"))?;
        Ok(json!({ "RequestedQuota": view }))
    }

    fn history(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Listing = call.json()?;
        permit(core, call)?;
        if let Some(service) = &wanted.service_code {
            known_service(service)?;
        }
        self.matching(call, &wanted)
    }

    fn history_of_quota(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Listing = call.json()?;
        permit(core, call)?;
        known(
            required(wanted.service_code.as_deref(), "ServiceCode")?,
            required(wanted.quota_code.as_deref(), "QuotaCode")?,
        )?;
        self.matching(call, &wanted)
    }

    /// A page of the account's requests that a call asks for.
    fn matching(&self, call: &Call, wanted: &Listing) -> Result<Value, AwsError> {
        if let Some(status) = wanted
            .status
            .as_deref()
            .filter(|status| !STATUSES.contains(status))
        {
            return Err(illegal(&format!("{status} is not the status of a request")));
        }
        let is = |view: &Value, name: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| view[name] == wanted)
        };
        let mut all = self.requests(call);
        all.retain(|(_, view)| {
            is(view, "ServiceCode", &wanted.service_code)
                && is(view, "QuotaCode", &wanted.quota_code)
                && is(view, "Status", &wanted.status)
        });
        let found = page(
            all,
            |(id, _)| id.as_str(),
            wanted.next_token.as_deref(),
            size(wanted.max_results)?,
        )
        .ok_or_else(bad_token)?;
        let views: Vec<Value> = found.items.into_iter().map(|(_, view)| view).collect();
        Ok(json!({ "RequestedQuotas": views, "NextToken": found.next }))
    }

    /// The account's requests, of the call's region and of the global quotas, by id.
    fn requests(&self, call: &Call) -> Vec<(String, Value)> {
        let place = (call.caller.account.as_str(), call.region.as_str());
        let mut all = Vec::new();
        for region in [place.1, "global"] {
            self.places.with(place.0, region, |state| {
                let views = state.increases.values().filter_map(|increase| {
                    let quota = find(&increase.code)?;
                    Some((increase.id.clone(), increase.view(quota, place, call.now)))
                });
                all.extend(views);
            });
        }
        all.sort_by(|(one, _), (next, _)| one.cmp(next));
        all
    }

    fn view(&self, core: &Core, call: &Call, quota: &Quota, default: bool) -> Value {
        let place = (call.caller.account.as_str(), call.region.as_str());
        let applied = self.value(core, place, quota.code).filter(|_| !default);
        json!({
            "ServiceCode": quota.service,
            "ServiceName": service_name(quota.service),
            "QuotaArn": arn(quota, if default { "" } else { place.0 }, place.1),
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": applied.unwrap_or(quota.default),
            "Unit": "None",
            "Adjustable": quota.adjustable,
            "GlobalQuota": quota.global,
        })
    }
}

fn list_services(core: &Core, call: &Call) -> Result<Value, AwsError> {
    let wanted: Listing = call.json()?;
    permit(core, call)?;
    let found = page(
        SERVICES,
        |(code, _)| code,
        wanted.next_token.as_deref(),
        size(wanted.max_results)?,
    )
    .ok_or_else(bad_token)?;
    let views = found
        .items
        .into_iter()
        .map(|(code, name)| json!({ "ServiceCode": code, "ServiceName": name }));
    Ok(json!({ "Services": views.collect::<Vec<_>>(), "NextToken": found.next }))
}

/// Permission to ask for more of one quota, which has an ARN and a condition key.
fn permit_on(core: &Core, call: &Call, wish: &Wish) -> Result<(), AwsError> {
    let (service, code) = (&wish.service_code, &wish.quota_code);
    let global = find(code).is_some_and(|quota| quota.global);
    let region = if global { "" } else { call.region.as_str() };
    let arn = format!(
        "arn:aws:servicequotas:{region}:{}:{service}/{code}",
        call.caller.account
    );
    let context = call.context().with("servicequotas:service", service);
    core.authorize(
        &call.caller,
        "servicequotas:RequestServiceQuotaIncrease",
        &arn,
        &context,
    )
    .map_err(|denied| denied.into_error("AccessDeniedException"))
}

fn permit(core: &Core, call: &Call) -> Result<(), AwsError> {
    let action = format!("servicequotas:{}", call.operation);
    core.authorize(&call.caller, &action, "*", &call.context())
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}

/// The id of a request, 32 letters and digits; the time in front keeps the history in the order of its making.
fn request_id(core: &Core, now: DateTime<Utc>) -> String {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    format!("{millis:014x}{}", hex::encode(core.ids.bytes::<9>()))
}

/// The region under which a quota's values are kept.
fn place_of<'a>(quota: &Quota, region: &'a str) -> &'a str {
    if quota.global { "global" } else { region }
}

fn arn(quota: &Quota, account: &str, region: &str) -> String {
    let region = if quota.global { "" } else { region };
    format!(
        "arn:aws:servicequotas:{region}:{account}:{}/{}",
        quota.service, quota.code
    )
}

fn known_service(code: &str) -> Result<(), AwsError> {
    service_name(code)
        .map(|_| ())
        .ok_or_else(|| missing("The request failed because the specified service does not exist."))
}

fn known(service: &str, code: &str) -> Result<&'static Quota, AwsError> {
    known_service(service)?;
    let quota = find(code).filter(|quota| quota.service == service);
    quota.ok_or_else(|| missing("The request failed because the specified service quota does not exist."))
}

fn required<'a>(value: Option<&'a str>, name: &str) -> Result<&'a str, AwsError> {
    value.ok_or_else(|| illegal(&format!("{name} is missing")))
}

fn size(asked: Option<u32>) -> Result<usize, AwsError> {
    let size = asked.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&size) {
        return Err(illegal("MaxResults must be between 1 and 100"));
    }
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

/// Quotas of the catalogue are counts; AWS's API carries them as doubles.
fn whole(number: &serde_json::Number) -> Result<u64, AwsError> {
    let text = number.to_string();
    let digits = text.strip_suffix(".0").unwrap_or(&text);
    let value = digits.parse().ok().filter(|value| *value <= DESIRED_MAX);
    value.ok_or_else(|| illegal("DesiredValue must be a whole number that the quota can have"))
}

fn missing(why: &str) -> AwsError {
    AwsError::bad("NoSuchResourceException", why)
}

fn illegal(why: &str) -> AwsError {
    AwsError::bad("IllegalArgumentException", why)
}

fn bad_token() -> AwsError {
    AwsError::bad("InvalidPaginationTokenException", "Invalid input was provided.")
}
