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

#[derive(Debug)]
pub(super) struct LinkDeclaration {
    pub name: String,
    pub columns: Vec<String>,
}

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

#[derive(Debug, Clone)]
pub(super) enum Path {
    /// Single columns are paired with the key of the other side.
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

#[derive(Debug, Clone)]
pub(super) enum ColumnPair {
    Implied(String),
    Explicit(String, String),
}

#[derive(Debug, Clone)]
pub(super) enum Mapping {
    None,
    Unkeyed,
    Keyed { key: String, value: String },
}
