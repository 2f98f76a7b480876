use proptest::prelude::*;
use serde_json::json;

use super::{build::build, document, tokens::Tokens, *};

fn entity_type(name: &str) -> &'static EntityType {
    Catalog::get().entity_type(name).unwrap()
}

fn names(ids: &[TypeId]) -> Vec<&'static str> {
    ids.iter()
        .map(|id| Catalog::get().type_by_id(*id).name.as_str())
        .collect()
}

/// Prints a published schema, one line for each property.
fn schema(name: &str) -> String {
    let schemas = Catalog::get().schemas_json().as_array().unwrap();
    let schema = schemas.iter().find(|schema| schema["id"] == name).unwrap();
    let mut lines = Vec::new();
    for (key, value) in schema.as_object().unwrap() {
        match value.as_object().filter(|_| key == "properties") {
            None => lines.push(format!("{key}: {value}")),
            Some(properties) => {
                lines.extend(
                    properties
                        .iter()
                        .map(|(name, value)| format!("  {name}: {value}")),
                );
            }
        }
    }
    lines.join("\n")
}

fn concrete(base: &str, row: &[(&str, &str)]) -> &'static str {
    let value = |column: &str| {
        let found = row.iter().find(|(name, _)| *name == column);
        found.map(|(_, value)| (*value).to_owned())
    };
    &Catalog::get()
        .concrete_type(entity_type(base).id, &value)
        .name
}

