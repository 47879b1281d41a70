//! Diagnostics: what is wrong with a file, shown at its place.
//!
//! A diagnostic has a place, a message and perhaps advice; rendering adds the
//! file and the source line with the place underlined. Knows nothing of
//! policies or definitions.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line and column, from 1.
    pub place: (u64, u64),
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without advice.
    pub fn new(place: (u64, u64), message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            help: None,
        }
    }
}

/// Everything that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    lines: Vec<String>,
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// What was found in a file with this text.
    pub fn new(file: &str, text: &str, found: Vec<Diagnostic>) -> Self {
        Self {
            file: file.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            found,
        }
    }

    /// A single finding.
    pub fn one(file: &str, text: &str, diagnostic: Diagnostic) -> Self {
        Self::new(file, text, vec![diagnostic])
    }

    /// What was found.
    pub fn found(&self) -> &[Diagnostic] {
        &self.found
    }

    fn line(&self, line: u64) -> Option<&str> {
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        self.lines.get(index).map(String::as_str)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, diagnostic) in self.found.iter().enumerate() {
            let (line, column) = diagnostic.place;
            if number > 0 {
                f.write_str("\n")?;
            }
            writeln!(f, "error: {}", diagnostic.message)?;
            writeln!(f, " --> {}:{line}:{column}", self.file)?;
            if let Some(source) = self.line(line) {
                let width = line.to_string().len();
                let before = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
                let rest = source.chars().skip(before);
                let word: String = rest
                    .take_while(|letter| !matches!(letter, ',' | ' ' | ']' | '}' | '#'))
                    .collect();
                let length = word.trim_end_matches(':').chars().count().max(1);
                writeln!(f, " {:width$} |", "")?;
                writeln!(f, " {line} | {source}")?;
                writeln!(f, " {:width$} | {:before$}{}", "", "", "^".repeat(length))?;
            }
            if let Some(help) = &diagnostic.help {
                writeln!(f, " help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Advice that names the nearest of some names, if one is near.
pub fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    names
        .map(|name| (distance(wrong, name), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().max(wrong.len()) / 3)
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

/// How many letters must change to make one name the other, without regard to
/// case (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let changed = usize::from(!x.eq_ignore_ascii_case(y));
            left = (diagonal.saturating_add(changed))
                .min(above.saturating_add(1))
                .min(left.saturating_add(1));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_proposed_and_a_far_one_is_not() {
        let names = || ["ContainerList", "ImageList"].into_iter();
        assert_eq!(
            nearest("ContainerLst", names()),
            Some("did you mean `ContainerList`?".to_owned())
        );
        assert_eq!(
            nearest("containerlist", names()),
            Some("did you mean `ContainerList`?".to_owned())
        );
        assert_eq!(nearest("Xyz", names()), None);
    }

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ABC", "abc"), 0);
    }

    #[test]
    fn a_diagnostic_shows_its_line_with_the_place_underlined() {
        let found = Diagnostic {
            place: (2, 12),
            message: "there is no operation `X`".to_owned(),
            help: Some("did you mean `Y`?".to_owned()),
        };
        let text = "policies:\n    allow: [X, Z]\n";
        let shown = Diagnostics::one("f.yaml", text, found).to_string();
        assert_eq!(
            shown,
            "error: there is no operation `X`\n --> f.yaml:2:12\n   |\n 2 |     allow: [X, Z]\n   |            ^^\n help: did you mean `Y`?\n"
        );
    }
}
