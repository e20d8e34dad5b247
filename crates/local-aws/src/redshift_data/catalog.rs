//! ListDatabases, ListSchemas, ListTables and DescribeTable: what the warehouse holds, asked and answered in one call.
//!
//! The warehouse is one database under whatever name the caller connects to. Patterns are LIKE's: `%` and `_`.
//! Sources: the API pages of those names, API_TableMember, API_ColumnMetadata.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::connect::connect;
use super::target::Target;
use super::{RedshiftData, bad_token, page_size};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Reply, page};
use crate::service::Call;

/// Most entries of one page.
const PAGE_MAX: usize = 1_000;

const SCHEMAS: &str = "select nspname::text from pg_catalog.pg_namespace \
    where nspname !~ '^pg_(toast|temp)' and nspname::text like $1 escape ''";

const TABLES: &str = "select n.nspname::text, c.relname::text, c.relkind::text \
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_(toast|temp)' \
      and n.nspname::text like $1 escape '' and c.relname::text like $2 escape ''";

const COLUMNS: &str = "select table_schema::text, table_name::text, column_name::text, udt_name::text, \
      is_nullable::text = 'YES', coalesce(character_maximum_length::int, 0), \
      coalesce(numeric_precision::int, 0), coalesce(numeric_scale::int, 0), column_default::text \
    from information_schema.columns \
    where ($1::text is null or table_schema::text = $1) and ($2::text is null or table_name::text = $2) \
      and table_schema::text !~ '^pg_(toast|temp)' \
    order by 1, 2, ordinal_position";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Catalog {
    #[serde(flatten)]
    target: Target,
    schema_pattern: Option<String>,
    table_pattern: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

impl RedshiftData {
    pub(super) async fn list_databases(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let (request, _client) = self.opened(core, call).await?;
        let names = [request.target.database().to_owned()];
        let (names, next) = paged(&request, names, |name| name)?;
        Ok(reply("Databases", &json!(names), next))
    }

    pub(super) async fn list_schemas(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let (request, client) = self.opened(core, call).await?;
        let rows = ask(&client, SCHEMAS, &[&pattern(request.schema_pattern.as_ref())]).await?;
        let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        names.sort_unstable();
        let (names, next) = paged(&request, names, |name| name)?;
        Ok(reply("Schemas", &json!(names), next))
    }

    pub(super) async fn list_tables(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let (request, client) = self.opened(core, call).await?;
        let schema = pattern(request.schema_pattern.as_ref());
        let table = pattern(request.table_pattern.as_ref());
        let rows = ask(&client, TABLES, &[&schema, &table]).await?;
        let mut tables: Vec<Table> = rows.iter().map(Table::of).collect();
        tables.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let (tables, next) = paged(&request, tables, |table| &table.key)?;
        let views: Vec<Value> = tables.iter().map(Table::view).collect();
        Ok(reply("Tables", &json!(views), next))
    }

    /// The columns of one table, or of all that match: a page holds whole tables.
    pub(super) async fn describe_table(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let (request, client) = self.opened(core, call).await?;
        let rows = ask(&client, COLUMNS, &[&request.schema, &request.table]).await?;
        let columns: Vec<(String, Value)> = rows.iter().map(column).collect();
        let tables: BTreeSet<String> = columns.iter().map(|(table, _)| table.clone()).collect();
        let (tables, next) = paged(&request, tables, |table| table)?;
        let shown = columns.into_iter().filter(|(table, _)| tables.contains(table));
        let mut described = json!({ "ColumnList": shown.map(|(_, column)| column).collect::<Vec<_>>() });
        if let Some(table) = request.table {
            described["TableName"] = table.into();
        }
        if let Some(next) = next {
            described["NextToken"] = next.into();
        }
        Ok(Reply::json(&described))
    }

    /// The request, and a connection to what it names.
    async fn opened(&self, core: &Core, call: &Call) -> Result<(Catalog, Client), AwsError> {
        let request: Catalog = call.json()?;
        self.admit(core, call, &request.target)?;
        page_size(request.max_results, PAGE_MAX)?;
        let client = connect(core).await.map_err(|error| unreachable(&error))?;
        Ok((request, client))
    }
}

/// A table or view.
struct Table {
    key: String,
    schema: String,
    name: String,
    kind: &'static str,
}

impl Table {
    fn of(row: &Row) -> Self {
        let (schema, name, kind): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let system = schema == "pg_catalog" || schema == "information_schema";
        let kind = match (kind.as_str(), system) {
            ("v" | "m", false) => "VIEW",
            ("v" | "m", true) => "SYSTEM VIEW",
            (_, false) => "TABLE",
            (_, true) => "SYSTEM TABLE",
        };
        Self {
            key: table_key(&schema, &name),
            schema,
            name,
            kind,
        }
    }

    fn view(&self) -> Value {
        json!({ "name": self.name, "schema": self.schema, "type": self.kind })
    }
}

/// Sorts by schema, then by name.
fn table_key(schema: &str, name: &str) -> String {
    format!("{schema}\n{name}")
}

/// The table's key, and the column as API_ColumnMetadata shows it.
fn column(row: &Row) -> (String, Value) {
    let (schema, table): (String, String) = (row.get(0), row.get(1));
    let (name, kind): (String, String) = (row.get(2), row.get(3));
    let (length, precision, scale): (i32, i32, i32) = (row.get(5), row.get(6), row.get(7));
    let (nullable, default): (bool, Option<String>) = (row.get(4), row.get(8));
    let digits = match kind.as_str() {
        "int2" => 5,
        "int4" => 10,
        "int8" => 19,
        "numeric" => precision,
        _ => 0,
    };
    let number = digits > 0 || kind.starts_with("float");
    let mut view = json!({
        "name": name,
        "label": name,
        "typeName": kind,
        "nullable": i32::from(nullable),
        "length": if number { digits } else { length },
        "precision": digits,
        "scale": if kind == "numeric" { scale } else { 0 },
        "isSigned": number,
        "isCaseSensitive": !number,
        "isCurrency": false,
        "schemaName": schema,
        "tableName": table,
    });
    if let Some(default) = default {
        view["columnDefault"] = default.into();
    }
    (table_key(&schema, &table), view)
}

fn pattern(asked: Option<&String>) -> String {
    asked.cloned().unwrap_or_else(|| "%".to_owned())
}

async fn ask(client: &Client, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, AwsError> {
    let rows = client.query(sql, values).await;
    rows.map_err(|error| unreachable(&error))
}

fn unreachable(error: &tokio_postgres::Error) -> AwsError {
    tracing::warn!(%error, "the local warehouse did not answer");
    AwsError::new(
        http::StatusCode::INTERNAL_SERVER_ERROR,
        "DatabaseConnectionException",
        "Connection to a database failed",
    )
}

fn paged<T>(
    request: &Catalog,
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), AwsError> {
    let size = page_size(request.max_results, PAGE_MAX)?;
    let page = page(items, key, request.next_token.as_deref(), size).ok_or_else(bad_token)?;
    Ok((page.items, page.next))
}

fn reply(name: &str, items: &Value, next: Option<String>) -> Reply {
    let mut listed = json!({ name: items });
    if let Some(next) = next {
        listed["NextToken"] = next.into();
    }
    Reply::json(&listed)
}
