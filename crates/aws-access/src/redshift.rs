//! SQL on a warehouse through the Redshift Data API: a statement is handed in, asked about, and read.
//!
//! The API answers at once with an id; what the statement did is asked with [`Warehouse::describe`]. A lost
//! answer to a hand-in is nobody's knowledge: the caller looks into the warehouse's own ledger
//! (<https://docs.aws.amazon.com/redshift-data/latest/APIReference/Welcome.html>).

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::types::{ExecutionMode, Field, SqlParameter, StatusString};

use crate::{Aws, AwsError};

/// Limits of the Data API, read 2026-11 from its guide ("Considerations when calling the Data API").
pub mod limits {
    /// Statements of one BatchExecuteStatement.
    pub const STATEMENTS_PER_BATCH: usize = 40;
    /// Bytes of one SQL text.
    pub const SQL_BYTES: usize = 100 * 1024;
    /// Longest wait of one DescribeStatement is 30 s; ours stays below the time we give any call.
    pub const WAIT_SECONDS: i32 = 8;
}

/// Rows of a result that we read at most. Ours have one row per meter.
const RESULT_ROWS_MAX: usize = 100_000;

/// What runs the SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compute {
    /// Redshift Serverless.
    Workgroup {
        /// Its name.
        name: String,
    },
    /// A provisioned cluster, with temporary credentials of a database user.
    Cluster {
        /// Its identifier.
        identifier: String,
        /// The database user.
        db_user: String,
    },
}

/// Which warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarehouseSettings {
    /// What runs the SQL.
    pub compute: Compute,
    /// Database in it.
    pub database: String,
}

/// A warehouse as the ISV's own account sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Warehouse {
    reads: Client,
    writes: Client,
    settings: WarehouseSettings,
}

/// Statements that run as one transaction: all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// In order. Text comes in by `:name` only.
    pub statements: Vec<String>,
    /// Shared by all statements; each must be used by at least one.
    pub parameters: Vec<(&'static str, String)>,
    /// The same token and request give the same statement id, for hours but not for ever.
    pub client_token: String,
    /// For people who list statements.
    pub name: String,
}

/// How a statement stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementState {
    /// Accepted, waiting or at work.
    Running,
    /// Done; the ids of its parts, in order, by which results are read.
    Finished {
        /// Empty for a single statement.
        parts: Vec<String>,
    },
    /// Refused by the warehouse with this text; nothing of it happened.
    Failed {
        /// What the warehouse said.
        error: String,
    },
    /// Cancelled; nothing of it happened.
    Aborted,
}

/// One value of a result. Decimals and times are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// A whole number.
    Long(i64),
    /// Anything else, as text.
    Text(String),
}

impl Warehouse {
    /// Builds the clients; makes no call.
    #[must_use]
    pub fn open(aws: &Aws, settings: WarehouseSettings) -> Self {
        Self {
            reads: Client::new(&aws.reads()),
            writes: Client::new(&aws.writes()),
            settings,
        }
    }

    /// Hands in a transaction and returns its id (BatchExecuteStatement, ExecutionMode TRANSACTION).
    ///
    /// # Errors
    /// [`crate::AwsErrorKind::Unknown`] when it may be running all the same.
    pub async fn begin(&self, transaction: Transaction) -> Result<String, AwsError> {
        let (workgroup, cluster, db_user) = self.target();
        let reply = self
            .writes
            .batch_execute_statement()
            .set_workgroup_name(workgroup)
            .set_cluster_identifier(cluster)
            .set_db_user(db_user)
            .database(&self.settings.database)
            .execution_mode(ExecutionMode::Transaction)
            .set_sqls(Some(transaction.statements))
            .set_parameters(parameters(transaction.parameters)?)
            .client_token(transaction.client_token)
            .statement_name(transaction.name)
            .send()
            .await?;
        reply.id.ok_or_else(|| AwsError::incomplete("statement id"))
    }

    /// Hands in one reading statement and returns its id (ExecuteStatement).
    ///
    /// # Errors
    /// When the Data API refuses or does not answer; asking again does no harm.
    pub async fn ask(&self, sql: &str, values: Vec<(&'static str, String)>) -> Result<String, AwsError> {
        let (workgroup, cluster, db_user) = self.target();
        let reply = self
            .reads
            .execute_statement()
            .set_workgroup_name(workgroup)
            .set_cluster_identifier(cluster)
            .set_db_user(db_user)
            .database(&self.settings.database)
            .sql(sql)
            .set_parameters(parameters(values)?)
            .send()
            .await?;
        reply.id.ok_or_else(|| AwsError::incomplete("statement id"))
    }

    /// How a statement stands, after waiting up to `wait_seconds` for its end (DescribeStatement).
    ///
    /// # Errors
    /// [`crate::AwsErrorKind::NotFound`] when the history of a day has forgotten it.
    pub async fn describe(&self, id: &str, wait_seconds: i32) -> Result<StatementState, AwsError> {
        let reply = self
            .reads
            .describe_statement()
            .id(id)
            .wait_time_seconds(wait_seconds.clamp(0, limits::WAIT_SECONDS))
            .send()
            .await?;
        let parts = || {
            reply
                .sub_statements()
                .iter()
                .map(|part| part.id().to_owned())
                .collect()
        };
        Ok(match reply.status() {
            Some(StatusString::Finished) => StatementState::Finished { parts: parts() },
            Some(StatusString::Failed) => StatementState::Failed {
                error: reply.error().unwrap_or("no reason was given").to_owned(),
            },
            Some(StatusString::Aborted) => StatementState::Aborted,
            _ => StatementState::Running,
        })
    }

    /// The rows of a finished statement or of a part of one (GetStatementResult), all pages.
    ///
    /// # Errors
    /// [`crate::AwsErrorKind::NotFound`] when the result is older than a day.
    pub async fn rows(&self, id: &str) -> Result<Vec<Vec<Cell>>, AwsError> {
        let mut rows = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .reads
                .get_statement_result()
                .id(id)
                .set_next_token(next)
                .send()
                .await?;
            rows.extend(page.records().iter().map(|row| row.iter().map(cell).collect()));
            next = page
                .next_token()
                .filter(|token| !token.is_empty())
                .map(str::to_owned);
            if next.is_none() {
                return Ok(rows);
            }
            if rows.len() > RESULT_ROWS_MAX {
                return Err(AwsError::incomplete("end of a result that should be short"));
            }
        }
    }

    fn target(&self) -> (Option<String>, Option<String>, Option<String>) {
        match &self.settings.compute {
            Compute::Workgroup { name } => (Some(name.clone()), None, None),
            Compute::Cluster { identifier, db_user } => {
                (None, Some(identifier.clone()), Some(db_user.clone()))
            }
        }
    }
}

fn parameters(values: Vec<(&'static str, String)>) -> Result<Option<Vec<SqlParameter>>, AwsError> {
    let built: Result<Vec<SqlParameter>, _> = values
        .into_iter()
        .map(|(name, value)| SqlParameter::builder().name(name).value(value).build())
        .collect();
    let built = built.map_err(|_| AwsError::incomplete("parameter"))?;
    // An empty list is refused where no list at all is meant.
    Ok((!built.is_empty()).then_some(built))
}

fn cell(field: &Field) -> Cell {
    match field {
        Field::LongValue(value) => Cell::Long(*value),
        Field::StringValue(text) => Cell::Text(text.clone()),
        Field::BooleanValue(value) => Cell::Text(value.to_string()),
        Field::DoubleValue(value) => Cell::Text(value.to_string()),
        _ => Cell::Null,
    }
}
