//! Checking what was downloaded, offline: with a file, the installation's public keys and nothing else.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use onboarding::evidence::{EVIDENCE_TYPE, PROOF_TYPE};
use serde_json::Value;
use service_kit::auth::{verify_document, verify_file};
use tenant_model::certificate::CERTIFICATE_TYPE;
use tenant_model::ledger_file::{Place, verify_part};
use tenant_provisioning::ledger::LEDGER_TYPE;

use crate::cli::{VerifyFileArgs, VerifyLedgerArgs};

/// Checks a downloaded evidence document, of all rounds or of one.
pub(crate) fn evidence(args: &VerifyFileArgs) -> anyhow::Result<ExitCode> {
    let document = signed(args, EVIDENCE_TYPE).or_else(|_| signed(args, PROOF_TYPE))?;
    let told = match document["rounds"].as_array() {
        Some(rounds) => format!(
            "{}, proven {}, {} rounds",
            text(&document, "state"),
            text(&document, "proven_at"),
            rounds.len()
        ),
        None => format!(
            "one round, {}",
            document["round"]["verdict"]["verdict"].as_str().unwrap_or("–")
        ),
    };
    println!(
        "good: {} in account {}, {told}, issued {}",
        text(&document, "role_arn"),
        text(&document, "aws_account_id"),
        text(&document, "issued_at")
    );
    Ok(ExitCode::SUCCESS)
}

/// Checks a downloaded certificate of deletion.
pub(crate) fn certificate(args: &VerifyFileArgs) -> anyhow::Result<ExitCode> {
    let document = signed(args, CERTIFICATE_TYPE)?;
    println!(
        "good: {} in account {} is deleted; {} ids accounted for, {} items retained, {} sweeps, issued {}",
        text(&document, "deployment"),
        text(&document, "aws_account_id"),
        count(&document, "ids"),
        count(&document, "retained"),
        count(&document, "sweeps"),
        text(&document, "issued_at")
    );
    Ok(ExitCode::SUCCESS)
}

/// Checks downloaded parts of a ledger: each chain, that each part goes on where the one before ends, and with keys the
/// signatures.
pub(crate) fn ledger(args: &VerifyLedgerArgs) -> anyhow::Result<ExitCode> {
    let keys = args.keys.as_deref().map(json).transpose()?;
    let mut end: Option<Place> = None;
    let mut entries = 0;
    for path in &args.files {
        let file = json(path)?;
        let part = verify_part(&file).with_context(|| format!("{} is not whole", path.display()))?;
        if end.is_some_and(|end| end != part.after) {
            bail!("{} does not go on where the file before it ends", path.display());
        }
        if let Some(keys) = &keys {
            check_signature(keys, &file)
                .with_context(|| format!("{} is not signed by these keys", path.display()))?;
        }
        entries += part.end.0 - part.after.0;
        end = Some(part.end);
    }
    let (sequence, head) = end.context("name at least one file")?;
    let head: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = if keys.is_some() {
        "signed"
    } else {
        "signatures not checked: no --keys"
    };
    println!("good: {entries} entries, up to {sequence}, head {head}, {signed}");
    Ok(ExitCode::SUCCESS)
}

fn check_signature(keys: &Value, file: &Value) -> anyhow::Result<()> {
    let jws = file["jws"].as_str().context("the file has no signature")?;
    if verify_document(keys, LEDGER_TYPE, jws)? != file["document"] {
        bail!("the document shown is not the one that was signed");
    }
    Ok(())
}

fn signed(args: &VerifyFileArgs, typ: &str) -> anyhow::Result<Value> {
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    Ok(verify_file(&json(&args.keys)?, typ, &bytes)?)
}

fn json(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or("–").to_owned()
}

fn count(document: &Value, name: &str) -> usize {
    document[name].as_array().map_or(0, Vec::len)
}
