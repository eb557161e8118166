//! A log that grows: its reading list as it comes, and the verdict at its end.
//!
//! [`Watch`] is the list with everything that the verdict rests on, step by step; what it holds serialises. [`Watching`] drives it
//! from files that grow, [`Listening`] from lines of JSON. All of them give the list that [`detect`](super::detect) gives of the
//! finished log, if the number of its steps was told beforehand.

mod again;
mod came;
mod files;
mod keep;
mod listening;
mod message;
mod rows;
mod since;
mod spread;
mod state;
mod step;
mod verdict;

pub use files::{Turned, Watching};
pub use listening::{LinesLeftOut, Listening};
pub use message::Message;
pub use rows::{Facts, Row, Seen, Wanted, WatchSettings};
pub use state::{Kept, StateError};
pub use step::Watch;
