//! Plans the components of versions, and what is made of their files.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem::discriminant;
use std::path::PathBuf;

use super::{Planner, defects};
use crate::publish::description::{ComponentSpec, Source, VersionSpec};
use crate::publish::media::MediaInfo;
use crate::publish::plan::{
    ConflictKind, Content, EncodeSource, PlannedComponent, PlannedFile, PlannedVersion, REVIEWABLE,
    SERVER_LOCATION, THUMBNAIL, Warning, file_extension, file_name,
};
use crate::sequence::Sequence;
use crate::transfer::preflight::Defect;

impl Planner<'_> {
    /// Plans components side by side. Those of a container go where it goes.
    pub(super) fn components(
        &mut self,
        specs: &[ComponentSpec],
        place: &str,
        container: Option<&[String]>,
    ) -> Vec<PlannedComponent> {
        let mut names = HashSet::new();
        specs
            .iter()
            .map(|spec| {
                let node = format!("{place}/{}", spec.name);
                if !names.insert(spec.name.to_lowercase()) {
                    self.conflict(
                        ConflictKind::NameTaken,
                        &node,
                        "two components have this name",
                    );
                }
                self.component(spec, &node, container)
            })
            .collect()
    }

    fn component(
        &mut self,
        spec: &ComponentSpec,
        node: &str,
        container: Option<&[String]>,
    ) -> PlannedComponent {
        let locations = match container {
            Some(locations) => locations.to_vec(),
            None if spec.locations.is_empty() => vec![SERVER_LOCATION.to_owned()],
            None => spec.locations.clone(),
        };
        for location in &locations {
            if !self.findings.locations.contains(location) {
                let message = format!("nothing was found for the location {location}");
                self.conflict(ConflictKind::NotFound, node, message);
            }
        }
        let (content, file_type, first) = self.content(&spec.source, node, &locations);
        PlannedComponent {
            name: spec.name.clone(),
            content,
            file_type,
            data: spec.data.clone(),
            metadata: spec.metadata.clone(),
            locations,
            media: first.and_then(|path| self.findings.files.get(&path).media),
            taken_by: None,
        }
    }

    /// Returns the content, its extension, and the first file of it.
    fn content(
        &mut self,
        source: &Source,
        node: &str,
        locations: &[String],
    ) -> (Content, String, Option<PathBuf>) {
        let text = match source {
            Source::Members(members) => {
                let members = self.components(members, node, Some(locations));
                return (Content::Container(members), String::new(), None);
            }
            Source::Path(text) => text,
        };
        match Sequence::parse(text) {
            Ok(sequence) => {
                let members = self.frames(&sequence, node);
                let first = members.first().map(|(_, file)| file.path.clone());
                let name = first.as_deref().map(file_name).unwrap_or_default();
                let padding = sequence.padding;
                let content = Content::Sequence { padding, members };
                (content, file_extension(&name).to_owned(), first)
            }
            Err(error) => {
                if !error.is_plain_path() {
                    self.conflict(ConflictKind::File, node, error.to_string());
                }
                let file = self.file(text.into(), node);
                let path = file.path.clone();
                (
                    Content::File(file),
                    file_extension(text).to_owned(),
                    Some(path),
                )
            }
        }
    }

    fn file(&mut self, path: PathBuf, node: &str) -> PlannedFile {
        let facts = self.findings.files.get(&path);
        if let Some(defect) = facts.defect {
            self.defect(node, defect, defects::of_file(&path, defect), &[&path]);
        }
        PlannedFile {
            path,
            size: facts.size,
        }
    }

    /// Plans the frames of a sequence. All that have the same defect are told of together.
    fn frames(&mut self, sequence: &Sequence, node: &str) -> Vec<(String, PlannedFile)> {
        let mut frames = Vec::with_capacity(sequence.indexes.len());
        let mut found: Vec<(Defect, Vec<(u64, PathBuf)>)> = Vec::new();
        for member in sequence.members() {
            let path = PathBuf::from(member.path);
            let facts = self.findings.files.get(&path);
            if let Some(defect) = facts.defect {
                let same =
                    |(known, _): &&mut (Defect, _)| discriminant(known) == discriminant(&defect);
                let frame = (member.index, path.clone());
                match found.iter_mut().find(same) {
                    Some((_, frames)) => frames.push(frame),
                    None => found.push((defect, vec![frame])),
                }
            }
            let size = facts.size;
            frames.push((member.name, PlannedFile { path, size }));
        }
        for (defect, frames) in found {
            let message = match frames.as_slice() {
                [(_, path)] => defects::of_file(path, defect),
                _ => defects::of_frames(sequence, frames.iter().map(|(index, _)| *index), defect),
            };
            let paths: Vec<_> = frames.iter().map(|(_, path)| path).collect();
            self.defect(node, defect, message, &paths);
        }
        frames
    }

    fn defect(&mut self, node: &str, defect: Defect, message: String, files: &[&PathBuf]) {
        if defect.is_obstacle() {
            self.conflict(ConflictKind::File, node, message);
            if let Some(conflict) = self.conflicts.last_mut() {
                conflict.files = files.iter().copied().cloned().collect();
            }
        } else {
            let node = node.to_owned();
            self.warnings.push(Warning { node, message });
        }
    }

    pub(super) fn thumbnail(&mut self, spec: &VersionSpec, version: &mut PlannedVersion) {
        let node = format!("{}/{THUMBNAIL}", version.label);
        version.thumbnail = spec.thumbnail.clone().map(|path| self.file(path, &node));
    }

    /// Takes a playable file as a component of its own; anything else the server has to encode, from the component that holds it if there is one.
    pub(super) fn reviewable(&mut self, spec: &VersionSpec, version: &mut PlannedVersion) {
        let Some(path) = spec.reviewable.clone() else {
            return;
        };
        let node = format!("{}/{REVIEWABLE}", version.label);
        let file = self.file(path.clone(), &node);
        let media = self.findings.files.get(&path).media;
        if let Some(media) = media.filter(MediaInfo::is_web_playable) {
            let metadata = media.review_metadata().to_string();
            version.components.push(PlannedComponent {
                name: media.review_name().to_owned(),
                file_type: file_extension(&path.to_string_lossy()).to_owned(),
                content: Content::File(file),
                data: serde_json::Map::new(),
                metadata: BTreeMap::from([("ftr_meta".to_owned(), metadata)]),
                locations: vec![SERVER_LOCATION.to_owned()],
                media: Some(media),
                taken_by: None,
            });
            return;
        }
        let holds_it = |component: &&PlannedComponent| {
            component.locations.iter().any(|l| l == SERVER_LOCATION)
                && matches!(&component.content, Content::File(held) if held.path == path)
        };
        version.encode = Some(match version.components.iter().find(holds_it) {
            Some(component) => EncodeSource::Component(component.name.clone()),
            None => EncodeSource::File(file),
        });
    }

    /// Compares with the components that an existing version has, and keeps the names that are needed here.
    pub(super) fn check_names(&mut self, version: &mut PlannedVersion) {
        let rows = &self.findings.rows;
        let known: HashMap<String, &str> = version
            .existing
            .iter()
            .flat_map(|id| rows.references(id, "components"))
            .filter_map(|id| Some((rows.text(id, "name")?.to_lowercase(), id)))
            .collect();
        for component in &mut version.components {
            let node = format!("{}/{}", version.label, component.name);
            if [REVIEWABLE, THUMBNAIL].contains(&component.name.as_str()) {
                let message = "the name is kept for what the server makes; choose another";
                self.conflict(ConflictKind::NameTaken, &node, message);
            }
            let Some(taken) = known.get(&component.name.to_lowercase()) else {
                continue;
            };
            component.taken_by = Some((*taken).to_owned());
            let is_there = rows
                .references(taken, "component_locations")
                .into_iter()
                .filter_map(|registration| rows.text(registration, "location_id"))
                .any(|location| component.locations.iter().any(|wanted| wanted == location));
            let (kind, message) = if is_there {
                (
                    ConflictKind::AlreadyInLocation,
                    "the version has this component already, in the same location",
                )
            } else {
                (
                    ConflictKind::NameTaken,
                    "the version has a component of this name already",
                )
            };
            self.conflict(kind, &node, message);
        }
    }
}
