//! Builds the catalog from the schema source.

use std::collections::HashMap;

use super::{
    catalog::{Attribute, AttributeKind, Catalog, EntityType, Join, MappedKeys, TableId, TypeId},
    declaration::{
        AttributeDeclaration, ColumnPair, DeclaredKind, DeclaredRelation, Mapping, Path, Source,
    },
    document,
    error::{Problem, SourceError},
    inherit::{self, CompleteType},
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
    let mut builder = Builder {
        type_index: complete
            .iter()
            .enumerate()
            .map(|(position, complete)| (complete.declaration.name.clone(), TypeId(position)))
            .collect(),
        bases: bases(&complete),
        subtypes: subtypes(&complete),
        tables: Tables::derive(&complete, &source.links)?,
        complete: &complete,
    };
    let types = (0..complete.len())
        .map(|position| builder.entity_type(TypeId(position)))
        .collect::<Result<Vec<_>, _>>()?;
    builder.tables.drop_superfluous_indexes();
    let schemas = document::schemas(&complete);
    Ok(Catalog {
        types,
        type_index: builder.type_index,
        tables: builder.tables.tables,
        schema_hash: document::hash(&schemas),
        schemas,
    })
}

struct Builder<'a> {
    complete: &'a [CompleteType<'a>],
    type_index: HashMap<String, TypeId>,
    bases: Vec<Vec<TypeId>>,
    subtypes: Vec<Vec<TypeId>>,
    tables: Tables,
}