#[test]
fn publishes_these_types() {
    let names: Vec<_> = Catalog::get().types().map(|t| t.name.as_str()).collect();
    let lines: Vec<_> = names.chunks(6).map(|line| line.join(" ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    Context Project TypedContext Task Shot Sequence
    Folder Episode AssetBuild Milestone ObjectType Type
    Priority Scope Disk Manager ManagerType TypedContextLink
    SplitTaskPart Asset AssetType AssetVersion AssetVersionLink Component
    FileComponent ContainerComponent SequenceComponent Location ComponentLocation Note
    NoteLabel NoteCategory NoteLabelLink NoteComponent NoteAnnotationComponent Recipient
    Metadata Conversation Message Participant Resource BaseUser
    User Collaborator Group Membership UserType UserSession
    UserApplicationState UserView ApiKey SecurityRole UserSecurityRole UserSecurityRoleProject
    Timelog Timer Appointment CalendarEvent CalendarEventResource List
    TypedContextList AssetVersionList ListCategory ListObject CustomConfigurationBase CustomAttributeConfiguration
    CustomAttributeLinkConfiguration CustomAttributeType CustomAttributeGroup CustomAttributeValue ContextCustomAttributeValue AssetVersionCustomAttributeValue
    ListCustomAttributeValue ListObjectCustomAttributeValue UserCustomAttributeValue AssetCustomAttributeValue CustomAttributeLink CustomAttributeLinkFrom
    ContextCustomAttributeLink ContextCustomAttributeLinkFrom AssetVersionCustomAttributeLink AssetVersionCustomAttributeLinkFrom ListCustomAttributeLink ListCustomAttributeLinkFrom
    UserCustomAttributeLink UserCustomAttributeLinkFrom GroupCustomAttributeLink GroupCustomAttributeLinkFrom AssetCustomAttributeLink AssetCustomAttributeLinkFrom
    ComponentCustomAttributeLink ComponentCustomAttributeLinkFrom ProjectSchema ProjectSchemaObjectType ProjectSchemaOverride WorkflowSchema
    WorkflowSchemaStatus Schema SchemaStatus SchemaType TaskTypeSchema TaskTypeSchemaType
    TaskTemplate TaskTemplateItem Status State StatusChange TypedContextStatusChange
    AssetVersionStatusChange StatusRuleGroup TypedContextStatusRuleGroup AssetVersionStatusRuleGroup StatusRule ReviewSession
    ReviewSessionFolder ReviewSessionObject ReviewSessionObjectStatus ReviewSessionObjectAnnotation ReviewSessionObjectAnnotationComponent ReviewSessionInvitee
    Setting SettingComponent EntitySetting Dashboard DashboardWidget DashboardResource
    Event Feed Job JobComponent
    ");
}

#[test]
fn derives_these_attributes_and_relations_by_code() {
    let mut code: Vec<&str> = Catalog::get()
        .types()
        .flat_map(EntityType::attributes)
        .filter_map(|attribute| match &attribute.kind {
            AttributeKind::Computed { function, .. } => Some(function.as_str()),
            AttributeKind::Reference { join, .. } | AttributeKind::Collection { join, .. } => {
                match join {
                    Join::Computed { relation } => Some(relation.as_str()),
                    Join::Columns { .. } | Join::Through { .. } => None,
                }
            }
            AttributeKind::Column { .. } => None,
        })
        .collect();
    code.sort_unstable();
    code.dedup();
    insta::assert_snapshot!(code.join("\n"), @r"
    ancestors
    asset_ancestors
    bid_time_logged_difference
    component_location_url
    component_thumbnail_url
    component_url
    context_link
    custom_attribute_key
    custom_attributes
    descendants
    group_link
    is_latest_version
    latest_version
    review_session_is_open
    thumbnail_url
    time_logged
    version_link
    ");
}

#[test]
fn a_link_between_contexts_is_published_as_ftrack_does() {
    insta::assert_snapshot!(schema("TypedContextLink"), @r#"
    alias_for: "Dependency"
    default_projections: ["id","from_id","to_id"]
    id: "TypedContextLink"
    immutable: ["id"]
    primary_key: ["id"]
      from: {"$ref":"TypedContext","alias_for":"fromTask"}
      from_id: {"description":"Foreign key(s): TypedContext.id","format":"foreign_key","type":"string"}
      id: {"alias_for":"dependencyid","default":"{uid}","type":"string"}
      lag: {"alias_for":"lag","type":"number"}
      metadata: {"alias_for":"meta","items":{"$ref":"Metadata"},"key_value_attributes":{"key":"key","value":"value"},"type":"mapped_array"}
      to: {"$ref":"TypedContext","alias_for":"toTask"}
      to_id: {"description":"Foreign key(s): TypedContext.id","format":"foreign_key","type":"string"}
      type: {"default":"end_to_start","enum":["start_to_start","start_to_end","end_to_start","end_to_end"],"type":"string"}
    required: ["id","from_id","to_id"]
    type: "object"
    "#);
}

#[test]
fn a_list_of_versions_is_published_with_what_it_inherits() {
    insta::assert_snapshot!(schema("AssetVersionList"), @r#"
    $mixin: {"$ref":"List"}
    alias_for: {"classifiers":{"entity":"assetversion"},"id":"List"}
    default_projections: ["id"]
    id: "AssetVersionList"
    immutable: ["id"]
    metadata: {"group_by":true}
    primary_key: ["id"]
      category: {"$ref":"ListCategory","alias_for":"type"}
      category_id: {"alias_for":"typeid","description":"Foreign key(s): ListCategory.id","format":"foreign_key","type":"string"}
      custom_attribute_links: {"items":{"$ref":"CustomAttributeLink"},"restricted_projection":true,"type":"mapped_array"}
      custom_attribute_links_from: {"items":{"$ref":"CustomAttributeLinkFrom"},"restricted_projection":true,"type":"mapped_array"}
      custom_attributes: {"alias_for":"custom_attribute_values","items":{"$ref":"ListCustomAttributeValue"},"key_value_attributes":{"key":"key","value":"value"},"type":"mapped_array"}
      date: {"format":"date-time","type":"string"}
      id: {"alias_for":"listid","default":"{uid}","type":"string"}
      is_open: {"alias_for":"isopen","default":true,"type":"boolean"}
      items: {"alias_for":"_asset_version_items","items":{"$ref":"AssetVersion"},"type":"array"}
      name: {"default":"","type":"string"}
      owner: {"$ref":"User","alias_for":"user"}
      project: {"$ref":"Project","alias_for":"show"}
      project_id: {"alias_for":"showid","description":"Foreign key(s): Project.id","format":"foreign_key","type":"string"}
      system_type: {"alias_for":"entity","default":"assetversion","description":"Defines the type of the items this list accepts.","type":"string"}
      user_id: {"alias_for":"userid","description":"Foreign key(s): User.user_id","format":"foreign_key","type":"string"}
    required: ["id","is_open","category_id","project_id"]
    system_projections: ["showid"]
    type: "object"
    "#);
}

#[test]
fn metadata_is_published_with_its_composite_key() {
    insta::assert_snapshot!(schema("Metadata"), @r#"
    alias_for: "Meta"
    default_projections: ["parent_id","key","value","parent_type"]
    id: "Metadata"
    immutable: ["parent_id","key"]
    primary_key: ["parent_id","key"]
      key: {"alias_for":"variable","type":"string"}
      parent_id: {"alias_for":"meta_id","type":"string"}
      parent_type: {"alias_for":"meta_type","transform":{"client":"{schema_id}","server":"{table_name}"},"type":"string"}
      value: {"type":"string"}
    required: ["parent_id","parent_type","key","value"]
    type: "object"
    "#);
}

#[test]
fn hashes_schemas_as_the_official_client_does() {
    let schemas = json!([{"b": "é\u{7f}😀\n", "a": [1, true, null, {}]}]);
    // Python: hashlib.md5(json.dumps(schemas, sort_keys=True).encode()).hexdigest()
    assert_eq!(document::hash(&schemas), "c828802ea99938fdd7d4bf4e2b2b5db0");
}

#[test]
fn nothing_published_changes_unnoticed() {
    // A new hash makes every client fetch the schemas again: change it together with the schema source only.
    let hash = "131de0c58ebacd60f8bf25f422e1f373";
    assert_eq!(Catalog::get().schema_hash(), hash);
}

#[test]
fn a_row_has_the_type_that_its_columns_tell() {
    let task = "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c";
    let row = [("context_type", "task"), ("object_type_id", task)];
    assert_eq!(concrete("Context", &row), "Task");
    assert_eq!(concrete("TypedContext", &row), "Task");
    assert_eq!(concrete("Context", &[("context_type", "show")]), "Project");
    let unknown = [("context_type", "task"), ("object_type_id", "scene")];
    assert_eq!(concrete("Context", &unknown), "TypedContext");
    let sequence = [("system_type", "sequence")];
    assert_eq!(concrete("Component", &sequence), "SequenceComponent");
    assert_eq!(
        concrete("ContainerComponent", &sequence),
        "SequenceComponent"
    );
    assert_eq!(concrete("NoteLabel", &[]), "NoteLabel");
}

#[test]
fn rows_of_a_type_are_told_from_others_in_the_table() {
    let check = |name: &str, expected: &[(&str, &[&str])]| {
        let filter: Vec<(&str, Vec<&str>)> = entity_type(name)
            .row_filter
            .iter()
            .map(|(column, values)| (column.as_str(), values.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(column, values)| (*column, values.to_vec()))
            .collect();
        assert_eq!(filter, expected, "{name}");
    };
    check("Context", &[]);
    check("Project", &[("context_type", &["show"])]);
    check("TypedContext", &[("context_type", &["task"])]);
    check(
        "Shot",
        &[("object_type_id", &["bad911de-3bd6-47b9-8b46-3476e237cb36"])],
    );
    check(
        "ContainerComponent",
        &[("system_type", &["container", "sequence"])],
    );
    check("BaseUser", &[("resource_type", &["user", "collaborator"])]);
    check("NoteCategory", &[]);
}

#[test]
fn subtypes_are_the_concrete_ones_and_bases_start_with_the_nearest() {
    assert_eq!(names(&entity_type("Component").subtypes).len(), 3);
    assert_eq!(
        names(&entity_type("Resource").subtypes),
        ["User", "Collaborator", "Group"]
    );
    assert_eq!(names(&entity_type("NoteLabel").subtypes), [""; 0]);
    assert_eq!(
        names(&entity_type("Task").bases),
        ["TypedContext", "Context"]
    );
    assert!(entity_type("Task").is_a(entity_type("Context").id));
    assert!(!entity_type("Context").is_a(entity_type("Task").id));
}

#[test]
fn relations_know_how_to_find_the_other_rows() {
    let join = |owner: &str, name: &str| match &entity_type(owner).attribute(name).unwrap().kind {
        AttributeKind::Reference { join, .. } | AttributeKind::Collection { join, .. } => {
            join.clone()
        }
        kind => panic!("{owner}.{name} is {kind:?}"),
    };
    let pair = |near: &str, far: &str| vec![(near.to_owned(), far.to_owned())];
    let columns = |pairs, filter| Join::Columns { pairs, filter };
    assert_eq!(
        join("Task", "status"),
        columns(pair("status_id", "id"), vec![])
    );
    assert_eq!(
        join("Project", "children"),
        columns(pair("id", "parent_id"), vec![])
    );
    assert_eq!(
        join("Shot", "assignments"),
        columns(pair("id", "context_id"), pair("type", "assignment")),
    );
    assert_eq!(
        join("SettingComponent", "setting"),
        columns(
            [pair("name", "name"), pair("group", "group")].concat(),
            vec![]
        ),
    );
    let scope = Catalog::get().tables().find(|t| t.name == "context_scope");
    assert_eq!(
        join("Task", "scopes"),
        Join::Through {
            table: scope.unwrap().id,
            near: pair("id", "context_id"),
            far: pair("scope_id", "id"),
        },
    );
    let relation = "ancestors".to_owned();
    assert_eq!(join("Task", "ancestors"), Join::Computed { relation });
}

#[test]
fn relations_published_as_task_hold_any_typed_context() {
    let tasks = entity_type("Status").attribute("tasks").unwrap();
    let AttributeKind::Collection { target, .. } = &tasks.kind else {
        panic!("{tasks:?}");
    };
    assert_eq!(names(&[*target]), ["TypedContext"]);
    assert!(schema("Status").contains(r#"{"$ref":"Task"}"#));
}

#[test]
fn what_every_answer_holds_goes_by_the_names_of_the_api() {
    let check = |name: &str, expected: &[&str]| {
        assert_eq!(entity_type(name).system_projections, expected, "{name}");
    };
    check("Task", &["project_id", "context_type", "object_type_id"]);
    check("AssetVersion", &["asset_id"]);
    check(
        "ContextCustomAttributeValue",
        &["entity_id", "key", "value"],
    );
    check("Dashboard", &[]);
}

#[test]
fn hidden_attributes_are_known_but_not_published() {
    assert!(entity_type("Status").attribute("state_id").unwrap().hidden);
    assert!(!schema("Status").contains("state_id"));
}

#[test]
fn mistakes_are_reported_with_file_and_line() {
    let check = |text: &str, expected: &str| {
        let error = build(&[("a.schema", text)]).unwrap_err();
        assert_eq!(error.to_string(), format!("a.schema:{expected}"));
    };
    check("typo A\n", "1: `typo` means nothing here");
    check("type A : B\n", "1: no base type `B` is declared above");
    check(
        "type A where\n",
        "1: expected column=value, found the end of the line",
    );
    check("  id text\n", "1: the line belongs to no type");
    check("type A\n  @kee id\n", "2: `@kee` means nothing here");
    check("type A\n  id txt\n", "2: `txt` means nothing here");
    check(
        "type A\n  id text = {\n",
        "2: expected a JSON value, found `{`",
    );
    check("type A\n  id text \"open\n", "2: `\"` is not closed");
    check(
        "type A\n  id text\n  id text\n",
        "3: `id` is declared twice",
    );
    check(
        "type A\n  id text\ntype A\n  id text\n",
        "3: `A` is declared twice",
    );
    check(
        "type A\n  @required b\n  id text\n",
        "1: `A` has no attribute `b`",
    );
    check(
        "type A\n  @select b\n  id text\n",
        "1: `A` has no attribute `b`",
    );
    check("type A\n  b text\n", "1: table `a` has no column `id`");
    check(
        "type A\n  id text\n  b -> B by id\n",
        "3: no entity type `B` is declared",
    );
    check(
        "type A\n  id text\n  b -> A by b_id\n",
        "3: table `a` has no column `b_id`",
    );
    check(
        "type A\n  id text\n  b => A through c(d)\n",
        "3: expected two columns, found (d)",
    );
    check(
        "type A\n  id text\n  b => A through c(d, e)\n",
        "3: no table `c` exists",
    );
    check(
        "type A\n  id text\ntype B : A\n  id integer\n",
        "4: column `id` has two types",
    );
    check(
        "type A\n  @key b c\n  b text\n  c text\n  d => A by b\n",
        "5: a relation by one column needs a key of one column, not that of `A`",
    );
}

proptest! {
    #[test]
    fn no_line_is_too_strange_to_be_read_or_refused(line in "[ -~é\t]*") {
        let _ = Tokens::read(&line);
        let _ = build(&[("a.schema", &format!("type A\n  {line}\n"))]);
    }
}
