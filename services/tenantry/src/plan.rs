//! Plans on the command line: asking for one, reading it, approving it, watching what becomes of it.
//!
//! All of it goes through the API, as whoever the access token belongs to.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tenant_model::deployment::Profile;
use tenantry::Client;

use crate::cli::{ApproveArgs, PlanArgs, Remote, WatchArgs};

/// Between two looks at an operation under way.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

fn client(remote: &Remote) -> Client {
    Client::new(&remote.api).with(&remote.token)
}

/// Asks for a plan and prints it.
pub(crate) async fn plan(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let api = client(&args.remote);
    let operation = match (&args.deployment, args.delete) {
        (Some(id), true) => api.delete(&format!("/v1/deployments/{id}")).await?,
        (Some(id), false) => change(&api, id, args).await?,
        (None, true) => bail!("name the deployment to delete"),
        (None, false) => api.post("/v1/deployments", &wish(args)?).await?,
    };
    show(&operation, args.json)?;
    Ok(ExitCode::SUCCESS)
}

fn wish(args: &PlanArgs) -> anyhow::Result<Value> {
    let connection = args.connection.as_ref();
    let region = args.region.as_ref();
    Ok(json!({
        "connection_id": connection.context("name the connection, or the deployment to change")?,
        "region": region.context("name the region")?,
        "profile": args.profile.map_or("single", Profile::name),
        "instance_type": args.instance_type,
        "database": args.database,
    }))
}

/// With nothing different it is the plan that puts right what drifted.
async fn change(api: &Client, id: &str, args: &PlanArgs) -> anyhow::Result<Value> {
    let path = format!("/v1/deployments/{id}");
    let seen = api.send(Method::GET, &path, None, &[]).await?;
    let etag = seen.etag.unwrap_or_default();
    let body = json!({
        "instance_type": args.instance_type,
        "profile": args.profile.map(Profile::name),
        "database": args.database.then_some(true),
    });
    let planned = api
        .send(Method::PATCH, &path, Some(&body), &[("if-match", &etag)])
        .await?;
    if !planned.status.is_success() {
        bail!("{}", refusal(&planned.body));
    }
    Ok(planned.body)
}

/// Approves a plan by its hash. One that is no longer true is refused, and the present one printed.
pub(crate) async fn approve(args: &ApproveArgs) -> anyhow::Result<ExitCode> {
    let api = client(&args.remote);
    let path = format!("/v1/operations/{}/approve", args.operation);
    let body = json!({"plan_hash": args.plan_hash});
    let answer = api.send(Method::POST, &path, Some(&body), &[]).await?;
    if answer.body["code"] == "plan-stale" {
        eprintln!("{}", refusal(&answer.body));
        print!("{}", table(&answer.body["plan"]));
        return Ok(ExitCode::FAILURE);
    }
    if !answer.status.is_success() {
        bail!("{}", refusal(&answer.body));
    }
    if answer.body["state"] == "awaiting_approval" {
        println!("approved; another person has to approve it as well");
    } else {
        println!("approved; it is carried out");
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints each step as it is done, until the operation has ended.
pub(crate) async fn watch(args: &WatchArgs) -> anyhow::Result<ExitCode> {
    let (api, path) = (client(&args.remote), format!("/v1/operations/{}", args.operation));
    let mut told: Vec<String> = Vec::new();
    loop {
        let operation = api.get(&path).await?;
        for step in operation["steps"].as_array().into_iter().flatten() {
            let line = format!("{:<8} {}", text(&step["state"]), text(&step["name"]));
            if step["state"] != "pending" && !told.contains(&line) {
                println!("{line}");
                told.push(line);
            }
        }
        match operation["state"].as_str().unwrap_or_default() {
            "succeeded" => return Ok(ExitCode::SUCCESS),
            ended @ ("failed" | "cancelled") => {
                eprintln!("{ended} {}", text(&operation["problem"]));
                return Ok(ExitCode::FAILURE);
            }
            _ => tokio::time::sleep(LOOK_INTERVAL).await,
        }
    }
}

fn refusal(problem: &Value) -> String {
    let mut words = format!("{}: {}", text(&problem["title"]), text(&problem["detail"]));
    for field in problem["errors"].as_array().into_iter().flatten() {
        words.push_str(&format!(
            " {}: {}",
            text(&field["pointer"]),
            text(&field["detail"])
        ));
    }
    words
}

fn show(operation: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(operation)?);
        return Ok(());
    }
    let (id, plan) = (text(&operation["id"]), &operation["plan"]);
    print!("{}", table(plan));
    let needed = operation["approvals"]["needed"].as_u64().unwrap_or(1);
    println!(
        "approve with ({needed} needed): tenantry approve {id} {}",
        text(&plan["hash"])
    );
    Ok(())
}

