//! What the server knows of every entity type: attributes, relations and the table its rows live in.
//!
//! The catalog is the one place that relates the API's names (`Task.status`) to the store (`context.status_id`
//! joined with `status.id`). It is built once, from the text files in `types/`, and never changes afterwards.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

/// Every entity type and table of the server.
#[derive(Debug)]
pub struct Catalog {
    pub(super) types: Vec<EntityType>,
    pub(super) type_index: HashMap<String, TypeId>,
    pub(super) tables: Vec<Table>,
    pub(super) schemas: Value,
    pub(super) schema_hash: String,
}

impl Catalog {
    /// Returns the catalog of the embedded schema source, building it on first use.
    pub fn get() -> &'static Self {
        static CATALOG: LazyLock<Catalog> = LazyLock::new(super::build::embedded);
        &CATALOG
    }

    /// Returns the entity type called `name`; type names are case-sensitive.
    pub fn entity_type(&self, name: &str) -> Option<&EntityType> {
        self.type_index.get(name).map(|id| self.type_by_id(*id))
    }

    /// Returns the entity type with this id.
    pub fn type_by_id(&self, id: TypeId) -> &EntityType {
        &self.types[id.0]
    }

    /// Iterates over all entity types in declaration order.
    pub fn types(&self) -> impl Iterator<Item = &EntityType> {
        self.types.iter()
    }

    /// Returns the table with this id.
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// Iterates over all tables, those of link rows that no entity type exposes included.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter()
    }

    /// Returns the answer to `query_schemas`: an array of schema objects.
    pub fn schemas_json(&self) -> &Value {
        &self.schemas
    }

    /// Returns the MD5 by which clients decide whether their cached schemas are current.
    pub fn schema_hash(&self) -> &str {
        &self.schema_hash
    }

    /// Returns the most concrete type of a row that was selected as `base`.
    ///
    /// `discriminators` answers the row's value of a discriminator column. A row that fits no subtype, such as a
    /// context of an unknown object type, stays a `base`.
    pub fn concrete_type(
        &self,
        base: TypeId,
        discriminators: &dyn Fn(&str) -> Option<String>,
    ) -> &EntityType {
        let base = self.type_by_id(base);
        base.subtypes
            .iter()
            .map(|id| self.type_by_id(*id))
            .filter(|candidate| candidate.accepts(discriminators))
            .max_by_key(|candidate| candidate.discriminator.len())
            .unwrap_or(base)
    }
}

/// Position of an entity type in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub(super) usize);

/// Position of a table in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub(super) usize);

/// One entity type of the API, such as `Task`, with inherited attributes included.
#[derive(Debug)]
pub struct EntityType {
    /// The position of this type in the catalog.
    pub id: TypeId,
    /// The name of the type in the API.
    pub name: String,
    /// The table its rows live in, shared by all types of one hierarchy.
    pub table: TableId,
    /// The columns that identify a row, in the order of `entity_key`.
    pub primary_key: Vec<String>,
    /// The column values a new row of exactly this type gets.
    pub discriminator: Vec<(String, String)>,
    /// The columns, with the values to choose from, that tell rows of this type and its subtypes from others in the
    /// table; empty if the table holds no others.
    ///
    /// It also holds for rows that a join finds: `Recipient.user` joins all resources but means users only.
    pub row_filter: Vec<(String, Vec<String>)>,
    /// Whether rows are never of exactly this type.
    pub is_abstract: bool,
    /// All concrete descendants whose rows can be told apart, in declaration order.
    pub subtypes: Vec<TypeId>,
    /// All ancestors, nearest first.
    pub bases: Vec<TypeId>,
    /// ftrack's own name of the type, as in the `entityType` of events (`task`, `assetversion`).
    pub server_name: String,
    /// The attributes every answer holds besides the primary key.
    pub system_projections: Vec<String>,
    /// The attributes clients select when a query names none.
    pub default_projections: Vec<String>,
    /// Whether `group by` works on this type.
    pub group_by: bool,
    pub(super) attributes: Vec<Attribute>,
    pub(super) attribute_index: HashMap<String, usize>,
}

