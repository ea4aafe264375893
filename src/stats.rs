//! What a finite number of replications can and cannot say: intervals and quantiles.
//!
//! Pure functions on counts and slices, each with its source. Every interval is two-sided at the confidence
//! asked for, and bounds the error of the simulation alone: not that of the laws, nor of the inputs. Leaves
//! out what a figure means and what a budget makes of it; that is `sweep`'s.

mod estimate;
mod exact;
mod groups;
pub mod importance;
mod incidents;
mod nested;
mod paired;
mod quantile;
mod sequence;

use estimate::bisect;
pub use estimate::{Estimate, Share};
pub use exact::exact;
pub use groups::Groups;
pub use incidents::Incidents;
pub use nested::{share_above, trials_against};
pub use paired::{Pairs, mean_difference};
pub use quantile::{RankInterval, interpolated_quantile, quantile, rank_interval};
pub use sequence::ConfidenceSequence;
