//! What the cases of the Data API share: a warehouse, statements and their rows.
//!
//! Locally the warehouse is a PostgreSQL cluster of the tests' own. On AWS it is the workgroup that
//! `CONFORMANCE_WORKGROUP` names, with its database `dev`.

use std::sync::Arc;

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::operation::batch_execute_statement::builders::BatchExecuteStatementFluentBuilder;
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder;
use aws_sdk_redshiftdata::types::{Field, SqlParameter, StatusString};
use conformance::local_aws::Options;
use conformance::{Aws, aws, controlled_with};

use crate::postgres::Postgres;

/// A warehouse and a client of it.
pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) client: Client,
    workgroup: String,
    /// A table name that no other case uses.
    pub(crate) table: String,
    _postgres: Option<Arc<Postgres>>,
}

impl World {
    /// A warehouse wherever the cases run; `None`, said aloud, where there is none.
    pub(crate) async fn any() -> Option<Self> {
        if std::env::var_os("CONFORMANCE_ON_AWS").is_none() && std::env::var_os("ENDPOINT").is_none() {
            return Self::controlled().await;
        }
        let Ok(workgroup) = std::env::var("CONFORMANCE_WORKGROUP") else {
            eprintln!("SKIPPED: CONFORMANCE_WORKGROUP names no workgroup");
            return None;
        };
        Some(Self::of(aws().await, workgroup, None))
    }

    /// A warehouse of an endpoint that the case commands.
    pub(crate) async fn controlled() -> Option<Self> {
        let postgres = Postgres::shared()?;
        let options = Options {
            warehouse_url: Some(postgres.database().await),
            ..Options::default()
        };
        let aws = controlled_with(options).await?;
        Some(Self::of(aws, "warehouse".to_owned(), Some(postgres)))
    }

    fn of(aws: Aws, workgroup: String, postgres: Option<Arc<Postgres>>) -> Self {
        Self {
            client: Client::new(&aws.vendor().config),
            table: aws.name("t").replace('-', "_"),
            aws,
            workgroup,
            _postgres: postgres,
        }
    }

    /// ExecuteStatement on the warehouse, to be completed.
    pub(crate) fn call(&self, sql: &str) -> ExecuteStatementFluentBuilder {
        self.call_by(&self.client, sql)
    }

    /// The same by another client.
    pub(crate) fn call_by(&self, client: &Client, sql: &str) -> ExecuteStatementFluentBuilder {
        let call = client.execute_statement().workgroup_name(&self.workgroup);
        call.database("dev").sql(sql)
    }

    /// BatchExecuteStatement on the warehouse, to be completed.
    pub(crate) fn call_batch(&self, sqls: &[&str]) -> BatchExecuteStatementFluentBuilder {
        let call = self
            .client
            .batch_execute_statement()
            .workgroup_name(&self.workgroup);
        let sqls = sqls.iter().map(|sql| (*sql).to_owned()).collect();
        call.database("dev").set_sqls(Some(sqls))
    }

    /// Hands a statement in; gives its id.
    pub(crate) async fn submit(&self, sql: &str) -> String {
        let sent = self.call(sql).send().await.expect("taken");
        sent.id.expect("it has an id")
    }

    /// Runs a statement to its end, whichever it is.
    pub(crate) async fn run(&self, sql: &str) -> DescribeStatementOutput {
        self.ended(&self.submit(sql).await).await
    }

    /// Runs a statement that must succeed.
    pub(crate) async fn done(&self, sql: &str) -> DescribeStatementOutput {
        let described = self.run(sql).await;
        let status = described.status();
        assert_eq!(
            status,
            Some(&StatusString::Finished),
            "{sql}: {:?}",
            described.error()
        );
        described
    }

    pub(crate) async fn run_batch(&self, sqls: &[&str]) -> DescribeStatementOutput {
        let sent = self.call_batch(sqls).send().await.expect("taken");
        self.ended(&sent.id.expect("it has an id")).await
    }

    pub(crate) async fn describe(&self, id: &str) -> DescribeStatementOutput {
        self.client
            .describe_statement()
            .id(id)
            .send()
            .await
            .expect("known")
    }

    pub(crate) async fn ended(&self, id: &str) -> DescribeStatementOutput {
        loop {
            let asked = self.client.describe_statement().id(id).wait_time_seconds(20);
            let described = asked.send().await.expect("known");
            if !is_running(described.status()) {
                return described;
            }
        }
    }

    /// The rows of a query, as texts.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.rows_of(self.done(sql).await.id()).await
    }

    pub(crate) async fn rows_of(&self, id: &str) -> Vec<Vec<String>> {
        let result = self.client.get_statement_result().id(id).send().await;
        let result = result.expect("a result");
        result
            .records()
            .iter()
            .map(|row| row.iter().map(text).collect())
            .collect()
    }

    /// Makes the case's table, with one column of numbers.
    pub(crate) async fn make_table(&self) {
        self.done(&format!("CREATE TABLE {} (a INT)", self.table)).await;
    }

    /// How many rows the case's table holds.
    pub(crate) async fn count(&self) -> String {
        self.rows(&format!("SELECT COUNT(*) FROM {}", self.table)).await[0][0].clone()
    }

    pub(crate) fn insert(&self, number: i32) -> String {
        format!("INSERT INTO {} VALUES ({number})", self.table)
    }

    /// Takes away what [`Self::make_table`] made.
    pub(crate) async fn end(self) {
        self.run(&format!("DROP TABLE {}", self.table)).await;
    }
}

pub(crate) fn is_running(status: Option<&StatusString>) -> bool {
    let running = [
        StatusString::Submitted,
        StatusString::Picked,
        StatusString::Started,
    ];
    status.is_some_and(|status| running.contains(status))
}

pub(crate) fn parameter(name: &str, value: &str) -> SqlParameter {
    let parameter = SqlParameter::builder().name(name).value(value).build();
    parameter.expect("a name and a value")
}

pub(crate) fn text(field: &Field) -> String {
    match field {
        Field::StringValue(text) => text.clone(),
        Field::LongValue(number) => number.to_string(),
        Field::BooleanValue(value) => value.to_string(),
        Field::DoubleValue(number) => number.to_string(),
        Field::IsNull(_) => "null".to_owned(),
        other => panic!("{other:?}"),
    }
}
