//! What the schema source declares, line by line, before anything is looked up.

use serde_json::Value;

use super::{
    catalog::DataType,
    error::{Problem, SourceError},
};

/// The declarations of one or more source files, in order.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub types: Vec<TypeDeclaration>,
    pub links: Vec<LinkDeclaration>,
}

/// Where a declaration stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub file: &'static str,
    pub line: usize,
}

impl Origin {
    pub(super) fn error(self, problem: Problem) -> SourceError {
        SourceError {
            file: self.file,
            line: self.line,
            problem,
        }
    }
}

/// A table of link rows that no entity type shows.
#[derive(Debug)]
pub(super) struct LinkDeclaration {
    pub name: String,
    pub columns: Vec<String>,
}

/// An entity type, without what it inherits.
#[derive(Debug)]
pub(super) struct TypeDeclaration {
    pub origin: Origin,
    pub name: String,
    pub is_abstract: bool,
    pub base: Option<String>,
    pub discriminator: Vec<(String, String)>,
    pub key: Option<Vec<String>>,
    pub select: Option<Vec<String>>,
    pub system: Option<Vec<String>>,
    pub always: Vec<String>,
    pub server: Option<String>,
    pub is_classified: bool,
    pub table: Option<String>,
    pub indexes: Vec<Vec<String>>,
    pub group_by: bool,
    pub required: Vec<String>,
    pub immutable: Vec<String>,
    pub computed: Vec<String>,
    pub attributes: Vec<AttributeDeclaration>,
}

impl TypeDeclaration {
    pub(super) fn new(origin: Origin, name: String, is_abstract: bool) -> Self {
        Self {
            origin,
            name,
            is_abstract,
            base: None,
            discriminator: Vec::new(),
            key: None,
            select: None,
            system: None,
            always: Vec::new(),
            server: None,
            is_classified: false,
            table: None,
            indexes: Vec::new(),
            group_by: false,
            required: Vec::new(),
            immutable: Vec::new(),
            computed: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

/// One attribute line.
#[derive(Debug, Clone)]
pub(super) struct AttributeDeclaration {
    pub origin: Origin,
    pub name: String,
    pub kind: DeclaredKind,
    pub flags: Flags,
    pub default: Option<Value>,
    pub alias: Option<String>,
    pub description: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent word of the format"
)]
pub(super) struct Flags {
    pub required: bool,
    pub immutable: bool,
    pub computed: bool,
    pub restricted: bool,
    pub hidden: bool,
}

#[derive(Debug, Clone)]
pub(super) enum DeclaredKind {
    Value(DeclaredValue),
    Relation(DeclaredRelation),
}

#[derive(Debug, Clone)]
pub(super) struct DeclaredValue {
    pub data_type: DataType,
    /// The published target of a foreign key, such as `User.user_id`.
    pub foreign_key: Option<String>,
    pub is_entity_type_name: bool,
    pub choices: Vec<String>,
    /// The column, if its name is not that of the attribute.
    pub column: Option<String>,
    /// The code that derives the value, if it is not in a column.
    pub function: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct DeclaredRelation {
    pub is_collection: bool,
    pub target: String,
    /// The type that clients are told, if it is not the target.
    pub shown: Option<String>,
    pub path: Path,
    pub mapping: Mapping,
}

/// How to find the rows of a relation.
#[derive(Debug, Clone)]
pub(super) enum Path {
    By {
        columns: Vec<ColumnPair>,
        filter: Vec<(String, String)>,
    },
    Through {
        table: String,
        near: String,
        far: String,
    },
    Code(String),
}

/// A column here and a column there that must be equal.
#[derive(Debug, Clone)]
pub(super) enum ColumnPair {
    /// The column of a foreign key; the other one is the primary key it refers to.
    Implied(String),
    /// Both columns.
    Explicit(String, String),
}

/// Whether clients see a collection as a mapping.
#[derive(Debug, Clone)]
pub(super) enum Mapping {
    None,
    Unkeyed,
    Keyed { key: String, value: String },
}
