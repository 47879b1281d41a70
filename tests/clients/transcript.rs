//! What a scenario printed, twice → the first place where the two differ.
//!
//! Two runs cannot have the same names, ids and times, and nothing else is
//! allowed for. A name stands for itself. An id or a time that is in both
//! transcripts (an image's id, a year zero) is compared as it is; one that is in
//! one of them only becomes the number of its first appearance, so that two ids
//! that must be the same still must be.

use std::collections::HashSet;
use std::fmt::Write;

/// How many lines of each side are shown around a difference.
const CONTEXT: usize = 12;

/// What a run of a scenario printed.
#[derive(Debug)]
pub(crate) struct Transcript {
    tokens: Vec<Token>,
}

/// A piece of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Token {
    Text(String),
    /// A whole id (64 hexadecimal digits) or a short one (12).
    Id(String),
    Time(String),
}

impl Transcript {
    /// What was printed; each of `names` is one of this run, with what it is
    /// called in all runs.
    pub(crate) fn new(mut text: String, names: &[(&str, &str)]) -> Self {
        for (name, common) in names {
            text = text.replace(name, common);
        }
        Self {
            tokens: tokens(&text),
        }
    }

    /// The text, with a number for each id and a word for each time that `other` has not got.
    fn beside(&self, other: &Self) -> String {
        let common: HashSet<&Token> = other.tokens.iter().collect();
        let mut ids: Vec<&str> = Vec::new();
        let mut text = String::new();
        for token in &self.tokens {
            match token {
                Token::Text(piece) => text.push_str(piece),
                Token::Id(piece) | Token::Time(piece) if common.contains(token) => {
                    text.push_str(piece);
                }
                Token::Time(_) => text.push_str("<time>"),
                Token::Id(id) => {
                    let known = ids
                        .iter()
                        .position(|known| known.starts_with(id) || id.starts_with(known));
                    let number = known.unwrap_or_else(|| {
                        ids.push(id);
                        ids.len() - 1
                    });
                    let _ = write!(text, "<id {number}, {} digits>", id.len());
                }
            }
        }
        text
    }
}

/// The first lines that differ, if any do.
pub(crate) fn difference(direct: &Transcript, through: &Transcript) -> Option<String> {
    let (direct, through) = (direct.beside(through), through.beside(direct));
    if direct == through {
        return None;
    }
    let same = direct
        .split('\n')
        .zip(through.split('\n'))
        .take_while(|(direct, through)| direct == through)
        .count();
    let mut report = format!("line {} differs\n", same + 1);
    for (way, text) in [("at the Engine", &direct), ("through opgate", &through)] {
        let _ = writeln!(report, "--- {way}");
        let from = same.saturating_sub(CONTEXT);
        for (index, line) in text.split('\n').enumerate().skip(from).take(2 * CONTEXT) {
            let mark = if index == same { "->" } else { "  " };
            let _ = writeln!(report, "{mark} {}", line.escape_debug());
        }
    }
    Some(report)
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut rest, mut plain) = (text, String::new());
    while let Some(first) = rest.chars().next() {
        let inside_word = plain.chars().last().is_some_and(char::is_alphanumeric);
        let (make, length): (fn(String) -> Token, usize) = match (inside_word, time(rest), id(rest))
        {
            (false, Some(length), _) => (Token::Time, length),
            (false, None, Some(length)) => (Token::Id, length),
            _ => {
                plain.push(first);
                rest = rest.split_at(first.len_utf8()).1;
                continue;
            }
        };
        let (token, after) = rest.split_at(length);
        tokens.push(Token::Text(std::mem::take(&mut plain)));
        tokens.push(make(token.to_owned()));
        rest = after;
    }
    tokens.push(Token::Text(plain));
    tokens
}

/// The length of the id that a text begins with.
fn id(text: &str) -> Option<usize> {
    let word = text
        .split(|next: char| !next.is_ascii_alphanumeric())
        .next()?;
    let digits = word
        .bytes()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (digits && matches!(word.len(), 12 | 64)).then_some(word.len())
}

/// The length of the time that a text begins with: `2026-01-31T23:59:59.5Z` and
/// `2026-01-31 23:59:59 +0000 UTC` are times.
fn time(text: &str) -> Option<usize> {
    let like = |from: usize, pattern: &str| {
        let given = text.as_bytes().get(from..from + pattern.len())?;
        let fits = |(given, pattern): (&u8, u8)| match pattern {
            b'9' => given.is_ascii_digit(),
            b'+' => matches!(given, b'+' | b'-'),
            _ => *given == pattern,
        };
        let mut both = given.iter().zip(pattern.bytes());
        both.all(fits).then_some(from + pattern.len())
    };
    let mut end = like(0, "9999-99-99T99:99:99").or_else(|| like(0, "9999-99-99 99:99:99"))?;
    if let Some(mut fraction) = like(end, ".9") {
        while let Some(next) = like(fraction, "9") {
            fraction = next;
        }
        end = fraction;
    }
    let zones = [" +9999 UTC", " +9999", "+99:99", "Z"];
    Some(zones.iter().find_map(|zone| like(end, zone)).unwrap_or(end))
}

#[test]
fn only_names_ids_and_times_may_differ() {
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let short = "a".repeat(12);
    let made = |name: &str, id: &str, time: &str, more: &str| {
        let short = id.split_at(12).0;
        let image = "c".repeat(64);
        let text = format!("/{name} {id} {short} sha256:{image} {time} {more}\n");
        Transcript::new(text, &[(name, "NAME")])
    };
    let one = made("x1", &a, "2026-01-31T23:59:59.123456789Z", "3");
    let two = made("x2", &b, "2026-01-31T23:59:59.5Z", "3");
    assert_eq!(difference(&one, &two), None);
    let other = made("x2", &b, "2026-01-31 23:59:59 +0000 UTC", "4");
    assert!(difference(&one, &other).is_some_and(|text| text.contains("line 1 differs")));
    // The same id twice is not two ids.
    let twice = Transcript::new(format!("{a} {a}"), &[]);
    let two = Transcript::new(format!("{b} {}", "d".repeat(64)), &[]);
    assert!(difference(&twice, &two).is_some());
    // What both have is compared as it is.
    let swapped = Transcript::new(format!("{b} {a} {short}"), &[]);
    let other = Transcript::new(format!("{a} {b} {short}"), &[]);
    assert!(difference(&swapped, &other).is_some());
    // Numbers, and words that hold hexadecimal digits, are themselves.
    for (one, two) in [
        ("12", "13"),
        ("deadbeefdeadb", "deadbeefdeadc"),
        ("xabcdefabcdef", "xabcdefabcdee"),
    ] {
        let (one, two) = (
            Transcript::new(one.into(), &[]),
            Transcript::new(two.into(), &[]),
        );
        assert!(difference(&one, &two).is_some());
    }
}
