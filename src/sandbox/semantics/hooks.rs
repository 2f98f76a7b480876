//! Which rules apply to which table: the table of contents of the subjects.

use crate::{
    error::ApiError,
    schema::{Catalog, EntityType},
};

use super::{
    assets, components, contexts, create::NewEntity, custom_attribute_links, custom_attributes,
    jobs, lists, locations, notes, review_sessions, row::Row, status_changes, time,
    unit_of_work::UnitOfWork, update::ChangedEntity, users,
};

/// Completes a row that is about to be inserted, or refuses it.
pub(super) fn before_create(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    match new.row.table().name.as_str() {
        "context" => contexts::before_create(work, new)?,
        "asset" => assets::place_asset(work, &mut new.row)?,
        "asset_version" => assets::before_create_version(work, new)?,
        "component" => components::before_create(new),
        "note" => notes::before_create(work, new)?,
        "custom_attribute_value" => custom_attributes::before_store(work, &mut new.row)?,
        "custom_attribute_configuration" => {
            custom_attributes::before_create_configuration(work, new)?;
        }
        "custom_attribute_link" => custom_attribute_links::before_create(work, new)?,
        "resource" => users::before_create(new),
        "timer" => time::before_create_timer(work, new)?,
        "timelog" => time::before_create_timelog(work, new),
        "appointment" => time::before_create_appointment(new)?,
        "list" => lists::before_create(work, new),
        "list_object" => lists::before_create_item(work, new)?,
        "job" => jobs::before_create(work, new),
        "review_session" => review_sessions::before_create(work, new)?,
        "review_session_object" => review_sessions::before_create_object(work, new)?,
        _ => {}
    }
    Ok(())
}

/// Adds what comes with a row that was inserted.
pub(super) fn after_create(work: &mut UnitOfWork<'_>, new: &NewEntity) -> Result<(), ApiError> {
    match new.row.table().name.as_str() {
        "note" => notes::after_create(work, &new.row),
        "note_label_link" => notes::after_create_label_link(work, &new.row),
        _ => Ok(()),
    }
}

/// Completes a row that is about to be written over another, or refuses it.
pub(super) fn before_update(
    work: &mut UnitOfWork<'_>,
    entity: &mut ChangedEntity,
) -> Result<(), ApiError> {
    match entity.row.table().name.as_str() {
        "context" => contexts::before_update(work, entity)?,
        "asset" => assets::place_asset(work, &mut entity.row)?,
        "asset_version" => assets::place_version(work, &mut entity.row)?,
        "note" => notes::before_update(work, entity)?,
        "custom_attribute_value" => custom_attributes::before_store(work, &mut entity.row)?,
        "custom_attribute_configuration" => {
            custom_attributes::before_update_configuration(work, entity)?;
        }
        "custom_attribute_link" => custom_attribute_links::before_update(work, entity)?,
        "timer" => time::before_update_timer(work, entity)?,
        "job" => jobs::before_update(work, entity),
        _ => {}
    }
    Ok(())
}

/// Adds what follows from a row that was changed.
pub(super) fn after_update(
    work: &mut UnitOfWork<'_>,
    entity: &ChangedEntity,
) -> Result<(), ApiError> {
    match entity.row.table().name.as_str() {
        "context" => {
            status_changes::record(work, entity, "task")?;
            contexts::after_update(work, entity)
        }
        "asset" => assets::after_update(work, entity),
        "asset_version" => {
            status_changes::record(work, entity, "assetversion")?;
            assets::after_update(work, entity)
        }
        _ => Ok(()),
    }
}

/// Refuses a deletion.
pub(super) fn before_delete(
    work: &UnitOfWork<'_>,
    entity_type: &EntityType,
    row: &Row,
) -> Result<(), ApiError> {
    match Catalog::get().table(entity_type.table).name.as_str() {
        "location" => locations::before_delete(work, row),
        "custom_attribute_value" | "custom_attribute_link" => {
            custom_attributes::check_writable(work, row)
        }
        _ => Ok(()),
    }
}

/// Puts right what a deletion leaves behind.
pub(super) fn after_delete(work: &mut UnitOfWork<'_>, row: &Row) -> Result<(), ApiError> {
    match row.table().name.as_str() {
        "context" => {
            contexts::forget(work);
            assets::forget_versions(work);
        }
        "asset" | "asset_version" => assets::forget_versions(work),
        "note_label_link" => notes::after_delete_label_link(work, row)?,
        "resource" => users::after_delete(work, row)?,
        _ => {}
    }
    Ok(())
}

/// Returns the type that an entity gets when a client names the abstract one only.
pub(super) fn usual_type(entity_type: &EntityType) -> Option<&'static EntityType> {
    let name = match entity_type.name.as_str() {
        // Guess: ftrack's own clients create components without saying of which kind.
        "Component" => "FileComponent",
        "List" => "TypedContextList",
        _ => return None,
    };
    Catalog::get().entity_type(name)
}

/// Returns whether clients update entities of this type without creating them.
pub(super) fn is_created_by_update(entity_type: &EntityType) -> bool {
    let table = &Catalog::get().table(entity_type.table).name;
    matches!(table.as_str(), "custom_attribute_value" | "metadata")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that is misspelt matches nothing, and its rule would never be applied.
    #[test]
    fn all_names_exist() {
        let catalog = Catalog::get();
        let rules = include_str!("hooks.rs").split("#[cfg(test)]").next();
        let names: Vec<_> = rules
            .into_iter()
            .flat_map(str::lines)
            .filter(|line| line.contains("=>") || line.contains("matches!"))
            .flat_map(|line| line.split('"').skip(1).step_by(2))
            .collect();
        assert!(names.len() > 30, "{names:?}");
        for name in names {
            let is_table = catalog.tables().any(|table| table.name == name);
            let exists = is_table || catalog.entity_type(name).is_some();
            assert!(exists, "there is no table or type {name}");
        }
    }
}
