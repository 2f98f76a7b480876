//! Names of members: borrowed from the answer where possible, or looked up at once.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use crate::schema_set::{AttributeId, EntityType};

/// Reads a text without copying it, unless it holds escapes.
pub(super) struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Reads the name of an attribute as its number; none for names the schema does not know.
pub(super) struct AttributeSeed<'s> {
    pub(super) definition: &'s EntityType,
    /// The one it probably is, which saves looking it up.
    pub(super) expected: Option<AttributeId>,
}

impl<'de> DeserializeSeed<'de> for AttributeSeed<'_> {
    type Value = Option<AttributeId>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for AttributeSeed<'_> {
    type Value = Option<AttributeId>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let is_name = |id: &AttributeId| *self.definition.attribute(*id).name == *name;
        Ok(self
            .expected
            .filter(is_name)
            .or_else(|| self.definition.find(name)))
    }
}