/// The plan as lines of text.
fn table(plan: &Value) -> String {
    let mut lines = Vec::new();
    for line in plan["lines"].as_array().into_iter().flatten() {
        let sign = match line["change"].as_str().unwrap_or_default() {
            "create" => "+",
            "update" => "~",
            _ => "-",
        };
        let (before, after) = (text(&line["before"]), text(&line["after"]));
        let arrow = match (before.is_empty(), after.is_empty()) {
            (true, _) => after,
            (false, true) => format!("{before} → gone"),
            (false, false) if before == after => after,
            (false, false) => format!("{before} → {after}"),
        };
        lines.push(format!(
            "{sign} {:<28} {arrow}  ({})",
            text(&line["resource"]),
            text(&line["reason"])
        ));
    }
    let cost = &plan["cost"];
    lines.push(String::new());
    for line in cost["lines"].as_array().into_iter().flatten().chain([cost]) {
        let item = line["item"].as_str().unwrap_or("together, USD a month");
        let (now, then) = (text(&line["before_monthly_usd"]), text(&line["monthly_usd"]));
        lines.push(format!(
            "  {item:<44} {now:>9} → {then:>9}  {:>9}",
            text(&line["delta_monthly_usd"])
        ));
    }
    lines.push(format!(
        "  prices of {} in {}",
        text(&cost["prices_as_of"]),
        text(&cost["prices_region"])
    ));
    lines.push(String::new());
    let timing = &plan["timing"];
    let downtime = timing["downtime_seconds"]
        .as_u64()
        .map_or_else(|| "from then on".to_owned(), |seconds| format!("{seconds} s"));
    lines.push(format!(
        "takes about {} s; downtime {downtime}: {}",
        timing["expected_seconds"],
        text(&timing["downtime"])
    ));
    for need in plan["needs"]["quotas"].as_array().into_iter().flatten() {
        lines.push(format!(
            "needs {} more {} ({})",
            need["more"],
            text(&need["name"]),
            text(&need["code"])
        ));
    }
    for words in plan["irreversible"].as_array().into_iter().flatten() {
        lines.push(format!("cannot be undone: {}", text(words)));
    }
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_as_a_difference_with_its_cost() {
        let plan = json!({
            "lines": [
                {"change": "update", "resource": "instance", "before": "t3.medium", "after": "m6i.large", "reason": "it changes as asked"},
                {"change": "delete", "resource": "vpc", "before": "10.42.0.0/16", "after": null, "reason": "the deployment ends"},
            ],
            "cost": {
                "lines": [{"item": "instance m6i.large", "before_monthly_usd": "30.37", "monthly_usd": "70.08", "delta_monthly_usd": "39.71"}],
                "before_monthly_usd": "30.37", "monthly_usd": "70.08", "delta_monthly_usd": "39.71",
                "prices_as_of": "2026-11-01", "prices_region": "us-east-1",
            },
            "timing": {"expected_seconds": 180, "downtime_seconds": 180, "downtime": "stopped and started"},
            "needs": {"quotas": [{"more": 2, "name": "vCPUs", "code": "L-1216C47A"}]},
            "irreversible": ["the data goes"],
        });
        let text = table(&plan);
        for line in [
            "~ instance                     t3.medium → m6i.large  (it changes as asked)",
            "- vpc                          10.42.0.0/16 → gone  (the deployment ends)",
            "takes about 180 s; downtime 180 s: stopped and started",
            "needs 2 more vCPUs (L-1216C47A)",
            "cannot be undone: the data goes",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
        }
        assert!(text.contains("30.37 →     70.08      39.71"), "{text}");
    }
}
