//! Diagnostics: what is wrong with a file, shown at its place.
//!
//! A diagnostic has a place, a message and perhaps advice; rendering adds the
//! file and the source line with the place underlined. Knows nothing of
//! policies or definitions.

mod code;

use std::borrow::Cow;
use std::fmt;

pub use code::Code;

/// How much of a line is shown.
const LONGEST: usize = 400;

/// How many findings are shown. All are counted.
pub(crate) const SHOWN: usize = 1000;

/// Where something stands in a file. Spans are in the order of the files, then of
/// the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which of the files that were read together, from 0.
    pub file: usize,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1, in characters.
    pub column: u64,
    /// How many characters of the line belong to it.
    pub length: u64,
}

impl Span {
    /// The beginning of the first file.
    pub const START: Self = Self {
        file: 0,
        line: 1,
        column: 1,
        length: 1,
    };
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but probably does not say what was meant.
    Warning,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What else belongs to it, such as another place.
    pub note: Option<String>,
}

impl Diagnostic {
    /// An error without advice.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            span,
            message: message.into(),
            help: None,
            note: None,
        }
    }

    /// A warning without advice.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// The same with advice, if there is any.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// The same with a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// A file with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    name: String,
    lines: Vec<String>,
}

/// Everything that was found in a file and in what it includes, in the order of the
/// files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    sources: Vec<Source>,
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// What was found in a file with this text.
    pub fn new(file: &str, text: &str, found: Vec<Diagnostic>) -> Self {
        Self::of_files([(file, text)].into_iter(), found)
    }

    /// What was found in several files, each with its name and its text.
    pub fn of_files<'f>(
        files: impl Iterator<Item = (&'f str, &'f str)>,
        mut found: Vec<Diagnostic>,
    ) -> Self {
        found.sort_by_key(|diagnostic| (diagnostic.span, diagnostic.severity));
        found.dedup();
        let sources = files.map(|(name, text)| Source {
            name: name.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
        });
        Self {
            sources: sources.collect(),
            found,
        }
    }

    /// The file that a place is in, as it was named.
    pub fn file(&self, span: Span) -> &str {
        self.sources
            .get(span.file)
            .map_or("?", |source| source.name.as_str())
    }

    /// What was found.
    pub fn found(&self) -> &[Diagnostic] {
        &self.found
    }

    /// Whether the file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many findings are so bad.
    pub fn count(&self, severity: Severity) -> usize {
        let found = self.found.iter();
        found.filter(|found| found.severity == severity).count()
    }

    /// The line that a place is in.
    pub fn line(&self, span: Span) -> Option<&str> {
        let index = usize::try_from(span.line.checked_sub(1)?).ok()?;
        let source = self.sources.get(span.file)?;
        source.lines.get(index).map(String::as_str)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, diagnostic) in self.found.iter().take(SHOWN).enumerate() {
            let Span {
                line,
                column,
                length,
                ..
            } = diagnostic.span;
            let file = self.file(diagnostic.span);
            if number > 0 {
                f.write_str("\n")?;
            }
            let (severity, code) = (diagnostic.severity.name(), diagnostic.code);
            writeln!(f, "{severity}[{code}]: {}", diagnostic.message)?;
            let width = line.to_string().len();
            writeln!(f, "{:width$}--> {file}:{line}:{column}", "")?;
            if let Some(source) = self.line(diagnostic.span) {
                let (source, before) = excerpt(source, column);
                let rest = source.chars().count().saturating_sub(before).max(1);
                let length = usize::try_from(length).unwrap_or(rest).clamp(1, rest);
                writeln!(f, "{:width$} |", "")?;
                writeln!(f, "{line} | {source}")?;
                writeln!(f, "{:width$} | {:before$}{}", "", "", "^".repeat(length))?;
            }
            if let Some(note) = &diagnostic.note {
                writeln!(f, "{:width$} = note: {note}", "")?;
            }
            if let Some(help) = &diagnostic.help {
                writeln!(f, "{:width$} = help: {help}", "")?;
            }
        }
        match self.found.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "\nand {more} more findings"),
        }
    }
}

impl std::error::Error for Diagnostics {}

/// A line, or what is around a column of one that is too long to be shown, and how
/// many letters of that stand before the column.
fn excerpt(line: &str, column: u64) -> (Cow<'_, str>, usize) {
    let before = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    if line.len() <= LONGEST {
        return (Cow::Borrowed(line), before);
    }
    let skipped = before.saturating_sub(LONGEST / 4);
    let shown = line.chars().skip(skipped).take(LONGEST).collect();
    (Cow::Owned(shown), before.saturating_sub(skipped))
}

/// The longest name that others are compared with.
const LONGEST_NAME: usize = 64;

/// Advice that names the nearest of some names, if one is near.
pub fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    if wrong.len() > LONGEST_NAME {
        return None;
    }
    names
        .map(|name| (distance(wrong, name), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().max(wrong.len()) / 3)
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

/// How many letters must change to make one name the other, without regard to
/// case (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(LONGEST_NAME).collect();
    let b: Vec<char> = b.chars().take(LONGEST_NAME).collect();
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
        assert_eq!(nearest(&"Xyz".repeat(100), names()), None);
    }

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ABC", "abc"), 0);
    }

    #[test]
    fn a_diagnostic_shows_its_line_with_the_place_underlined() {
        let span = Span {
            file: 0,
            line: 2,
            column: 13,
            length: 1,
        };
        let message = "there is no operation `X`";
        let found = Diagnostic::error(Code::UnknownOperation, span, message)
            .help("did you mean `Y`?".to_owned());
        let text = "policies:\n    allow: [X, Z]\n";
        let shown = Diagnostics::new("f.yaml", text, vec![found]).to_string();
        assert_eq!(
            shown,
            "error[unknown-operation]: there is no operation `X`\n --> f.yaml:2:13\n  |\n\
             2 |     allow: [X, Z]\n  |             ^\n  = help: did you mean `Y`?\n"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_place_and_many_findings_are_cut_off() {
        let text = format!("[{}]", "é, ".repeat(100_000));
        let at = |column| {
            let span = Span {
                column,
                ..Span::START
            };
            Diagnostic::error(Code::WrongType, span, "no")
        };
        for (column, before) in [(2, 1), (101, 100), (200_002, 100)] {
            let shown = Diagnostics::new("f", &text, vec![at(column)]).to_string();
            assert!(shown.len() < 1500, "{column}");
            let lines: Vec<&str> = shown.lines().collect();
            assert_eq!(lines[4].len(), "  | ".len() + before + 1, "{column}");
            let letter = lines[3].chars().nth("1 | ".len() + before);
            assert_eq!(
                letter,
                text.chars().nth(usize::try_from(column).unwrap() - 1),
                "{column}"
            );
        }
        let all: Vec<Diagnostic> = (1..=1500).map(at).collect();
        let found = Diagnostics::new("f", &text, all);
        assert_eq!(found.count(Severity::Error), 1500);
        let shown = found.to_string();
        assert_eq!(shown.matches("error[wrong-type]").count(), 1000);
        assert!(shown.ends_with("\nand 500 more findings\n"));
    }
}
