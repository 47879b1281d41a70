//! Every kind of mistake of a policy file, with what is said of it.
//!
//! A file of `diagnostics/` beside the text that it must lead to, byte for byte.
//! `OPGATE_UPDATE_GOLDEN=1` writes the texts anew; read what has changed.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    use opgate::diagnostic::{Code, Diagnostics};
    use opgate::policy::SourceFile;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
    }

    fn found(name: &str) -> Diagnostics {
        let read = |path: &Path| -> io::Result<SourceFile> {
            let path = folder().join(path);
            Ok(SourceFile {
                identity: path.canonicalize()?,
                text: fs::read_to_string(path)?,
            })
        };
        let file = read(Path::new(name)).unwrap();
        match opgate::policy::check_with(name, file, &read) {
            Ok(configuration) => configuration.warnings,
            Err(found) => found,
        }
    }

    #[test]
    fn each_mistake_is_shown_as_it_was_reviewed() {
        let update = std::env::var_os("OPGATE_UPDATE_GOLDEN").is_some();
        let mut raised = BTreeSet::new();
        let mut files: Vec<_> = fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
            .collect();
        files.sort();
        for file in &files {
            let name = file.file_name().unwrap().to_str().unwrap();
            let found = found(name);
            let shown = found.to_string();
            let golden = file.with_extension("txt");
            if update {
                fs::write(&golden, &shown).unwrap();
            }
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            assert_eq!(shown, expected, "{name}");
            raised.extend(found.found().iter().map(|found| found.code));
        }
        let all: BTreeSet<Code> = Code::ALL.iter().copied().collect();
        let missing: Vec<_> = all.difference(&raised).collect();
        assert!(missing.is_empty(), "no file raises {missing:?}");
        println!("{} files raise {} codes", files.len(), raised.len());
    }

    #[test]
    fn every_code_is_documented() {
        let documented = include_str!("../docs/diagnostics.md");
        for code in Code::ALL {
            let heading = format!("\n## {code}\n");
            assert!(documented.contains(&heading), "{code}");
        }
    }
}
