//! The line of a place in a YAML text, for messages only: walks the block style
//! in which descriptions are written by indentation, and stops at the last place
//! that it finds, such as where flow style begins. Understands no YAML beyond
//! that and decides nothing.

/// The line (from 1) of the place that the keys and indices lead to, or of the
/// nearest place above it.
pub(super) fn find(text: &str, steps: &[String]) -> Option<usize> {
    let lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .filter_map(|(index, line)| Line::read(index + 1, line))
        .collect();
    let mut block = lines;
    let mut found = None;
    for step in steps {
        match child(&block, step) {
            Some((line, inner)) => {
                found = Some(line);
                block = inner;
            }
            None => break,
        }
    }
    found
}

/// A line that is neither empty nor a comment.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    content: &'a str,
}

impl<'a> Line<'a> {
    fn read(number: usize, line: &'a str) -> Option<Self> {
        let content = line.trim_start_matches(' ');
        let blank = content.trim().is_empty() || content.starts_with('#');
        (!blank).then_some(Self {
            number,
            indent: line.len() - content.len(),
            content,
        })
    }

    /// What follows the dash of a list's element.
    fn element(self) -> Option<Self> {
        let rest = match self.content {
            "-" => "",
            content => content.strip_prefix("- ")?,
        };
        let content = rest.trim_start_matches(' ');
        Some(Self {
            number: self.number,
            indent: self.indent + self.content.len() - content.len(),
            content,
        })
    }

    /// Whether the line is the key's.
    fn holds(self, key: &str) -> bool {
        let after = match self.content.chars().next() {
            Some(quote @ ('"' | '\'')) => self
                .content
                .strip_prefix(quote)
                .and_then(|content| content.strip_prefix(key))
                .and_then(|content| content.strip_prefix(quote)),
            _ => self.content.strip_prefix(key),
        };
        after
            .and_then(|after| after.trim_start_matches(' ').strip_prefix(':'))
            .is_some_and(|after| after.is_empty() || after.starts_with(' '))
    }
}

/// The line of a key or an index in a block, and the block below it.
fn child<'a>(block: &[Line<'a>], step: &str) -> Option<(usize, Vec<Line<'a>>)> {
    let indent = block.first()?.indent;
    let elements = block.first()?.element().is_some();
    let here = |line: &Line<'_>| line.indent == indent;
    let start = if elements {
        let index: usize = step.parse().ok()?;
        let is_element = |line: &Line<'_>| here(line) && line.element().is_some();
        let mut starts = block
            .iter()
            .enumerate()
            .filter(|(_, line)| is_element(line));
        starts.nth(index)?.0
    } else {
        block
            .iter()
            .position(|line| here(line) && line.holds(step))?
    };
    let first = *block.get(start)?;
    let rest = block.get(start + 1..)?;
    // A list may stand at its key's own indentation.
    let ends = |line: &Line<'_>| {
        line.indent < indent || (line.indent == indent && (elements || line.element().is_none()))
    };
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    let head = first
        .element()
        .filter(|line| elements && !line.content.is_empty());
    let inner = head.into_iter().chain(rest.iter().take(end).copied());
    Some((first.number, inner.collect()))
}
