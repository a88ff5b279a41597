//! Runbooks in files of their own: `NAME.toml` in one folder, one runbook each. What is wrong with one is told with file and
//! line, and takes none of the others down.

use super::config::{RunbookConfig, Wrong};
use farol_model::action::FileFault;
use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};
use toml_edit::{ImDocument, Item};

/// Files that are looked at; more are told of.
const MAX_FILES: usize = 256;
/// Bytes of one file.
const MAX_BYTES: u64 = 64 * 1024;

/// What a folder holds.
#[derive(Debug, Default, PartialEq)]
pub struct Loaded {
    pub runbooks: Vec<RunbookConfig>,
    pub faults: Vec<FileFault>,
}

/// What tells whether anything has changed: name, time of change, length and number of each file.
pub type Stamp = Vec<(PathBuf, i64, u64, u64)>;

/// The stamp of a folder. A folder that is not there holds nothing.
pub fn stamp(folder: &Path) -> Stamp {
    let meta = |path: PathBuf| {
        let meta = fs::metadata(&path).ok()?;
        Some((
            path,
            meta.mtime_nsec() + meta.mtime() * 1_000_000_000,
            meta.len(),
            meta.ino(),
        ))
    };
    paths(folder)
        .unwrap_or_default()
        .into_iter()
        .filter_map(meta)
        .collect()
}

/// Reads all files of a folder. `taken` are names that stand in the configuration already.
pub fn load(folder: &Path, taken: &[RunbookConfig]) -> Loaded {
    let mut loaded = Loaded::default();
    let paths = match paths(folder) {
        Ok(paths) => paths,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return loaded,
        Err(error) => {
            let fault = fault(folder, 0, format!("the folder cannot be read: {error}"));
            loaded.faults.push(fault);
            return loaded;
        }
    };
    if paths.len() > MAX_FILES {
        let reason = format!(
            "holds {} files; the first {MAX_FILES} by name are read",
            paths.len()
        );
        loaded.faults.push(fault(folder, 0, reason));
    }
    for path in paths.into_iter().take(MAX_FILES) {
        match read(&path) {
            Ok(runbook) => {
                let same = |other: &&RunbookConfig| other.name == runbook.name;
                match taken.iter().chain(&loaded.runbooks).find(same) {
                    Some(_) => {
                        let reason = format!("another runbook is called `{}` already", runbook.name);
                        loaded.faults.push(fault(&path, 1, reason));
                    }
                    None => loaded.runbooks.push(runbook),
                }
            }
            Err(faults) => loaded.faults.extend(faults),
        }
    }
    loaded
}

fn paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<RunbookConfig, Vec<FileFault>> {
    let one = |line: usize, reason: String| vec![fault(path, line, reason)];
    let mut text = String::new();
    let file = File::open(path).map_err(|error| one(0, format!("cannot be read: {error}")))?;
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| one(0, format!("cannot be read: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(one(0, format!("is larger than {} KiB", MAX_BYTES / 1024)));
    }
    let mut runbook: RunbookConfig = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        one(line_of(&text, at), error.message().to_owned())
    })?;
    if runbook.name.is_empty() {
        runbook.name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
    }
    if runbook.title.is_empty() {
        runbook.title = runbook.name.clone();
    }
    let wrong = runbook.wrong();
    if wrong.is_empty() {
        return Ok(runbook);
    }
    let document = ImDocument::parse(text.as_str()).ok();
    let line = |wrong: &Wrong| {
        let at = document
            .as_ref()
            .and_then(|document| place(document.as_item(), wrong));
        at.map_or(1, |at| line_of(&text, at))
    };
    let told = |wrong: &Wrong| fault(path, line(wrong), format!("{}: {}", wrong.field, wrong.reason));
    Err(wrong.iter().map(told).collect())
}

/// Where the key at fault begins, bytes.
fn place(root: &Item, wrong: &Wrong) -> Option<usize> {
    let (key, value) = root.as_table()?.get_key_value(wrong.field)?;
    let item = wrong.item.and_then(|at| value.get(at)).and_then(Item::span);
    // A table in an array of tables begins at its head.
    let table = wrong
        .item
        .and_then(|at| value.as_array_of_tables()?.get(at)?.span());
    let span = item.or(table).or_else(|| key.span()).or_else(|| value.span())?;
    Some(span.start)
}

fn line_of(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn fault(path: &Path, line: usize, reason: String) -> FileFault {
    FileFault {
        file: path.display().to_string(),
        line,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    const GOOD: &str = "title = \"Good\"\nsteps = [[\"/bin/echo\", \"a\"], [\"/bin/true\"]]\n";

    #[test]
    fn a_bad_file_is_told_with_its_line_and_the_others_are_there() {
        let dir = folder(&[
            ("good.toml", GOOD),
            ("syntax.toml", "title = \"x\"\nargv = [\n"),
            ("key.toml", "title = \"x\"\n\nargvv = [\"/bin/true\"]\n"),
            (
                "type.toml",
                "title = \"x\"\nargv = [\"/bin/true\"]\ntime_limit_secs = \"long\"\n",
            ),
            (
                "steps.toml",
                "title = \"x\"\nsteps = [\n  [\"/bin/true\"],\n  [\"/bin/echo\", \"{who}\"],\n]\n",
            ),
            (
                "params.toml",
                "argv = [\"/bin/true\"]\n\n[[params]]\nname = \"a\"\nkind = \"text\"\n\n[[params]]\nname = \"b\"\nkind = \"choice\"\n",
            ),
            ("zz.toml", "name = \"good\"\nargv = [\"/bin/true\"]\n"),
            ("not-a-runbook.txt", "nonsense"),
        ]);
        let loaded = load(dir.path(), &[]);
        let names: Vec<_> = loaded.runbooks.iter().map(|book| book.name.as_str()).collect();
        assert_eq!(names, ["good"]);
        let told = |file: &str| {
            let fault = loaded
                .faults
                .iter()
                .find(|fault| fault.file.ends_with(file))
                .unwrap();
            (fault.line, fault.reason.clone())
        };
        assert_eq!(told("/key.toml").0, 3);
        assert!(told("/key.toml").1.contains("argvv"));
        assert_eq!(told("/type.toml").0, 3);
        assert_eq!(told("/steps.toml").0, 4);
        assert!(told("/steps.toml").1.contains("{who}"));
        assert_eq!(told("/params.toml").0, 7);
        assert!(told("/zz.toml").1.contains("`good` already"));
        assert!(told("/syntax.toml").0 >= 2);
        assert_eq!(loaded.faults.len(), 6);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty_and_a_file_that_is_too_large_is_not_read() {
        assert_eq!(load(Path::new("/nonexistent/runbooks"), &[]), Loaded::default());
        let dir = folder(&[("large.toml", &"# x\n".repeat(20_000))]);
        let loaded = load(dir.path(), &[]);
        assert!(
            loaded.faults[0].reason.contains("larger than 64 KiB"),
            "{loaded:?}"
        );
    }

    #[test]
    fn a_stamp_changes_with_what_is_in_the_folder() {
        let dir = folder(&[("good.toml", GOOD)]);
        let before = stamp(dir.path());
        assert_eq!(stamp(dir.path()), before);
        fs::write(dir.path().join("good.toml"), format!("{GOOD}# more\n")).unwrap();
        assert_ne!(stamp(dir.path()), before);
    }
}
