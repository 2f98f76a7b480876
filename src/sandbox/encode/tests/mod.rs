//! Queries over a small site, from expression to answer.

mod answers;
mod catalog;
mod clients;
mod computed;
mod conditions;
mod hostile;

use rusqlite::Connection;
use serde_json::Value;

use super::{QueryError, ReadOptions, Seen, query};
use crate::store::create_schema;

/// Project P with sequence Q, shots S1 and S2, and tasks T1 to T3; two users; an asset with versions and components.
const SITE: &str = r#"
insert into state (id, name, short) values ('st-open', 'Open', 'NOT_STARTED'), ('st-done', 'Done', 'DONE');
insert into status (id, name, sort, state_id) values
    ('todo', 'Not started', 2, 'st-open'), ('done', 'Done', 1, 'st-done');
insert into type (id, name, sort) values ('anim', 'Animation', 1), ('comp', 'Compositing', 2);
insert into context (id, parent_id, project_id, context_type, object_type_id, name, status_id, type_id, bid, created_at,
    description, full_name, status, thumbnail_id) values
    ('P', null, 'P', 'show', null, 'demo', null, null, null, '2024-01-01T00:00:00', null, 'Demo Show', 'active', null),
    ('Q', 'P', 'P', 'task', 'e5139355-61da-4c8f-9db4-3abc870166bc', 'sq010', null, null, 0, '2024-01-02T00:00:00', '', null, null, null),
    ('S1', 'Q', 'P', 'task', 'bad911de-3bd6-47b9-8b46-3476e237cb36', 'sh010', 'todo', null, 0, '2024-01-03T00:00:00', '100%', null, null, 'C1'),
    ('S2', 'Q', 'P', 'task', 'bad911de-3bd6-47b9-8b46-3476e237cb36', 'sh020', 'done', null, 0, '2024-01-04T00:00:00', '1000', null, null, null),
    ('T1', 'S1', 'P', 'task', '11c137c0-ee7e-4f9c-91c5-8c77cec22b2c', 'Animation', 'todo', 'anim', 7200, '2024-01-05T10:00:00', 'C:\shots', null, null, null),
    ('T2', 'S1', 'P', 'task', '11c137c0-ee7e-4f9c-91c5-8c77cec22b2c', 'compositing', 'done', 'comp', 3600.5, '2024-01-06T10:00:00', 'say "hi"', null, null, null),
    ('T3', 'S2', 'P', 'task', '11c137c0-ee7e-4f9c-91c5-8c77cec22b2c', 'animation', null, 'anim', 0, '2024-01-07T10:00:00', null, null, null, null);
insert into resource (id, resource_type, username, first_name, is_active, name) values
    ('jane', 'user', 'jane', 'Jane', 1, null), ('joe', 'user', 'joe', 'Joe', 0, null), ('crew', 'group', null, null, null, 'Crew');
insert into membership (id, group_id, user_id) values ('m1', 'crew', 'jane');
insert into appointment (id, type, context_id, resource_id) values
    ('a1', 'assignment', 'T1', 'jane'), ('a2', 'assignment', 'T2', 'joe'), ('a3', 'allocation', 'P', 'crew');
insert into timelog (id, user_id, context_id, start, duration) values ('l1', 'jane', 'T1', '2024-02-01T09:00:00', 3600);
insert into metadata (parent_id, parent_type, key, value) values
    ('T1', 'task', 'colour', 'red'), ('T1', 'task', 'size', 'big'), ('T2', 'task', 'colour', 'blue'), ('P', 'show', 'colour', 'red');
insert into asset (id, name, context_id, project_id) values ('A', 'plate', 'S1', 'P');
insert into asset_version (id, asset_id, version, task_id, is_published, project_id) values
    ('V1', 'A', 1, 'T1', 1, 'P'), ('V2', 'A', 2, null, 1, 'P'), ('V3', 'A', 3, null, 0, 'P');
