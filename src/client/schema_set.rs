//! The entity types of a site, prepared for decoding: names become small numbers once, lookups are one hash.

use std::sync::Arc;

use ftrack_protocol::{Property, Schema};
use hashbrown::HashMap;

use crate::error::{Error, Result};

/// An entity type within its [`SchemaSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u16);

/// An attribute within its [`EntityType`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeId(pub u16);

/// All entity types of a site.
#[derive(Debug, Default)]
pub struct SchemaSet {
    types: Vec<EntityType>,
    by_name: HashMap<Arc<str>, TypeId>,
}

/// One entity type.
#[derive(Debug)]
pub struct EntityType {
    /// Position in the set.
    pub id: TypeId,
    /// Name, such as `Task`.
    pub name: Arc<str>,
    /// Attributes that identify an entity, in order.
    pub primary_key: Box<[AttributeId]>,
    /// What a query selects when it does not say.
    pub default_projections: Box<[Arc<str>]>,
    /// Attributes by number, sorted by name.
    pub attributes: Box<[Attribute]>,
    by_name: HashMap<Arc<str>, AttributeId>,
}

/// One attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Name, such as `status`.
    pub name: Arc<str>,
    /// What values are.
    pub kind: AttributeKind,
    /// False for attributes that cannot change once set.
    pub mutable: bool,
    /// True for attributes the server computes.
    pub computed: bool,
    /// Value of a new entity.
    pub default: DefaultValue,
}

/// What the values of an attribute are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// A plain value.
    Scalar(DataType),
    /// One entity of the named type.
    Reference(Arc<str>),
    /// Entities of the named type.
    Collection(Option<Arc<str>>),
    /// Entities of the named type, presented as a mapping.
    Mapped(Arc<str>),
}

/// Types of plain values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// Text.
    String,
    /// Text that is a point in time.
    DateTime,
    /// Integer.
    Integer,
    /// Any number.
    Number,
    /// Boolean.
    Boolean,
    /// Plain JSON objects and lists.
    Object,
    /// Anything, as in the value of a custom attribute.
    Variable,
}

/// Value of an attribute of a new entity.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// Stays unset.
    None,
    /// A new unique id.
    UniqueId,
    /// A fixed value.
    Value(serde_json::Value),
}

impl SchemaSet {
    /// Reads the JSON list that `query_schemas` answers.
    pub fn from_json(json: &[u8]) -> Result<Arc<Self>> {
        let schemas: Vec<Schema> =
            serde_json::from_slice(json).map_err(|e| Error::decode("the schemas", &e))?;
        Self::from_schemas(&schemas).map(Arc::new)
    }

    /// Prepares decoded schemas.
    pub fn from_schemas(schemas: &[Schema]) -> Result<Self> {
        let mut set = Self::default();
        for schema in schemas {
            let id = TypeId(position(set.types.len())?);
            set.by_name.insert(schema.id.clone(), id);
            set.types.push(EntityType::new(id, schema)?);
        }
        Ok(set)
    }

    /// Returns all types in the order of the server.
    pub fn types(&self) -> &[EntityType] {
        &self.types
    }

    /// Returns the type `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<&EntityType> {
        self.by_name.get(name).map(|id| self.entity_type(*id))
    }

    /// Returns the type `name`.
    pub fn get(&self, name: &str) -> Result<&EntityType> {
        self.find(name).ok_or_else(|| Error::UnknownEntityType {
            name: name.to_owned(),
        })
    }

    /// Returns the type of a number that this set gave out.
    pub fn entity_type(&self, id: TypeId) -> &EntityType {
        &self.types[usize::from(id.0)]
    }
}

