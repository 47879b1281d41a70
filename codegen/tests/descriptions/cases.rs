//! Folders of cases, and the comparison of what comes out with what lies there.

use std::path::{Path, PathBuf};
use std::{env, fs};

use opgate_codegen::Source;

/// A folder with descriptions, perhaps an overlay, and what is expected of them.
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) name: String,
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Descriptions and overlay, with their names.
    files: Vec<(String, String)>,
}

impl Case {
    /// The descriptions and the overlay.
    pub(crate) fn sources(&self) -> (Option<Source<'_>>, Vec<Source<'_>>) {
        let (overlay, descriptions) = opgate_codegen::sources(&self.files);
        (overlay, descriptions)
    }

    /// Whether a text must come out as this file of the folder has it; it is
    /// written there when the caller wishes to update.
    pub(crate) fn compare(&self, file: &str, text: &str) -> Result<(), String> {
        compare(&self.folder.join(file), text)
    }
}

/// The cases in `codegen/tests/NAME/`, in the order of their names.
pub(crate) fn cases(name: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name);
    let mut folders: Vec<PathBuf> = entries(&root)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .map(|folder| Case {
            name: base_name(&folder),
            files: yaml(&folder),
            folder,
        })
        .collect()
}

/// The `YAML` files of a folder, each with its bare name.
pub(crate) fn yaml(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = entries(folder)
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| (base_name(&path), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// The descriptions and the overlay of the real API.
pub(crate) fn spec() -> Vec<(String, String)> {
    yaml(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec"))
}

/// Compares a text with a file, or writes it there.
pub(crate) fn compare(path: &Path, text: &str) -> Result<(), String> {
    let known = fs::read_to_string(path).unwrap_or_default();
    if known == text {
        return Ok(());
    }
    if env::var_os("OPGATE_UPDATE_GOLDEN").is_some() {
        assert!(
            env::var_os("CI").is_none(),
            "what is expected is not updated where `CI` is set"
        );
        fs::write(path, text).unwrap();
        return Ok(());
    }
    Err(format!("{}:\n{}", path.display(), difference(&known, text)))
}

/// The first lines that differ.
fn difference(known: &str, text: &str) -> String {
    let mut known = known.lines();
    let mut now = text.lines();
    for number in 1_usize.. {
        match (known.next(), now.next()) {
            (None, None) => break,
            (known, now) if known == now => {}
            (known, now) => {
                let show = |line: Option<&str>| line.unwrap_or("(end of file)").to_owned();
                return format!(
                    "  line {number}\n  expected: {}\n  made:     {}",
                    show(known),
                    show(now)
                );
            }
        }
    }
    "  only line ends differ".to_owned()
}

/// Fails with everything that went wrong.
pub(crate) fn report(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{}\nread the difference; if it is meant, update with\n  \
         OPGATE_UPDATE_GOLDEN=1 cargo test -p opgate-codegen golden",
        wrong.join("\n")
    );
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn base_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}
