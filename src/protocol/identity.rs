//! Identity of an entity: its most concrete type and its primary key.

use std::fmt;
use std::sync::Arc;

/// Names one entity on a server.
///
/// The values stand in the order of the type's primary key, as text: a key of `Metadata` holds `parent_id` and `key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityKey {
    /// Schema name of the most concrete type, such as `Task` (never `Context` for a task).
    pub entity_type: Arc<str>,
    /// Primary key values.
    pub values: Box<[Arc<str>]>,
}

impl EntityKey {
    /// Makes a key of any number of values.
    pub fn new(
        entity_type: impl Into<Arc<str>>,
        values: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Self {
        Self {
            entity_type: entity_type.into(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }
}

impl fmt::Display for EntityKey {
    /// Writes `Task(id)`, or `Metadata(parent, key)`, as error messages name entities.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.entity_type, self.values.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_type_and_key() {
        assert_eq!(EntityKey::new("Task", ["a"]).to_string(), "Task(a)");
        assert_eq!(
            EntityKey::new("Metadata", ["a", "fps"]).to_string(),
            "Metadata(a, fps)"
        );
    }
}
