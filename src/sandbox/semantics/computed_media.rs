//! Addresses of files and thumbnails: `{"url": ..., "value": ...}`.

use crate::media::files::SERVER_LOCATION;
use crate::plan::Alias;

/// What an address is of, and so where it points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// The picture of an entity; entities without one share a default picture.
    Thumbnail,
    /// The file of a component.
    File,
}

impl Address {
    /// Returns the address of a component, or of no component.
    pub(crate) fn of(self, base_url: &str, component_id: Option<&str>) -> Option<String> {
        match (self, component_id) {
            (Self::Thumbnail, Some(id)) => {
                Some(format!("{base_url}/component/thumbnail?id={id}&size=300"))
            }
            (Self::Thumbnail, None) => Some(format!("{base_url}/img/thumbnail2.png")),
            (Self::File, Some(id)) => Some(format!("{base_url}/component/get?id={id}")),
            (Self::File, None) => None,
        }
    }
}

/// The component that is an entity's thumbnail.
pub(crate) fn thumbnail_component(alias: Alias) -> String {
    format!("{alias}.thumbnail_id")
}

/// The component of a link row.
pub(crate) fn linked_component(alias: Alias) -> String {
    format!("{alias}.component_id")
}

/// The component of a component location, if the server has its file: in `ftrack.server`, `ftrack.review` and
/// `ftrack.connect`. Files in other locations are the clients' own.
pub(crate) fn served_component(alias: Alias) -> String {
    format!(
        "iif({alias}.location_id in ('{SERVER_LOCATION}', \
         'cd41be70-8809-11e3-b98a-20c9d081909b', '07b82a97-8cf9-11e3-9383-20c9d081909b'), {alias}.component_id, null)"
    )
}
