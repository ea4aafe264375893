//! A setting turned up step by step: the hosts that a search climbs.

use std::sync::OnceLock;

use crate::model::{Host, Simulation};

/// Hosts in the order of their risk, the least demanding first, all with the same traffic but for its rates.
pub struct Ladder<'a> {
    host_at: Box<dyn Fn(usize) -> Host + Sync + 'a>,
    prepared: Vec<OnceLock<Simulation>>,
}

impl std::fmt::Debug for Ladder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ladder").field("steps", &self.prepared.len()).finish_non_exhaustive()
    }
}

impl<'a> Ladder<'a> {
    /// A ladder of so many steps, at least one, with a host on each. Hosts are prepared when they are first simulated.
    pub fn new(steps: usize, host_at: impl Fn(usize) -> Host + Sync + 'a) -> Self {
        Self { host_at: Box::new(host_at), prepared: vec![OnceLock::new(); steps] }
    }

    /// The host of a step, prepared.
    pub(super) fn simulation(&self, step: usize) -> &Simulation {
        self.prepared[step].get_or_init(|| Simulation::new((self.host_at)(step)))
    }

    /// The last step that holds its data with no child alive; `None` where none does.
    pub(super) fn last_that_fits(&self) -> Option<usize> {
        let (mut fits, mut too_far) = (None, self.prepared.len());
        while fits.map_or(0, |step| step + 1) < too_far {
            let middle = usize::midpoint(fits.map_or(0, |step| step + 1), too_far);
            let middle = middle.min(too_far - 1);
            if self.simulation(middle).fit().holds() { fits = Some(middle) } else { too_far = middle }
        }
        fits
    }
}