impl EntityType {
    /// Returns the attribute called `name`, private aliases such as `_link` included.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attribute_index
            .get(name)
            .map(|position| &self.attributes[*position])
    }

    /// Returns all attributes in declaration order, inherited ones first.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Returns whether a row of this type also is of type `other`.
    pub fn is_a(&self, other: TypeId) -> bool {
        self.id == other || self.bases.contains(&other)
    }

    fn accepts(&self, discriminators: &dyn Fn(&str) -> Option<String>) -> bool {
        self.discriminator
            .iter()
            .all(|(column, value)| discriminators(column).as_deref() == Some(value))
    }
}

/// One attribute of an entity type.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact that the published schema states"
)]
pub struct Attribute {
    /// The name of the attribute in the API.
    pub name: String,
    /// Where its value comes from.
    pub kind: AttributeKind,
    /// Whether a row must have a value.
    pub required: bool,
    /// Whether the value cannot change once the row exists.
    pub immutable: bool,
    /// Whether the server derives the value, so that clients cannot set it.
    pub computed: bool,
    /// Whether the attribute is for conditions only and cannot be selected.
    pub restricted_projection: bool,
    /// Whether only the server knows of the attribute: the published schema lacks it, answers never hold it unasked.
    pub hidden: bool,
    /// Whether clients name entity types (`Task`) where the server stores its own names (`task`).
    pub is_entity_type_name: bool,
    /// The name of the server's column, as in the `keys` and `changes` of events.
    pub alias: Option<String>,
    /// The value of a new row; `"{uid}"` stands for a new id.
    pub default: Option<Value>,
    /// The words to choose from; empty if any value will do.
    pub choices: Vec<String>,
}

/// Where the value of an attribute comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeKind {
    /// A column of the type's table.
    Column {
        /// The name of the column.
        column: String,
        /// The type of the value.
        data_type: DataType,
    },
    /// A value that the server derives.
    Computed {
        /// The name of the code that derives it.
        function: String,
        /// The type of the value.
        data_type: DataType,
    },
    /// Another entity, or none.
    Reference {
        /// The declared type of the other entity, which may be abstract.
        target: TypeId,
        /// How to find it.
        join: Join,
    },
    /// Any number of other entities.
    Collection {
        /// The declared type of the other entities, which may be abstract.
        target: TypeId,
        /// How to find them.
        join: Join,
        /// The key and value attributes of the members, if clients see a mapping.
        mapped: Option<MappedKeys>,
    },
}

/// The attributes that make a collection a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedKeys {
    /// The attribute of a member that is the key.
    pub key: String,
    /// The attribute of a member that is the value.
    pub value: String,
}

/// The type of a value in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// A string.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Float,
    /// True or false.
    Boolean,
    /// A moment, in UTC and to the second.
    DateTime,
    /// A string that holds JSON.
    Json,
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
    /// Whatever the row's custom attribute configuration says.
    Variable,
}

/// How rows of one table find rows of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// By equal columns.
    Columns {
        /// Pairs of a column of this table and a column of the other.
        pairs: Vec<(String, String)>,
        /// Values that columns of the other table must have.
        filter: Vec<(String, String)>,
    },
    /// By rows of a link table.
    Through {
        /// The link table.
        table: TableId,
        /// Pairs of a column of this table and a column of the link.
        near: Vec<(String, String)>,
        /// Pairs of a column of the link and a column of the other table.
        far: Vec<(String, String)>,
    },
    /// By code of that name, such as `ancestors` or `latest_version`.
    Computed {
        /// The name of the relation.
        relation: String,
    },
}

/// One table of the store.
#[derive(Debug)]
pub struct Table {
    /// The position of this table in the catalog.
    pub id: TableId,
    /// The name of the table.
    pub name: String,
    /// The columns, in order of declaration.
    pub columns: Vec<Column>,
    /// The columns that identify a row.
    pub primary_key: Vec<String>,
    /// The columns of each further index.
    pub indexes: Vec<Vec<String>>,
}

impl Table {
    /// Returns the column called `name`.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name of the column, which is the API's name of the attribute.
    pub name: String,
    /// The type of its values.
    pub data_type: DataType,
    /// Whether the values are ids of rows, to be compared byte for byte; other texts are compared without case.
    pub is_identifier: bool,
}
