//! forkcast forecasts what a fork costs: how much memory a Valkey or Redis host needs beyond its data, how likely
//! the OOM killer is, and which `maxmemory` percentage and host class make it unlikely enough.

pub mod units;

pub mod rng;

pub mod engine;

pub mod memory;

pub mod model;

pub mod stats;

pub mod scenario;

pub mod sweep;

pub mod decision;

pub mod report;

pub mod observe;
