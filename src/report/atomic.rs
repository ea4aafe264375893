//! Files that are whole or absent: written under a temporary name in the same folder, flushed to the disk,
//! then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use super::ReportError;

/// Writes the file `path` with what `fill` puts out, creating its folder where needed.
///
/// Until the last byte is on the disk, nothing of that name exists, or the earlier file stands unchanged.
///
/// # Errors
///
/// [`ReportError::Write`] where the folder cannot be written, the disk is full or `fill` fails; the
/// temporary file is removed.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), ReportError> {
    put(path, fill).map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

fn put(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut draft = BufWriter::new(draft_in(folder)?);
    fill(&mut draft)?;
    let draft = draft.into_inner().map_err(io::IntoInnerError::into_error)?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    sync_folder(folder);
    Ok(())
}

/// How the name of a draft begins and ends.
const DRAFT: (&str, &str) = (".forkcast-", ".part");

/// Removes the drafts in `folder` that a killed process left behind. A folder that is not there has none.
///
/// # Errors
///
/// [`ReportError::Write`].
pub fn remove_drafts(folder: &Path) -> Result<(), ReportError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(DRAFT.0) && name.ends_with(DRAFT.1) {
            fs::remove_file(&path).map_err(|source| ReportError::Write { path: path.clone(), source })?;
        }
    }
    Ok(())
}

/// An unnamed-looking file beside its destination, readable as any other new file would be.
fn draft_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(DRAFT.0).suffix(DRAFT.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The temporary file's default of 0600 would survive the rename; the umask still applies.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Makes the rename itself durable. Not every file system can, and the file is whole either way, so a
/// failure is no error.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_whole_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace/events.csv");
        write(&path, |out| out.write_all(b"seconds\n1\n")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"seconds\n1\n");
        assert_eq!(names(path.parent().unwrap()), ["events.csv"]);
    }

    #[test]
    fn a_failing_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.csv");
        let full = |out: &mut dyn Write| {
            out.write_all(&vec![b'x'; 100_000])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        let error = write(&path, full).unwrap_err();
        assert!(error.remedy().contains("free some space"), "{}", error.remedy());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_failing_write_leaves_the_earlier_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.csv");
        write(&path, |out| out.write_all(b"old")).unwrap();
        write(&path, |_| Err(io::Error::other("stopped"))).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["cells.csv"]);
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error_with_path_and_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        fs::write(&file, "").unwrap();
        let error = write(&file.join("cells.csv"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("taken/cells.csv"), "{error}");
        assert!(error.remedy().contains("--out"), "{}", error.remedy());
    }
}
