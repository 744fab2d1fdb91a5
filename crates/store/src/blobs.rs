//! What is too large or too odd for YAML, kept beside it by content.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use retake_model::Value;

use crate::StoreError;
use crate::disk::{self, Unread};
use crate::yaml::{BlobOf, Problem, is_blob_name};

/// The largest blob that is read, in bytes: 1 GiB.
const LARGEST: u64 = 1 << 30;

/// Writes the blobs of a set, each content once. (Two threads that come with the same one at the
/// same time both write it: the file is the same.)
#[derive(Debug)]
pub(crate) struct BlobWriter {
    folder: PathBuf,
    written: Mutex<HashSet<String>>,
}

impl BlobWriter {
    pub(crate) fn new(folder: PathBuf) -> Self {
        BlobWriter {
            folder,
            written: Mutex::default(),
        }
    }

    /// Writes what is not there yet.
    pub(crate) fn write(&self, blobs: &[BlobOf<'_>]) -> Result<(), StoreError> {
        for blob in blobs {
            let (is_first, is_written) = {
                let written = self.written();
                (written.is_empty(), written.contains(&blob.name))
            };
            if is_written {
                continue;
            }
            if is_first {
                disk::create_folder(&self.folder)?;
            }
            // What is there under this name may be damaged: it is written anew once a recording.
            disk::write_whole(&self.folder.join(&blob.name), blob.bytes)?;
            self.written().insert(blob.name.clone());
        }
        Ok(())
    }

    fn written(&self) -> MutexGuard<'_, HashSet<String>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a blob of the set in `folder`, and checks that its content is what its name says.
pub(crate) fn read(folder: &Path, name: &str, is_text: bool) -> Result<Value, Problem> {
    const HINT: &str = "take it from where the recording comes from, or record again";
    // Checked on parsing; checked again where it becomes a path.
    if !is_blob_name(name) {
        return Err(Problem::new("this is not the name of a blob"));
    }
    let path = folder.join("blobs").join(name);
    let bytes = disk::read_below(folder, &path, LARGEST).map_err(|why| match why {
        Unread::Missing => Problem::new(format!("the blob `{name}` is missing")).hint(HINT),
        Unread::Refused(why) => Problem::new(format!("the blob `{name}` is refused: {why}")),
        Unread::Io(error) => Problem::new(format!("the blob `{name}` cannot be read: {error}")),
    })?;
    if blake3::hash(&bytes).to_hex().as_str() != name {
        return Err(
            Problem::new(format!("the content of the blob `{name}` was changed"))
                .expected("content whose BLAKE3 hash is its name")
                .hint(HINT),
        );
    }
    if !is_text {
        return Ok(Value::Bytes(bytes.into()));
    }
    String::from_utf8(bytes)
        .map(Value::String)
        .map_err(|_| Problem::new(format!("the blob `{name}` is not text in UTF-8")))
}
