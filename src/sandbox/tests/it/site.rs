//! A bare site, and the few entities most tests begin with.

use ftrack_sandbox::seed::Seed;
use ftrack_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{call, create, query, start_with, unique_id};

/// A server without projects, or with one.
pub struct Site {
    pub server: Sandbox,
    /// The id of the project; empty without one.
    pub project: String,
}

impl Site {
    pub fn empty() -> Self {
        let options = SandboxOptions {
            seed: Seed::Empty,
            ..SandboxOptions::default()
        };
        Self {
            server: start_with(options),
            project: String::new(),
        }
    }

    pub fn with_project() -> Self {
        let mut site = Self::empty();
        let id = unique_id();
        create(&site.server, "Project", &project_data(&id, "project"));
        site.project = id;
        site
    }

    /// Creates a shot directly below the project and returns its id.
    pub fn shot(&self, name: &str) -> String {
        self.context("Shot", name, &self.project)
    }

    /// Creates a context and returns its id.
    pub fn context(&self, entity_type: &str, name: &str, parent: &str) -> String {
        let id = unique_id();
        create(
            &self.server,
            entity_type,
            &json!({"id": id, "name": name, "parent_id": parent}),
        );
        id
    }

    /// Creates an asset with one version below a context, and returns the ids of both.
    pub fn version(&self, context: &str) -> (String, String) {
        let (asset, version) = (unique_id(), unique_id());
        create(
            &self.server,
            "Asset",
            &json!({"id": asset, "name": "asset", "context_id": context}),
        );
        create(
            &self.server,
            "AssetVersion",
            &json!({"id": version, "asset_id": asset}),
        );
        (asset, version)
    }

    pub fn api_user_id(&self) -> String {
        let name = self.server.api_user();
        let found = query(
            &self.server,
            &format!("select id from User where username is \"{name}\""),
        );
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// Returns how many entities an expression selects.
    pub fn count(&self, expression: &str) -> usize {
        query(&self.server, expression).len()
    }

    /// Sends one operation that fails and returns the error.
    pub fn refused(&self, operation: &Value) -> Value {
        let answer = call(&self.server, &json!([operation]));
        assert!(answer.is_object(), "not refused: {answer}");
        answer
    }

    /// Sends one operation that succeeds and returns the data of its result.
    pub fn done(&self, operation: &Value) -> Value {
        let answer = call(&self.server, &json!([operation]));
        assert!(answer.is_array(), "refused: {answer}");
        answer[0]["data"].clone()
    }
}

/// What a project of the VFX schema is created from.
pub fn project_data(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "full_name": name,
        "project_schema_id": "caddd816-acb5-11e1-8668-f23c91df1211",
    })
}

/// The name of the exception that clients see.
pub fn exception(error: &Value) -> &str {
    error["exception"].as_str().unwrap()
}

pub fn create_operation(entity_type: &str, data: &Value) -> Value {
    let mut entity_data = data.clone();
    entity_data["__entity_type__"] = json!(entity_type);
    json!({"action": "create", "entity_type": entity_type, "entity_data": entity_data})
}

pub fn update_operation(entity_type: &str, key: &Value, data: &Value) -> Value {
    let mut entity_data = data.clone();
    entity_data["__entity_type__"] = json!(entity_type);
    json!({"action": "update", "entity_type": entity_type, "entity_key": key, "entity_data": entity_data})
}

pub fn delete_operation(entity_type: &str, key: &Value) -> Value {
    json!({"action": "delete", "entity_type": entity_type, "entity_key": key})
}
