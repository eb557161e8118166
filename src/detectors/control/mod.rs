//! Controls that see nothing: what a detector has to beat.

mod random;

pub use random::Random;
