//! A look at frames before they are published.

use std::path::PathBuf;
use std::time::Duration;

use ftrack_client::transfer::preflight::{Defect, inspect};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::blocking;

/// The size of each frame; and of those with a defect the position and what is wrong.
type Seen = (Vec<u64>, Vec<(usize, &'static str)>);

/// Looks at the frames of one sequence.
#[pyfunction]
pub fn inspect_frames(py: Python<'_>, paths: Vec<PathBuf>, recent: f64) -> PyResult<Seen> {
    let recent = Duration::try_from_secs_f64(recent)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let seen = blocking::run(py, "inspect files", move || inspect(&paths, recent))?;
    let findings = seen.findings.into_iter();
    let findings = findings.map(|finding| (finding.index, name(finding.defect)));
    Ok((seen.sizes, findings.collect()))
}

fn name(defect: Defect) -> &'static str {
    match defect {
        Defect::Missing => "missing",
        Defect::Empty => "empty",
        Defect::Unreadable => "unreadable",
        Defect::Growing => "growing",
        Defect::OddSize { .. } => "odd size",
    }
}
