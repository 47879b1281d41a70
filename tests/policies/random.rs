//! Random rules and bodies over the fields of `naive`, out of a list of numbers:
//! the smaller the numbers, the smaller what comes out.

use serde_json::{Map, Value};

use crate::naive::{Cond, Field, Kind, PARTS};

/// Numbers to choose by. When they are used up, every choice is the first.
#[derive(Debug)]
pub(crate) struct Choices<'n> {
    numbers: std::slice::Iter<'n, u16>,
}

impl<'n> Choices<'n> {
    pub(crate) fn new(numbers: &'n [u16]) -> Self {
        Self {
            numbers: numbers.iter(),
        }
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let number = self.numbers.next().copied().unwrap_or(0);
        usize::from(number) * end / 0x1_0000
    }

    fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// True once in `end` times.
    fn once_in(&mut self, end: usize) -> bool {
        self.below(end) == end - 1
    }
}

/// A value that a field can have.
pub(crate) fn value(field: &Field, choices: &mut Choices<'_>) -> Value {
    match field.kind {
        Kind::List(element) => {
            let length = choices.below(3);
            (0..length).map(|_| value(element, choices)).collect()
        }
        Kind::Object(fields) => {
            let mut object = Map::new();
            for field in fields {
                let likely = matches!(field.kind, Kind::Object(_));
                if likely || choices.once_in(3) {
                    object.insert(field.name.to_owned(), value(field, choices));
                }
            }
            Value::Object(object)
        }
        _ => sample(field, choices),
    }
}

fn sample(field: &Field, choices: &mut Choices<'_>) -> Value {
    serde_json::from_str(choices.of(field.samples)).unwrap()
}

/// Something that a rule can say of a field.
pub(crate) fn cond(field: &Field, choices: &mut Choices<'_>, depth: usize) -> Cond {
    if depth > 0 && choices.once_in(4) {
        let several = |choices: &mut Choices<'_>| -> Vec<Cond> {
            let count = 1 + choices.below(3);
            (0..count)
                .map(|_| cond(field, choices, depth - 1))
                .collect()
        };
        return match choices.below(3) {
            0 => Cond::AnyOf(several(choices)),
            1 => Cond::AllOf(several(choices)),
            _ => Cond::Not(Box::new(cond(field, choices, depth - 1))),
        };
    }
    match field.kind {
        Kind::Object(fields) => named(fields, choices, depth),
        // By its parts, or as a whole.
        Kind::Bind if choices.below(2) == 0 => named(&PARTS, choices, depth),
        Kind::List(element) => {
            let list = |choices: &mut Choices<'_>| {
                vec![sample(element, choices), sample(element, choices)]
            };
            let plain = !matches!(element.kind, Kind::Object(_));
            match choices.below(6) {
                0 if plain => Cond::Subset(list(choices)),
                1 if plain => Cond::Contains(sample(element, choices)),
                2 => Cond::Absent,
                3 => Cond::Required,
                4 => Cond::Any,
                _ => Cond::Each(Box::new(cond(element, choices, depth))),
            }
        }
        kind => match (choices.below(8), kind) {
            (0, _) => Cond::Any,
            (1, _) => Cond::Absent,
            (2, _) => Cond::Required,
            (3 | 4, Kind::Limit | Kind::Number(_)) => {
                let bound = |choices: &mut Choices<'_>| choices.of(&[None, Some(1000), Some(2000)]);
                match (bound(choices), bound(choices)) {
                    (None, None) => Cond::Range(None, Some(1000)),
                    (Some(2000), Some(1000)) => Cond::Range(Some(1000), Some(2000)),
                    (min, max) => Cond::Range(min, max),
                }
            }
            (3 | 4, Kind::Path | Kind::HostPath) => {
                Cond::Under(choices.of(&["/srv", "/srv/a", "/etc"]))
            }
            (5, _) => Cond::OneOf(vec![sample(field, choices), sample(field, choices)]),
            _ => Cond::OneOf(vec![sample(field, choices)]),
        },
    }
}

/// Some fields, each with a condition.
fn named(fields: &'static [Field], choices: &mut Choices<'_>, depth: usize) -> Cond {
    let mut conds = Vec::new();
    for field in fields {
        let likely = matches!(field.kind, Kind::Object(_));
        if likely || choices.once_in(3) {
            conds.push((field.name, cond(field, choices, depth)));
        }
    }
    if conds.is_empty() {
        let field = &fields[choices.below(fields.len())];
        conds.push((field.name, cond(field, choices, depth)));
    }
    Cond::Fields(conds)
}
