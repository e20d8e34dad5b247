//! GetStatementResult and GetStatementResultV2.
//!
//! Results are there only when the whole submission has finished: a batch's by the sub-statement's own id. The format
//! that was asked for at submission decides which of the two operations gives it. Sources: the API pages of those names.

use std::sync::Arc;

use serde_json::json;

use super::ask::Asked;
use super::statement::{ResultSet, Status};
use super::{RedshiftData, bad_token, csv, validation, views};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Reply;
use crate::service::Call;

/// Rows of one page of a result.
const PAGE_ROWS: usize = 1_000;

impl RedshiftData {
    pub(super) async fn result(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let asked = self.asked(core, call)?;
        asked.wait().await?;
        if asked.statement.submission.csv {
            return Err(validation(
                "The result is in the format CSV: fetch it with GetStatementResultV2",
            ));
        }
        let result = result_of(&asked)?;
        let from = position(&asked, &result)?;
        Ok(Reply::json(&views::page(&result, from, PAGE_ROWS)))
    }

    pub(super) async fn result_v2(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let asked = self.asked(core, call)?;
        asked.wait().await?;
        if !asked.statement.submission.csv {
            return Err(validation(
                "The result is in the format JSON: fetch it with GetStatementResult",
            ));
        }
        let result = result_of(&asked)?;
        let from = position(&asked, &result)?;
        let mut page = views::page_facts(&result, from, PAGE_ROWS);
        page["Records"] = json!([{ "CSVRecords": csv::rows(&result, from, PAGE_ROWS) }]);
        page["ResultFormat"] = json!("CSV");
        Ok(Reply::json(&page))
    }
}

fn result_of(asked: &Asked) -> Result<Arc<ResultSet>, AwsError> {
    let progress = asked.statement.progress();
    if asked.statement.submission.batch && asked.number.is_none() {
        return Err(validation(
            "a batch has its results by the ids of its sub-statements",
        ));
    }
    let step = progress
        .steps
        .get(asked.number.unwrap_or(1) - 1)
        .ok_or_else(|| asked.not_found())?;
    let finished = step
        .result
        .clone()
        .filter(|_| progress.status == Status::Finished);
    finished.ok_or_else(|| {
        AwsError::bad(
            "ResourceNotFoundException",
            "Query does not have result. Please check query status with DescribeStatement.",
        )
    })
}

/// The row that a token stands for.
fn position(asked: &Asked, result: &ResultSet) -> Result<usize, AwsError> {
    let Some(token) = &asked.request.next_token else {
        return Ok(0);
    };
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let row = text.and_then(|text| text.strip_prefix("row ")?.parse().ok());
    row.filter(|row| *row < result.rows.len()).ok_or_else(bad_token)
}

/// The token of a row.
pub(super) fn token(row: usize) -> String {
    data_encoding::BASE64URL_NOPAD.encode(format!("row {row}").as_bytes())
}
