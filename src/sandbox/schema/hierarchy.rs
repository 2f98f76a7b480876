//! Who descends from whom, and how rows of one type are told from others in the same table.

use super::{catalog::TypeId, inherit::CompleteType};

/// The relatives of every type.
pub(super) struct Hierarchy<'a> {
    complete: &'a [CompleteType<'a>],
    /// The ancestors of every type, nearest first.
    pub bases: Vec<Vec<TypeId>>,
    /// The concrete descendants of every type whose rows can be told apart.
    pub subtypes: Vec<Vec<TypeId>>,
}

impl<'a> Hierarchy<'a> {
    pub(super) fn of(complete: &'a [CompleteType<'a>]) -> Self {
        let mut bases = vec![Vec::new(); complete.len()];
        let mut subtypes = vec![Vec::new(); complete.len()];
        for (position, descendant) in complete.iter().enumerate() {
            let is_met = !descendant.declaration.is_abstract && descendant.is_distinct();
            let ancestors =
                std::iter::successors(descendant.base, |ancestor| complete[*ancestor].base);
            for ancestor in ancestors {
                bases[position].push(TypeId(ancestor));
                if is_met {
                    subtypes[ancestor].push(TypeId(position));
                }
            }
        }
        Self {
            complete,
            bases,
            subtypes,
        }
    }

    /// Collects the values by which rows of the type and its subtypes differ from other rows of the table.
    pub(super) fn row_filter(&self, id: TypeId) -> Vec<(String, Vec<String>)> {
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
                let mut values = Vec::with_capacity(members.len());
                for member in &members {
                    let value = value_of(member, column)?;
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                Some((column.clone(), values))
            })
            .collect()
    }
}

fn value_of(discriminator: &[(String, String)], column: &str) -> Option<String> {
    discriminator
        .iter()
        .find(|(other, _)| other == column)
        .map(|(_, value)| value.clone())
}