insert into asset_version_link (id, from_id, to_id) values ('vl', 'V1', 'V2');
insert into component (id, name, system_type, version_id, container_id) values
    ('C1', 'main', 'file', 'V1', null), ('C2', 'frames', 'sequence', 'V2', null), ('C3', '1', 'file', null, 'C2');
insert into component_location (id, component_id, location_id, resource_identifier) values
    ('cl1', 'C1', '3a372bde-05bc-11e4-8908-20c9d081909b', 'C1'), ('cl2', 'C1', 'elsewhere', '/disk/main.exr');
insert into setting (name, "group", value) values ('size', 'PAGE', '10');
insert into scope (id, name) values ('film', 'Film'), ('vr', 'VR');
insert into context_scope (context_id, scope_id) values ('S1', 'vr'), ('S1', 'film'), ('S2', 'film');
insert into custom_attribute_type (id, name) values
    ('92009b00-381c-11e0-acff-0019bb49847a', 'number'), ('6ff9c812-ead3-11e2-846c-f23c91dfaa16', 'enumerator'),
    ('ad1034d8-15e2-11e1-b21a-0019bb4983d8', 'boolean');
insert into custom_attribute_configuration (id, configuration_kind, key, entity_type, object_type_id, project_id,
    is_hierarchical, type_id, "default") values
    ('cfg-fstart', 'value', 'fstart', 'task', 'bad911de-3bd6-47b9-8b46-3476e237cb36', null, 0, '92009b00-381c-11e0-acff-0019bb49847a', 1001),
    ('cfg-tags', 'value', 'tags', 'show', null, null, 1, '6ff9c812-ead3-11e2-846c-f23c91dfaa16', '["a"]'),
    ('cfg-other', 'value', 'other', 'task', 'bad911de-3bd6-47b9-8b46-3476e237cb36', 'elsewhere', 0, 'ad1034d8-15e2-11e1-b21a-0019bb4983d8', 0),
    ('cfg-hero', 'value', 'hero', 'task', 'bad911de-3bd6-47b9-8b46-3476e237cb36', 'P', 0, 'ad1034d8-15e2-11e1-b21a-0019bb4983d8', 0);
insert into custom_attribute_value (configuration_id, entity_id, entity_kind, value) values
    ('cfg-fstart', 'S1', 'context', 990), ('cfg-tags', 'S2', 'context', '["night","Rain"]');
"#;

/// A server's database, and what a client asked of its answers.
struct Site {
    connection: Connection,
    options: ReadOptions,
}

impl Site {
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        rusqlite::vtab::array::load_module(&connection).unwrap();
        create_schema(&connection).unwrap();
        connection.execute_batch(SITE).unwrap();
        let options = ReadOptions {
            strict: true,
            denormalize: false,
            base_url: "http://localhost:8080".to_owned(),
            signer: None,
            hidden_attributes: Vec::new(),
        };
        Self {
            connection,
            options,
        }
    }

    fn try_query(&self, expression: &str) -> Result<Value, QueryError> {
        let mut out = Vec::new();
        query(
            &self.connection,
            expression,
            &self.options,
            &mut Seen::default(),
            &mut out,
        )?;
        Ok(serde_json::from_slice(&out).unwrap())
    }

    /// Returns the rows of an answer.
    fn query(&self, expression: &str) -> Vec<Value> {
        let mut answer = self
            .try_query(expression)
            .unwrap_or_else(|error| panic!("{expression}: {error:?}"));
        let Value::Array(rows) = answer["data"].take() else {
            panic!("no rows in {answer}")
        };
        rows
    }

    /// Returns the ids of the entities that a query finds, in order.
    fn ids(&self, expression: &str) -> String {
        let rows = self.query(expression);
        let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        ids.join(" ")
    }

    fn error(&self, expression: &str) -> String {
        self.try_query(expression).unwrap_err().to_string()
    }
}
