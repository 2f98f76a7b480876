//! Builds the catalog from the schema source.

use std::collections::HashMap;

use super::{
    catalog::{Attribute, AttributeKind, Catalog, EntityType, TableId, TypeId},
    declaration::{AttributeDeclaration, DeclaredKind, Source},
    document,
    error::{Problem, SourceError},
    hierarchy::Hierarchy,
    inherit::{self, CompleteType},
    relations::Relations,
    tables::Tables,
};

macro_rules! schema_files {
    ($($name:literal),* $(,)?) => {
        [$((concat!("types/", $name), include_str!(concat!("types/", $name)))),*]
    };
}

/// The embedded source: name and text of each file.
const FILES: [(&str, &str); 11] = schema_files![
    "contexts.schema",
    "assets.schema",
    "components.schema",
    "notes.schema",
    "users.schema",
    "time.schema",
    "lists.schema",
    "custom_attributes.schema",
    "workflow.schema",
    "review.schema",
    "settings.schema",
];

/// Builds the catalog of the embedded source.
#[expect(
    clippy::expect_used,
    reason = "the source is part of the program, and a test builds it"
)]
pub(super) fn embedded() -> Catalog {
    build(&FILES).expect("the embedded schema source is valid")
}

/// Builds the catalog of these files: name and text of each.
pub(super) fn build(files: &[(&'static str, &str)]) -> Result<Catalog, SourceError> {
    let mut source = Source::default();
    for (file, text) in files {
        source.read(file, text)?;
    }
    let complete = inherit::complete(&source)?;
    let type_index: HashMap<String, TypeId> = complete
        .iter()
        .enumerate()
        .map(|(position, complete)| (complete.declaration.name.clone(), TypeId(position)))
        .collect();
    let mut builder = Builder {
        complete: &complete,
        hierarchy: Hierarchy::of(&complete),
        relations: Relations {
            complete: &complete,
            type_index: type_index.clone(),
            tables: Tables::derive(&complete, &source.links)?,
        },
    };
    let types = (0..complete.len())
        .map(|position| builder.entity_type(TypeId(position)))
        .collect::<Result<Vec<_>, _>>()?;
    let schemas = document::schemas(&complete);
    Ok(Catalog {
        types,
        type_index,
        tables: builder.relations.tables.finish(),
        schema_hash: document::hash(&schemas),
        schemas,
    })
}

struct Builder<'a> {
    complete: &'a [CompleteType<'a>],
    hierarchy: Hierarchy<'a>,
    relations: Relations<'a>,
}

impl Builder<'_> {
    fn entity_type(&mut self, id: TypeId) -> Result<EntityType, SourceError> {
        let complete = &self.complete[id.0];
        let declaration = complete.declaration;
        let table = self
            .check(complete)
            .map_err(|problem| declaration.origin.error(problem))?;
        let attributes = complete
            .attributes
            .iter()
            .map(|attribute| self.attribute(id, attribute))
            .collect::<Result<Vec<_>, _>>()?;
        let server_name = declaration.server.as_ref().unwrap_or(&declaration.name);
        Ok(EntityType {
            id,
            name: declaration.name.clone(),
            table,
            primary_key: complete.key.clone(),
            discriminator: complete.discriminator.clone(),
            row_filter: self.hierarchy.row_filter(id),
            is_abstract: declaration.is_abstract,
            subtypes: self.hierarchy.subtypes[id.0].clone(),
            bases: self.hierarchy.bases[id.0].clone(),
            server_name: server_name.to_lowercase(),
            system_projections: system_projections(complete),
            default_projections: complete.select.clone(),
            group_by: declaration.group_by,
            attribute_index: attributes
                .iter()
                .enumerate()
                .map(|(position, attribute)| (attribute.name.clone(), position))
                .collect(),
            attributes,
        })
    }

    /// Checks that the columns and attributes that the type names exist, and returns its table.
    fn check(&self, complete: &CompleteType<'_>) -> Result<TableId, Problem> {
        let tables = &self.relations.tables;
        let table = tables.id(&complete.table)?;
        let discriminators = complete.discriminator.iter().map(|(column, _)| column);
        let indexes = complete.declaration.indexes.iter().flatten();
        for column in complete.key.iter().chain(discriminators).chain(indexes) {
            tables.check_column(table, column)?;
        }
        for attribute in complete.select.iter().chain(&complete.always) {
            complete.check_attribute(attribute)?;
        }
        Ok(table)
    }

    fn attribute(
        &mut self,
        owner: TypeId,
        declared: &AttributeDeclaration,
    ) -> Result<Attribute, SourceError> {
        let mut is_entity_type_name = false;
        let mut choices = Vec::new();
        let kind = match &declared.kind {
            DeclaredKind::Relation(relation) => self
                .relations
                .resolve(owner, relation)
                .map_err(|problem| declared.origin.error(problem))?,
            DeclaredKind::Value(value) => {
                is_entity_type_name = value.is_entity_type_name;
                choices.clone_from(&value.choices);
                match &value.function {
                    Some(function) => AttributeKind::Computed {
                        function: function.clone(),
                        data_type: value.data_type,
                    },
                    None => AttributeKind::Column {
                        column: value.column.as_ref().unwrap_or(&declared.name).clone(),
                        data_type: value.data_type,
                    },
                }
            }
        };
        Ok(Attribute {
            name: declared.name.clone(),
            kind,
            required: declared.flags.required,
            immutable: declared.flags.immutable,
            computed: declared.flags.computed,
            restricted_projection: declared.flags.restricted,
            hidden: declared.flags.hidden,
            is_entity_type_name,
            alias: declared.alias.clone(),
            default: declared.default.clone(),
            choices,
        })
    }
}

/// Translates the published names, which are ftrack's own columns, to attributes; the rest are of no use to clients.
fn system_projections(complete: &CompleteType<'_>) -> Vec<String> {
    let names = complete.system.iter().filter_map(|name| {
        let attributes = &complete.attributes;
        attributes
            .iter()
            .find(|attribute| attribute.name == *name)
            .or_else(|| {
                let alias = name.trim_start_matches('_');
                attributes
                    .iter()
                    .find(|attribute| attribute.alias.as_deref() == Some(alias))
            })
            .filter(|attribute| !attribute.flags.hidden)
            .map(|attribute| attribute.name.clone())
    });
    without_repetition(names.chain(complete.always.iter().cloned()))
}

fn without_repetition(values: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}
