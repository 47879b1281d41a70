//! The hash of field names, which the generator and the decoder share.
//!
//! A table of fields is an open hash table: a slot holds a field's index or
//! [`EMPTY`], and a name is looked for from its hash onwards. The hash takes the
//! length and four letters without their case, so that keys that fold alike
//! (ASCII) hash alike. The decoder includes this file; it needs nothing else.

/// A slot without a field.
pub(crate) const EMPTY: u16 = u16::MAX;

/// How many slots a table for so many fields has: a power of two, at least half
/// of it empty.
#[must_use]
pub(crate) const fn slots(fields: usize) -> usize {
    (fields.saturating_mul(2).saturating_add(1)).next_power_of_two()
}

/// The slot from which a name is looked for; `slots` is a power of two.
#[must_use]
pub(crate) fn slot(name: &[u8], slots: usize) -> usize {
    let length = name.len();
    let letter = |place: usize| u32::from(name.get(place).copied().unwrap_or(0) | 0x20);
    let letters = letter(0)
        | (letter(length.wrapping_sub(1)) << 8)
        | (letter(length / 2) << 16)
        | (letter(length / 4) << 24);
    let mixed = (letters ^ (u32::from(length.to_le_bytes()[0]) << 11)).wrapping_mul(0x9E37_79B1);
    (mixed >> 16) as usize & slots.wrapping_sub(1)
}
