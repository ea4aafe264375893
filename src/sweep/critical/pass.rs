//! What a search simulates at a time: one step, for all replications or a few, and what they show there.

/// A step and the replications to simulate there.
pub(super) enum Pass {
    /// To find where the first of a few has an incident: after `without`, at `with` at the latest.
    Pilot { without: usize, with: usize, open: Vec<u64> },
    /// To find a step beyond the budget: those that had no incident on the steps before.
    Climb { at: usize, stride: usize, open: Vec<u64> },
    /// To see how many have an incident near the end of the budget: all. No step above `above` was looked at, where so
    /// many had one.
    Scout { at: usize, above: usize, affected: u64, open: Vec<u64> },
}

impl Pass {
    /// Its place among those of a search.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Pilot { .. } => 0,
            Self::Climb { .. } => 1,
            Self::Scout { .. } => 2,
        }
    }

    /// The step.
    pub fn step(&self) -> usize {
        match self {
            Self::Pilot { without, with, .. } => usize::midpoint(*without, *with),
            Self::Climb { at, .. } | Self::Scout { at, .. } => *at,
        }
    }

    /// Whether a replication is one of those.
    pub fn is_of(&self, replication: u64) -> bool {
        let (Self::Pilot { open, .. } | Self::Climb { open, .. } | Self::Scout { open, .. }) = self;
        open.binary_search(&replication).is_ok()
    }
}

/// What a replication showed in a pass.
pub(super) struct Shown {
    pub incidents: u32,
    pub forks: u64,
    /// Where it has its first incident, if that was looked for.
    pub critical: Option<usize>,
    /// Its incidents at the steps that were looked at for that.
    pub looked: Vec<(usize, u32)>,
}

/// What a pass of one search showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    /// The replications with an incident, in order, and how many each had.
    pub affected: Vec<(u64, u32)>,
    /// Forks of all of them.
    pub forks: u64,
    /// The critical steps that were looked for.
    pub critical: Vec<(u64, usize)>,
    /// The incidents that were seen on the way.
    pub looked: Vec<((u64, usize), u32)>,
}

impl Gathered {
    /// Takes in what a replication showed.
    pub fn take(&mut self, replication: u64, shown: Shown) {
        if shown.incidents > 0 {
            self.affected.push((replication, shown.incidents));
        }
        self.forks += shown.forks;
        self.critical.extend(shown.critical.map(|step| (replication, step)));
        self.looked.extend(shown.looked.into_iter().map(|(step, n)| ((replication, step), n)));
    }
}
