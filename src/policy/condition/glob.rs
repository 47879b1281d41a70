//! Forms of texts: `*` is any text without a slash, `**` any text, `?` one
//! letter other than a slash. Everything else stands for itself.

/// A form of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Letter(char),
    /// One letter, not a slash.
    One,
    /// Any number of letters, no slash among them.
    Many,
    /// Any number of letters.
    All,
}

impl Glob {
    /// Reads a form.
    pub(crate) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            pieces.push(match letter {
                '*' if letters.peek() == Some(&'*') => {
                    while letters.next_if_eq(&'*').is_some() {}
                    Piece::All
                }
                '*' => Piece::Many,
                '?' => Piece::One,
                letter => Piece::Letter(letter),
            });
        }
        Self {
            text: text.to_owned(),
            pieces,
        }
    }

    /// As it is written.
    pub(crate) fn written(&self) -> &str {
        &self.text
    }

    /// Whether a text has the form. Takes time in proportion to the product of
    /// both lengths at most.
    pub(crate) fn matches(&self, text: &str) -> bool {
        // The places of the form that the text so far can have led to.
        let mut reached = vec![false; self.pieces.len().saturating_add(1)];
        let mut next = reached.clone();
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        self.skip(&mut reached);
        for letter in text.chars() {
            next.fill(false);
            for (place, piece) in self.pieces.iter().enumerate() {
                if reached.get(place) != Some(&true) {
                    continue;
                }
                let to = match piece {
                    Piece::Letter(own) if *own == letter => place.saturating_add(1),
                    Piece::One if letter != '/' => place.saturating_add(1),
                    Piece::Many if letter != '/' => place,
                    Piece::All => place,
                    _ => continue,
                };
                if let Some(to) = next.get_mut(to) {
                    *to = true;
                }
            }
            self.skip(&mut next);
            std::mem::swap(&mut reached, &mut next);
        }
        reached.last() == Some(&true)
    }

    /// A piece that may stand for nothing is passed over.
    fn skip(&self, reached: &mut [bool]) {
        for (place, piece) in self.pieces.iter().enumerate() {
            if matches!(piece, Piece::Many | Piece::All)
                && reached.get(place) == Some(&true)
                && let Some(next) = reached.get_mut(place.saturating_add(1))
            {
                *next = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_stays_between_slashes_and_two_do_not() {
        for (form, fits, not) in [
            ("a*", &["a", "abc"][..], &["ba", "a/b"][..]),
            ("a/**", &["a/", "a/b", "a/b/c"], &["a", "b/a/c"]),
            (
                "*.example.net",
                &["a.example.net"],
                &["example.net", "a/b.example.net"],
            ),
            ("?x", &["ax", "éx"], &["x", "/x", "aax"]),
            ("", &[""], &["a"]),
            ("***", &["", "a/b"], &[]),
            ("a*b*c", &["abc", "aXbYc", "abbc"], &["ab", "acb"]),
        ] {
            let glob = Glob::new(form);
            for text in fits {
                assert!(glob.matches(text), "{form} {text}");
            }
            for text in not {
                assert!(!glob.matches(text), "{form} {text}");
            }
        }
    }

    #[test]
    fn stars_do_not_take_forever() {
        let glob = Glob::new(&"*a".repeat(100));
        assert!(!glob.matches(&"a".repeat(10_000).replace('a', "aab")));
    }
}
