//! What a matcher says of a value: more than yes and no.
//!
//! Some values are only known to the image or the Engine, some fit in part, and
//! some say that nothing changes. An allow needs certainty that a value fits. A
//! deny fires on what the request says, as soon as a part of it fits. What a
//! request leaves as it is, or to others, is no matter of a deny.

/// What a matcher says of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It fits.
    Yes,
    /// It fits as far as it goes: the user, but not the group.
    Partly,
    /// The request leaves the thing as it is.
    Untouched,
    /// Nobody can say here: the image or the Engine decides.
    Unknown,
    /// It does not fit.
    No,
}

use Verdict::{No, Partly, Unknown, Untouched, Yes};

impl Verdict {
    /// `Yes` or `No`.
    pub(crate) fn of(fits: bool) -> Self {
        if fits { Yes } else { No }
    }

    /// Whether an allow may rely on it.
    pub(crate) fn allows(self) -> bool {
        matches!(self, Yes | Untouched)
    }

    /// Whether a deny must fire.
    pub(crate) fn denies(self) -> bool {
        matches!(self, Yes | Partly)
    }

    /// The opposite.
    pub(crate) fn not(self) -> Self {
        match self {
            Yes => No,
            No => Yes,
            same => same,
        }
    }

    /// Both of two.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (No, _) | (_, No) => No,
            // Neither certain nor a matter of a deny.
            (Unknown, _) | (_, Unknown) | (Partly, Untouched) | (Untouched, Partly) => Unknown,
            (Untouched, _) | (_, Untouched) => Untouched,
            (Partly, _) | (_, Partly) => Partly,
            (Yes, Yes) => Yes,
        }
    }

    /// One of two.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Yes, _) | (_, Yes) => Yes,
            (Partly, _) | (_, Partly) => Partly,
            (Untouched, _) | (_, Untouched) => Untouched,
            (Unknown, _) | (_, Unknown) => Unknown,
            (No, No) => No,
        }
    }

    /// All of them.
    pub(crate) fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Yes;
        for verdict in verdicts {
            all = all.and(verdict);
            if all == No {
                break;
            }
        }
        all
    }

    /// One of them.
    pub(crate) fn any(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let mut any = No;
        for verdict in verdicts {
            any = any.or(verdict);
            if any == Yes {
                break;
            }
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Verdict; 5] = [Yes, Partly, Untouched, Unknown, No];

    #[test]
    fn all_allows_no_more_than_each_and_any_no_more_than_one() {
        for (a, b) in ALL.iter().flat_map(|a| ALL.map(|b| (*a, b))) {
            let (all, any) = (Verdict::all([a, b]), Verdict::any([a, b]));
            assert!(!all.allows() || (a.allows() && b.allows()), "{a:?} {b:?}");
            assert!(!any.allows() || a.allows() || b.allows(), "{a:?} {b:?}");
            // A deny of one of two things is both denies.
            assert_eq!(any.denies(), a.denies() || b.denies(), "{a:?} {b:?}");
            assert_eq!(all.denies(), a.denies() && b.denies(), "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_opposite_of_what_nobody_knows_is_not_known_either() {
        for verdict in ALL {
            assert_eq!(verdict.not().not(), verdict);
            assert!(!(verdict.allows() && verdict.not().allows()) || verdict == Untouched);
        }
        assert!(!Unknown.not().allows());
    }
}