impl Builder<'_> {
    fn entity_type(&mut self, id: TypeId) -> Result<EntityType, SourceError> {
        let complete = &self.complete[id.0];
        let declaration = complete.declaration;
        let at = |problem| declaration.origin.error(problem);
        let table = self.tables.id(&complete.table).map_err(at)?;
        for column in &complete.key {
            self.tables.check_column(table, column).map_err(at)?;
        }
        for (column, _) in &complete.discriminator {
            self.tables.check_column(table, column).map_err(at)?;
        }
        let mut attributes = Vec::with_capacity(complete.attributes.len());
        for attribute in &complete.attributes {
            let attribute = self
                .attribute(id, attribute)
                .map_err(|problem| attribute.origin.error(problem))?;
            attributes.push(attribute);
        }
        let server_name = declaration.server.as_ref().unwrap_or(&declaration.name);
        Ok(EntityType {
            id,
            name: declaration.name.clone(),
            table,
            primary_key: complete.key.clone(),
            discriminator: complete.discriminator.clone(),
            row_filter: self.row_filter(id),
            is_abstract: declaration.is_abstract,
            subtypes: self.subtypes[id.0].clone(),
            bases: self.bases[id.0].clone(),
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

    /// Collects the values by which rows of the type and its subtypes differ from other rows of the table.
    fn row_filter(&self, id: TypeId) -> Vec<(String, Vec<String>)> {
        let complete = &self.complete[id.0];
        if complete.base.is_none() && !complete.is_distinct() {
            return Vec::new();
        }
        let mut members: Vec<_> = self.subtypes[id.0]
            .iter()
            .map(|subtype| &self.complete[subtype.0].discriminator)
            .collect();
        if !complete.declaration.is_abstract {
            members.insert(0, &complete.discriminator);
        }
        let Some(first) = members.first() else {
            return Vec::new();
        };
        // What tells the base's rows apart is implied by what tells those of the type itself apart.
        let own = &complete.declaration.discriminator;
        first
            .iter()
            .filter(|(column, _)| own.is_empty() || value_of(own, column).is_some())
            .filter_map(|(column, _)| {
                let values = members
                    .iter()
                    .map(|member| value_of(member, column))
                    .collect::<Option<Vec<String>>>()?;
                Some((column.clone(), without_repetition(values)))
            })
            .collect()
    }

    fn attribute(
        &mut self,
        owner: TypeId,
        declared: &AttributeDeclaration,
    ) -> Result<Attribute, Problem> {
        let mut is_entity_type_name = false;
        let mut choices = Vec::new();
        let kind = match &declared.kind {
            DeclaredKind::Relation(relation) => self.relation(owner, relation)?,
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

    fn relation(
        &mut self,
        owner: TypeId,
        relation: &DeclaredRelation,
    ) -> Result<AttributeKind, Problem> {
        let target = self.type_id(&relation.target)?;
        if let Some(shown) = &relation.shown {
            self.type_id(shown)?;
        }
        let join = match &relation.path {
            Path::Code(name) => Join::Computed {
                relation: name.clone(),
            },
            Path::By { columns, filter } => {
                self.join_columns(owner, target, relation.is_collection, columns, filter)?
            }
            Path::Through { table, near, far } => {
                self.join_through(owner, target, table, near, far)?
            }
        };
        if !relation.is_collection {
            return Ok(AttributeKind::Reference { target, join });
        }
        let mapped = match &relation.mapping {
            Mapping::Keyed { key, value } => Some(MappedKeys {
                key: key.clone(),
                value: value.clone(),
            }),
            Mapping::None | Mapping::Unkeyed => None,
        };
        Ok(AttributeKind::Collection {
            target,
            join,
            mapped,
        })
    }

    fn join_columns(
        &mut self,
        owner: TypeId,
        target: TypeId,
        is_collection: bool,
        columns: &[ColumnPair],
        filter: &[(String, String)],
    ) -> Result<Join, Problem> {
        let mut pairs = Vec::with_capacity(columns.len());
        for column in columns {
            pairs.push(match column {
                ColumnPair::Explicit(near, far) => (near.clone(), far.clone()),
                ColumnPair::Implied(far) if is_collection => (self.single_key(owner)?, far.clone()),
                ColumnPair::Implied(near) => (near.clone(), self.single_key(target)?),
            });
        }
        let (here, there) = (self.table_of(owner)?, self.table_of(target)?);
        for (near, far) in &pairs {
            self.tables.check_column(here, near)?;
            self.tables.check_column(there, far)?;
        }
        for (column, _) in filter {
            self.tables.check_column(there, column)?;
        }
        let (near, far) = pairs.iter().cloned().unzip();
        self.tables.add_index(here, near);
        self.tables.add_index(there, far);
        Ok(Join::Columns {
            pairs,
            filter: filter.to_vec(),
        })
    }

    fn join_through(
        &mut self,
        owner: TypeId,
        target: TypeId,
        table: &str,
        near: &str,
        far: &str,
    ) -> Result<Join, Problem> {
        let table = self.tables.id(table)?;
        for column in [near, far] {
            self.tables.check_column(table, column)?;
            self.tables.add_index(table, vec![column.to_owned()]);
        }
        Ok(Join::Through {
            table,
            near: vec![(self.single_key(owner)?, near.to_owned())],
            far: vec![(far.to_owned(), self.single_key(target)?)],
            filter: Vec::new(),
        })
    }

    fn type_id(&self, name: &str) -> Result<TypeId, Problem> {
        self.type_index
            .get(name)
            .copied()
            .ok_or_else(|| Problem::UnknownType {
                name: name.to_owned(),
            })
    }

    fn table_of(&self, id: TypeId) -> Result<TableId, Problem> {
        self.tables.id(&self.complete[id.0].table)
    }

    fn single_key(&self, id: TypeId) -> Result<String, Problem> {
        let complete = &self.complete[id.0];
        match complete.key.as_slice() {
            [column] => Ok(column.clone()),
            _ => Err(Problem::CompositeKey {
                name: complete.declaration.name.clone(),
            }),
        }
    }
}

/// Lists the ancestors of every type, nearest first.
fn bases(types: &[CompleteType<'_>]) -> Vec<Vec<TypeId>> {
    let ancestors = |complete: &CompleteType<'_>| {
        std::iter::successors(complete.base, |base| types[*base].base)
    };
    types
        .iter()
        .map(|complete| ancestors(complete).map(TypeId).collect())
        .collect()
}

/// Lists the concrete descendants of every type whose rows can be told apart.
fn subtypes(types: &[CompleteType<'_>]) -> Vec<Vec<TypeId>> {
    let mut subtypes = vec![Vec::new(); types.len()];
    for (position, complete) in types.iter().enumerate() {
        if complete.declaration.is_abstract || !complete.is_distinct() {
            continue;
        }
        let mut base = complete.base;
        while let Some(ancestor) = base {
            subtypes[ancestor].push(TypeId(position));
            base = types[ancestor].base;
        }
    }
    subtypes
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

fn value_of(discriminator: &[(String, String)], column: &str) -> Option<String> {
    discriminator
        .iter()
        .find(|(other, _)| other == column)
        .map(|(_, value)| value.clone())
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
