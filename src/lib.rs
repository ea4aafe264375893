//! forkcast forecasts what a fork costs: how much memory a Valkey or Redis host needs beyond its data, how likely
//! the OOM killer is, and which `maxmemory` percentage and host class make it unlikely enough.
//!
//! # The way the data goes
//!
//! ```text
//! scenario.toml ──► scenario ──► sweep ──► model on engine ──► outcome ──► stats ──► decision ──► report
//!   what the         checked,     cells x      one host's life,    one row     intervals   the answer   CSV, charts
//!   user wrote       resolved     replications event by event
//! ```
//!
//! | module | owns | never |
//! |---|---|---|
//! | [`units`] | memory, time, rates and percentages | |
//! | [`rng`] | random numbers by address | a shared or time-seeded generator |
//! | [`engine`] | the discrete-event kernel | knows no memory, no server |
//! | [`memory`] | the laws, each with its source | events, a clock, I/O |
//! | [`model`] | the host's life: state, ledger, events | I/O, threads, a wall clock |
//! | [`stats`] | intervals and quantiles | |
//! | [`scenario`] | what the user wrote, checked | simulation |
//! | [`sweep`] | cells, replications, threads | formatting |
//! | [`decision`] | rows and a budget to an answer | |
//! | [`report`] | the run folder and its charts | simulation |
//! | [`observe`] | what real servers say | |
//! | [`cli`] | arguments, terminal, exit codes | logic |
//!
//! A module imports only from those above it. Memory is integer bytes and time integer nanoseconds in the
//! engine and the ledger; floats live in laws, samplers and statistics. What is not modelled is named in the module
//! that would own it.
//!
//! # A small sweep
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use forkcast::scenario::{Origin, Scenario};
//! use forkcast::sweep::{self, Grid, Settings, Unwatched, Verdict};
//!
//! let text = r#"
//!     [host]
//!     class = "yandex.hm3-c4-m16"
//!     [[keyspace]]
//!     name = "sessions"
//!     key-size = "16 B"
//!     value-size = "512 B"
//!     writes-per-second = 0
//!     [simulation]
//!     replications = 20
//!     [sweep]
//!     "server.maxmemory-percent" = [50, 98]
//! "#;
//! let origin = Origin { name: "example".into(), folder: ".".into() };
//! let scenario = Scenario::read(text, &origin, &[])?;
//! let grid = Grid::new(&scenario)?;
//! let sweep = sweep::run(&grid, Settings::default(), &Unwatched, &AtomicBool::new(false))?;
//! let copied = sweep.rows[0].figures.as_ref().map(|figures| figures.cow_peak_p99.0);
//! assert_eq!(copied, Some(0), "no writes, no copies");
//! assert_eq!(sweep.rows[1].verdict, Verdict::DoesNotFit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod units;

pub mod rng;

pub mod engine;

pub mod memory;

pub mod model;

pub mod stats;

pub mod scenario;

pub mod sweep;

pub mod decision;
pub mod plan;

pub mod report;

pub mod observe;

pub mod cli;
