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

    /// Whether every text of the other form has this one, for certain.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        // The places of this form that every text so far leads to.
        let mut reached = vec![false; self.pieces.len().saturating_add(1)];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        self.skip(&mut reached);
        for theirs in &other.pieces {
            let mut next = vec![false; reached.len()];
            for (place, piece) in self.pieces.iter().enumerate() {
                if reached.get(place) != Some(&true) {
                    continue;
                }
                let to = match (piece, theirs) {
                    (Piece::Letter(own), Piece::Letter(letter)) if own == letter => {
                        place.saturating_add(1)
                    }
                    (Piece::One, Piece::Letter(letter)) if *letter != '/' => {
                        place.saturating_add(1)
                    }
                    (Piece::One, Piece::One) => place.saturating_add(1),
                    (Piece::Many, Piece::Letter(letter)) if *letter != '/' => place,
                    (Piece::Many, Piece::One | Piece::Many) | (Piece::All, _) => place,
                    _ => continue,
                };
                if let Some(to) = next.get_mut(to) {
                    *to = true;
                }
            }
            self.skip(&mut next);
            reached = next;
        }
        reached.last() == Some(&true)
    }

    /// Whether no text has both forms, for certain: they begin differently, or one
    /// is a text that does not have the other.
    pub(crate) fn disjoint(&self, other: &Self) -> bool {
        let letters = |glob: &Self| -> Vec<char> {
            let letters = glob.pieces.iter().map_while(|piece| match piece {
                Piece::Letter(letter) => Some(*letter),
                _ => None,
            });
            letters.collect()
        };
        let (own, others) = (letters(self), letters(other));
        if own.len() == self.pieces.len() {
            return !other.matches(&String::from_iter(own));
        }
        if others.len() == other.pieces.len() {
            return !self.matches(&String::from_iter(others));
        }
        own.iter().zip(&others).any(|(own, other)| own != other)
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
    fn what_covers_and_what_is_disjoint_is_so_for_every_text() {
        let letters = ["", "a", "b", "/", "*", "?", "**"];
        let mut forms = vec![String::new()];
        for _ in 0..3 {
            forms = forms
                .iter()
                .flat_map(|form| letters.map(|letter| format!("{form}{letter}")))
                .collect();
            forms.sort();
            forms.dedup();
        }
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = texts.iter();
            let longer =
                longer.flat_map(|text| ["a", "b", "/"].map(|more| format!("{text}{more}")));
            texts = texts.iter().cloned().chain(longer).collect();
            texts.sort();
            texts.dedup();
        }
        let globs: Vec<(Glob, Vec<bool>)> = forms
            .iter()
            .map(|form| {
                let glob = Glob::new(form);
                let fits = texts.iter().map(|text| glob.matches(text)).collect();
                (glob, fits)
            })
            .collect();
        let mut counts = (0, 0);
        for (a, fits_a) in &globs {
            assert!(a.covers(a) && !a.disjoint(a), "{a:?}");
            for (b, fits_b) in &globs {
                let mut both = fits_a.iter().zip(fits_b);
                if a.covers(b) {
                    counts.0 += 1;
                    assert!(both.all(|(a, b)| *a || !b), "{a:?} {b:?}");
                } else if a.disjoint(b) {
                    counts.1 += 1;
                    assert!(both.all(|(a, b)| !(*a && *b)), "{a:?} {b:?}");
                }
            }
        }
        assert!(counts.0 > 1000 && counts.1 > 1000, "{counts:?}");
    }

    #[test]
    fn stars_do_not_take_forever() {
        let glob = Glob::new(&"*a".repeat(100));
        assert!(!glob.matches(&"a".repeat(10_000).replace('a', "aab")));
    }
}
