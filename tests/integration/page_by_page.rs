//! What this proves: the dirty-page law against a simulation of every page, in which every write is drawn.
//!
//! The judge takes from the law's side which size class each part of a key falls into, and nothing else: it has an
//! [allocator] of its own that hands out addresses, a [server] that performs each operation on them to the byte, and a
//! [child] that walks the keys and gives pages back. What is compared, in [verdict], are means over some draws, within
//! five standard errors and a tolerance that each test states.
//!
//! A single case is as sharp as its few draws, some per cent of the pages at the first writes; the mean over all cases
//! of a test has an error of 0.1 to 0.2 % and is held as well.
//!
//! Left out on both sides: the arguments of a command, which come and go in a few slots of their own.

mod allocator;
mod child;
mod giving_back;
mod key;
mod memory;
mod mixes;
mod operations;
mod overwrites;
mod server;
mod sizes;
mod table;
mod trial;
mod verdict;
