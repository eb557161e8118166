//! The name of a run, a judgement or a policy: 16 digits of the hash of all that decides it.

use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// Digits of a name.
const DIGITS: usize = 16;

/// 16 hexadecimal digits. They lie in place: a plan of a million runs has seven million of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; DIGITS]);

impl Id {
    /// The first 8 bytes of a hash.
    pub fn of(hash: &blake3::Hash) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [b'0'; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(hash.as_bytes()) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        Self(digits)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        // Digits are always text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Deref for Id {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_beginning_of_the_hash() {
        for text in ["", "a", "train"] {
            let hash = blake3::hash(text.as_bytes());
            assert_eq!(Id::of(&hash).as_str(), &hash.to_hex()[..DIGITS], "{text}");
        }
    }
}
