//! Row-level security, held over the whole catalog: a table added tomorrow is covered today.

use tenant_model::TenantId;
use tenantry_tests::Database;
use uuid::Uuid;

/// Questions to the catalog; each must have no answer. The names say what an answer would mean.
const LINT: &[(&str, &str)] = &[
    (
        "a tenant's table without forced row-level security",
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
          where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
            and has_table_privilege('app_rw', c.oid, 'select')
            and not (c.relrowsecurity and c.relforcerowsecurity)",
    ),
    (
        "a tenant's table that app_rw reaches without a policy on the tenant",
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
          where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
            and has_table_privilege('app_rw', c.oid, 'select')
            and not exists (select from pg_policies p where p.tablename = c.relname and 'app_rw' = any (p.roles)
                             and p.qual like '%current_setting(''app.tenant_id''::text))::uuid%')",
    ),
    (
        "a policy without a check on what is written",
        "select tablename || '.' || policyname from pg_policies
          where schemaname = 'public' and cmd in ('ALL', 'INSERT', 'UPDATE') and with_check is null",
    ),
    (
        "a view that runs as its owner",
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v'
            and not coalesce(reloptions @> array['security_invoker=true'], false)",
    ),
    (
        // open_dedupe_day makes a day's partition, which only the owner can; ops alone may call it.
        "a function that runs as its owner",
        "select proname::text from pg_proc where pronamespace = 'public'::regnamespace and prosecdef
            and (proname <> 'open_dedupe_day' or not coalesce(proconfig::text like '%search_path%', false)
                 or has_function_privilege('app_rw', oid, 'execute'))",
    ),
    (
        "a materialized view that app_rw reads",
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'm'
            and has_table_privilege('app_rw', oid, 'select')",
    ),
    (
        "a service role that owns, bypasses or inherits what it must not",
        "select rolname::text from pg_roles r
          where rolname in ('app_rw', 'ops')
            and (rolsuper or (rolbypassrls and rolname = 'app_rw')
                 or exists (select from pg_class c where c.relowner = r.oid)
                 or exists (select from pg_auth_members m where m.member = r.oid))",
    ),
    (
        "something granted to everybody",
        "select relname::text from pg_class, aclexplode(relacl) g
          where relnamespace = 'public'::regnamespace and g.grantee = 0",
    ),
    (
        "a foreign key between tenants' tables that does not carry the tenant",
        "select k.conrelid::regclass || '.' || k.conname from pg_constraint k
          where k.contype = 'f' and k.connamespace = 'public'::regnamespace
            and k.confrelid <> 'tenant'::regclass
            and has_table_privilege('app_rw', k.conrelid, 'insert')
            and exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'tenant_id')
            and exists (select from pg_attribute a where a.attrelid = k.confrelid and a.attname = 'tenant_id' and a.attnotnull)
            and not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'tenant_id'
                             and a.attnum = any (k.conkey))",
    ),
];

#[tokio::test]
async fn the_catalog_lint_finds_nothing() {
    let database = Database::start().await;
    for (meaning, question) in LINT {
        let found = database.column_as("postgres", question).await;
        assert!(found.is_empty(), "{meaning}: {found:?}");
    }
}

#[tokio::test]
async fn a_forgotten_tenant_is_an_error_and_a_stranger_sees_nothing_in_any_table() {
    let database = Database::start().await;
    database.tenant("acme").await;
    let refused = database
        .execute_as("app_rw", "select count(*) from tenant")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("app.tenant_id"), "{refused}");

    let tables = "select distinct c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
                   where a.attname = 'tenant_id' and not a.attisdropped and c.relkind in ('r', 'p')
                     and c.relnamespace = 'public'::regnamespace and has_table_privilege('app_rw', c.oid, 'select')";
    let tables = database.column_as("postgres", tables).await;
    assert!(
        tables.len() >= 8,
        "the catalog question finds the tables: {tables:?}"
    );
    for table in tables {
        let stranger = format!(
            "begin; select set_config('app.tenant_id', '{}', true); ",
            Uuid::from_u128(77)
        );
        let check = format!(
            "do $$ begin if exists (select from {table}) then raise 'visible'; end if; end $$; commit"
        );
        let outcome = database.execute_as("app_rw", &format!("{stranger}{check}")).await;
        assert!(outcome.is_ok(), "{table}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_tenant_sees_and_writes_only_its_own_row() {
    let database = Database::start().await;
    let acme = database.tenant("acme").await;
    let globex = database.tenant("globex").await;
    let stranger = TenantId::from_uuid(Uuid::from_u128(77));
    for (tenant, sees_acme) in [(acme, true), (globex, false), (stranger, false)] {
        let mut tx = database.stores.begin(tenant).await.unwrap();
        let found = tenant_store::tenants::find(&mut tx, acme).await.unwrap();
        assert_eq!(found.is_some(), sees_acme);
        let all = tenant_store::tenants::list(&mut tx, None, None, 100)
            .await
            .unwrap();
        assert!(all.iter().all(|row| row.id == tenant));
    }

    let mut tx = database.stores.begin_ops().await.unwrap();
    let mut row = tenant_store::tenants::find(&mut tx, acme).await.unwrap().unwrap();
    drop(tx);
    row.name = "taken over".to_owned();
    let mut tx = database.stores.begin(globex).await.unwrap();
    let refused = tenant_store::tenants::update(&mut tx, &row).await;
    assert!(matches!(refused, Err(tenant_store::StoreError::Stale)));
}
