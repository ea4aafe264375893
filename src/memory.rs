//! The laws: what a fork costs, from the allocator's slabs up.
//!
//! Pure functions and small values, each with its formula, its units and its source. Read in this order:
//!
//! | module | the question it answers |
//! |---|---|
//! | [`slab`] | which size class an allocation falls into, and how its objects lie on pages |
//! | [`layout`] | which allocations a key is made of, by engine version |
//! | [`popularity`] | how many keys are still unwritten after so many writes |
//! | [`exposure`] | what a load has done to the keys since the fork |
//! | [`keys`] | which sizes keys have, and which sizes overwrites bring |
//! | [`heap`] | how many keys a size holds, and which pages a load dirties: the dirty-page law |
//! | [`release`] | what the child gives back before it exits |
//! | [`save`] | what a save costs from the fork to the child's exit, and what the server reports of it |
//! | [`law_error`] | how far off the law of copies is |
//! | [`expiry`] | how many expired keys are still there |
//! | [`fork`] | how long the fork holds the server |
//! | [`huge_pages`] | what a fork costs on transparent huge pages, by kernel |
//! | [`child`] | what a child costs besides copies |
//! | [`rdb`] | how large snapshot and log records are |
//! | [`writing`] | how long a child's processor takes to write them |
//! | [`loading`] | how long a snapshot takes to load |
//! | [`replication`] | what waits for a replica, and when it is dropped |
//! | [`overcommit`] | whether the kernel lets a server fork |
//! | [`zones`] | what the zones of a host withhold from processes |
//! | [`reclaim`] | how much memory the kernel keeps back |
//! | [`container`] | what a control group's limit must hold beside anonymous memory |
//! | [`swap`] | what a save costs once the host swaps |
//! | [`stall`] | how long a server stands still before a kill |
//! | [`oom`] | whom the OOM killer takes |
//!
//! Knows no events and no clock, and does no I/O. Not modelled: khugepaged.

pub mod child;
pub mod container;
pub mod expiry;
pub mod exposure;
pub mod fork;
pub mod heap;
pub mod huge_pages;
pub mod keys;
pub mod law_error;
pub mod layout;
pub mod loading;
pub mod oom;
pub mod overcommit;
mod pool;
pub mod popularity;
pub mod rdb;
pub mod reclaim;
pub mod release;
pub mod replication;
pub mod save;
pub mod slab;
pub mod stall;
pub mod swap;
mod table;
pub mod writing;
pub mod zones;

pub use exposure::{Exposure, Exposures};
pub use heap::{Heap, Population};
pub use huge_pages::HugePages;
pub use keys::Keys;
pub use law_error::LawError;
pub use layout::{
    Allocator, ChildRelease, KeyKind, KeyPlacement, LayoutProfile, RdbCache, TableShape, Value,
};
pub use popularity::{Popularity, Spread};
pub use release::Released;
