//! Every attribute of every type can be used.

use super::Site;
use crate::schema::{Attribute, AttributeKind, Catalog};

fn is_relation(attribute: &Attribute) -> bool {
    match attribute.kind {
        AttributeKind::Reference { .. } | AttributeKind::Collection { .. } => true,
        AttributeKind::Column { .. } | AttributeKind::Computed { .. } => false,
    }
}

#[test]
fn every_attribute_is_answered_when_selected() {
    let mut site = Site::new();
    // Or a row could be a reference to where it occurs below another.
    site.options.denormalize = true;
    for entity_type in Catalog::get().types() {
        let names: Vec<&str> = entity_type
            .attributes()
            .iter()
            .filter(|attribute| !attribute.restricted_projection)
            .map(|attribute| attribute.name.as_str())
            .collect();
        let expression = format!("select {} from {}", names.join(", "), entity_type.name);
        for row in site.query(&expression) {
            for name in &names {
                assert!(
                    row.get(name).is_some(),
                    "{}.{name} in {row}",
                    entity_type.name
                );
            }
        }
    }
}

#[test]
fn every_relation_can_be_followed_to_its_end() {
    let site = Site::new();
    for entity_type in Catalog::get().types() {
        for attribute in entity_type
            .attributes()
            .iter()
            .filter(|attribute| is_relation(attribute))
        {
            let (name, entity_type) = (&attribute.name, &entity_type.name);
            site.query(&format!("{entity_type} where {name} any ()"));
            site.query(&format!("{entity_type} where not {name} has ()"));
            site.query(&format!("{entity_type} where {name} is None"));
        }
    }
}

#[test]
fn every_stored_value_can_be_compared_and_sorted_by() {
    let site = Site::new();
    for entity_type in Catalog::get().types() {
        for attribute in entity_type.attributes() {
            if let AttributeKind::Column { .. } = attribute.kind {
                let (name, entity_type) = (&attribute.name, &entity_type.name);
                site.query(&format!(
                    "{entity_type} where {name} is_not None order by {name} desc"
                ));
                site.query(&format!("{entity_type} where {name} like '%'"));
            }
        }
    }
}
