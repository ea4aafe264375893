//! The laws: what a fork costs, from the allocator's slabs up.
//!
//! Pure functions and small values, each with its formula, its units and its source. Read in this order:
//!
//! | module | the question it answers |
//! |---|---|
//! | [`slab`] | which size class an allocation falls into, and how its objects lie on pages |
//! | [`layout`] | which allocations a key is made of, by engine version |
//! | [`popularity`] | how many keys are still unwritten after so many writes |
//! | [`heap`] | how many keys a size holds, and which pages a load dirties: the dirty-page law |
//! | [`child`] | what a child costs besides copies |
//! | [`rdb`] | how large snapshot and log records are |
//! | [`reclaim`] | how much memory the kernel keeps back |
//! | [`oom`] | whom the OOM killer takes |
//!
//! Knows no events and no clock, and does no I/O. Not modelled: what the child gives back of values over
//! half a page, huge pages before Linux 5.8, swap, containers.

pub mod child;
pub mod heap;
pub mod layout;
pub mod oom;
pub mod popularity;
pub mod rdb;
pub mod reclaim;
pub mod slab;

pub use heap::{Exposure, Heap, Population};
pub use layout::{Allocator, KeyKind, KeyPlacement, LayoutProfile, RdbCache, Value};
pub use popularity::{Popularity, Spread};