impl EntityType {
    fn new(id: TypeId, schema: &Schema) -> Result<Self> {
        let attributes: Box<[Attribute]> = schema
            .properties
            .iter()
            .filter(|(_, property)| !property.restricted_projection)
            .filter_map(|(name, property)| Attribute::new(name, property, schema))
            .collect();
        let mut by_name = HashMap::with_capacity(attributes.len());
        for (index, attribute) in attributes.iter().enumerate() {
            by_name.insert(attribute.name.clone(), AttributeId(position(index)?));
        }
        let primary_key = schema
            .primary_key
            .iter()
            .map(|name| {
                by_name.get(name).copied().ok_or_else(|| {
                    Error::decode(
                        "the schemas",
                        &format!("{} has no attribute {name:?} of its primary key", schema.id),
                    )
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            id,
            name: schema.id.clone(),
            primary_key,
            default_projections: schema.default_projections.clone().into(),
            attributes,
            by_name,
        })
    }

    /// Returns the number of the attribute `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<AttributeId> {
        self.by_name.get(name).copied()
    }

    /// Returns the number of the attribute `name`.
    pub fn get(&self, name: &str) -> Result<AttributeId> {
        self.find(name).ok_or_else(|| Error::UnknownAttribute {
            entity_type: self.name.to_string(),
            name: name.to_owned(),
        })
    }

    /// Returns the attribute of a number that this type gave out.
    pub fn attribute(&self, id: AttributeId) -> &Attribute {
        &self.attributes[usize::from(id.0)]
    }

    /// Tells whether `id` is part of the primary key.
    pub fn is_primary_key(&self, id: AttributeId) -> bool {
        self.primary_key.contains(&id)
    }
}

impl Attribute {
    /// Makes an attribute, or none where clients cannot hold such values.
    fn new(name: &Arc<str>, property: &Property, schema: &Schema) -> Option<Self> {
        Some(Self {
            name: name.clone(),
            kind: AttributeKind::of(property)?,
            mutable: !schema.immutable.contains(name),
            computed: schema.computed.contains(name),
            default: match &property.default {
                None => DefaultValue::None,
                Some(serde_json::Value::String(text)) if text == "{uid}" => DefaultValue::UniqueId,
                Some(value) => DefaultValue::Value(value.clone()),
            },
        })
    }
}

impl AttributeKind {
    fn of(property: &Property) -> Option<Self> {
        if let Some(reference) = &property.reference {
            return Some(Self::Reference(reference.clone()));
        }
        let items = property.items.as_ref().and_then(|i| i.reference.clone());
        let scalar = match property.data_type.as_deref()? {
            "array" => return Some(Self::Collection(items)),
            "mapped_array" => return items.map(Self::Mapped),
            "string" if property.format.as_deref() == Some("date-time") => DataType::DateTime,
            "string" => DataType::String,
            "integer" => DataType::Integer,
            "number" => DataType::Number,
            "boolean" => DataType::Boolean,
            "object" => DataType::Object,
            "variable" => DataType::Variable,
            _ => return None,
        };
        Some(Self::Scalar(scalar))
    }

    /// Tells whether values are lists of entities.
    pub fn is_collection(&self) -> bool {
        matches!(self, Self::Collection(_) | Self::Mapped(_))
    }
}

fn position(index: usize) -> Result<u16> {
    u16::try_from(index)
        .map_err(|_| Error::decode("the schemas", &"more than 65535 types or attributes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &[u8] =
        br#"[{"id":"Task","primary_key":["id"],"immutable":["id"],"computed":["link"],
        "default_projections":["id","name"],"properties":{
        "id":{"type":"string","default":"{uid}"},"name":{"type":"string"},"link":{"type":"object"},
        "status":{"$ref":"Status"},"notes":{"type":"array","items":{"$ref":"Note"}},
        "metadata":{"type":"mapped_array","items":{"$ref":"Metadata"}},
        "links":{"type":"array","restricted_projection":true}}}]"#;

    #[test]
    fn attributes_are_classified_by_their_schema() {
        let set = SchemaSet::from_json(TASK).unwrap();
        let task = set.get("Task").unwrap();
        let kind = |name: &str| task.attribute(task.get(name).unwrap()).kind.clone();
        assert_eq!(kind("name"), AttributeKind::Scalar(DataType::String));
        assert_eq!(kind("status"), AttributeKind::Reference("Status".into()));
        assert_eq!(
            kind("notes"),
            AttributeKind::Collection(Some("Note".into()))
        );
        assert_eq!(kind("metadata"), AttributeKind::Mapped("Metadata".into()));
        let id = task.get("id").unwrap();
        assert!(task.is_primary_key(id) && !task.attribute(id).mutable);
        assert_eq!(task.attribute(id).default, DefaultValue::UniqueId);
        assert!(task.find("links").is_none(), "cannot be selected");
    }

    #[test]
    fn unknown_names_are_named() {
        let set = SchemaSet::from_json(TASK).unwrap();
        assert_eq!(
            set.get("Tusk").unwrap_err().to_string(),
            r#"entity type "Tusk" is not known to the server"#
        );
        assert_eq!(
            set.get("Task").unwrap().get("nme").unwrap_err().to_string(),
            r#"Task has no attribute "nme""#
        );
    }
}
