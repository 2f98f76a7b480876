//! What the steps of a publish take.

use super::plan::{EncodeSource, PlannedVersion, Step};
use crate::transfer::upload_calls;

/// Lists the steps of a publish of these versions.
pub(super) fn steps(versions: &[PlannedVersion]) -> Vec<Step> {
    let all: Vec<_> = versions.iter().flat_map(PlannedVersion::files).collect();
    let sent: Vec<_> = all.iter().filter(|of| of.is_sent).collect();
    let bytes = all.iter().map(|of| of.file.size).sum();
    let sent_bytes = sent.iter().map(|of| of.file.size).sum();
    let elsewhere = versions.iter().any(PlannedVersion::goes_elsewhere);
    let encodes = versions.iter().any(|version| version.encode.is_some());
    let step = |name: &str, calls, files, bytes| Step {
        name: name.to_owned(),
        calls,
        files,
        bytes,
    };
    let mut steps = vec![step("look up", 2, 0, 0), step("hash", 0, all.len(), bytes)];
    if elsewhere || versions.iter().any(|version| version.may_be_published) {
        steps.push(step("compare with earlier runs", 1, 0, 0));
    }
    if elsewhere {
        let kept: u64 = versions
            .iter()
            .filter(|version| version.goes_elsewhere())
            .map(PlannedVersion::bytes)
            .sum();
        // Made, asked for, and read by whoever decides where data goes.
        steps.push(step("reserve version numbers", 3, 0, 0));
        steps.push(step("copy to other locations", 0, 0, kept));
    }
    steps.push(step(
        "send to ftrack.server",
        upload_calls(sent.iter().map(|of| of.file.size)),
        sent.len(),
        sent_bytes,
    ));
    steps.push(step("register", 1, 0, 0));
    if encodes {
        let sources = versions.iter().filter_map(|version| match &version.encode {
            Some(EncodeSource::File(file)) => Some(file.size),
            _ => None,
        });
        steps.push(step("ask for encodes", 1, 0, sources.sum()));
    }
    steps.push(step("read it back", 1, 0, 0));
    steps
}

/// Writes a number of bytes for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    #[expect(
        clippy::cast_precision_loss,
        reason = "three digits are shown, not sixteen"
    )]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.5 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_three_digits_at_most() {
        let texts: Vec<_> = [0, 999, 1000, 204_800, 5_500_000, u64::MAX]
            .map(size)
            .into();
        assert_eq!(
            texts,
            ["0 B", "999 B", "1.0 KB", "205 KB", "5.5 MB", "18446744 TB"]
        );
    }
}
