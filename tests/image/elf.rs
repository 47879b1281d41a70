//! What a program needs of others before it can start, read from its ELF headers.

/// What a program needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Whether it names a program that loads it.
    pub(crate) interpreter: bool,
    /// How many shared libraries it names.
    pub(crate) libraries: usize,
}

const INTERPRETER: u64 = 3;
const DYNAMIC: u64 = 2;
const NEEDED: u64 = 1;

/// A number of `size` bytes, the lowest first.
fn number(bytes: &[u8], at: u64, size: usize) -> u64 {
    let at = usize::try_from(at).unwrap();
    let digits = &bytes[at..at + size];
    digits
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Reads a 64-bit program for this kind of machine. A static program that can be
/// loaded anywhere has a dynamic section too, for its own addresses: only what
/// that section names tells.
pub(crate) fn needs(program: &[u8]) -> Needs {
    assert_eq!(
        &program[..6],
        b"\x7fELF\x02\x01",
        "not 64 bits, lowest byte first"
    );
    let mut needs = Needs {
        interpreter: false,
        libraries: 0,
    };
    let (table, size) = (number(program, 32, 8), number(program, 54, 2));
    for index in 0..number(program, 56, 2) {
        let header = table + index * size;
        match number(program, header, 4) {
            INTERPRETER => needs.interpreter = true,
            DYNAMIC => {
                let (start, length) = (
                    number(program, header + 8, 8),
                    number(program, header + 32, 8),
                );
                needs.libraries += (start..start + length)
                    .step_by(16)
                    .filter(|entry| number(program, *entry, 8) == NEEDED)
                    .count();
            }
            _ => {}
        }
    }
    needs
}
