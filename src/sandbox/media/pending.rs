//! What a batch does to files: settled while its operations are carried out, done once all of them have succeeded.

use std::io;

use super::file_id::FileId;
use super::files::FileStore;
use super::parts::{Joined, UploadManifest};

/// The uploads in parts that a batch begins and completes; a batch that fails drops them.
#[derive(Debug, Default)]
pub struct PendingFiles {
    begun: Vec<(FileId, UploadManifest)>,
    completed: Vec<Completed>,
}

#[derive(Debug)]
struct Completed {
    upload: FileId,
    whole: Joined,
    component: FileId,
}

impl PendingFiles {
    /// Begins an upload in parts.
    pub fn begin(&mut self, manifest: UploadManifest) -> FileId {
        let upload = FileId::unique();
        self.begun.push((upload.clone(), manifest));
        upload
    }

    /// Makes the whole of an upload the file of a component.
    pub fn complete(&mut self, upload: FileId, whole: Joined, component: FileId) {
        self.completed.push(Completed {
            upload,
            whole,
            component,
        });
    }

    /// Returns whether the upload is complete already.
    pub fn completes(&self, upload: &FileId) -> bool {
        self.completed.iter().any(|done| done.upload == *upload)
    }

    /// Returns whether the component gets a file.
    pub fn bring(&self, component: &FileId) -> bool {
        let mut completed = self.completed.iter();
        completed.any(|done| done.component == *component)
    }

    /// Does it all; what fails keeps nothing else from being done, and the first error is returned.
    pub fn carry_out(self, files: &FileStore) -> io::Result<()> {
        let begun = self.begun.iter();
        let begun = begun.map(|(upload, manifest)| files.begin_upload(upload, manifest));
        let completed = self.completed.into_iter().map(|done| {
            let Completed {
                upload,
                whole,
                component,
            } = done;
            files.complete_upload(&upload, whole, &component)
        });
        begun.chain(completed).fold(Ok(()), Result::and)
    }
}
