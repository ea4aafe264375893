//! The known load: what is done, to which keys, with values of which size.

/// Length of a key \[bytes\].
pub const KEY_BYTES: u64 = 16;

/// The size that stands for an integer in the measurements.
const INTEGER: usize = 8;

/// What the operations of a load do to a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Nothing at all.
    Idle,
    /// Reads a string.
    Get,
    /// Overwrites a string by one of the same size.
    Set,
    /// Overwrites a string by one of 50 to 150 % of its nominal size.
    SetVary,
    /// Increments an integer.
    Incr,
    /// Overwrites one of the ten fields of a small hash.
    Hset,
    /// Adds a key.
    Insert,
    /// Deletes a key and sets it again: two writes.
    DelSet,
}

impl Op {
    /// Every operation, by the name of the measurements.
    pub const NAMES: [(&str, Self); 8] = [
        ("idle", Self::Idle),
        ("get", Self::Get),
        ("set", Self::Set),
        ("setvary", Self::SetVary),
        ("incr", Self::Incr),
        ("hset", Self::Hset),
        ("insert", Self::Insert),
        ("delset", Self::DelSet),
    ];

    /// The name of the measurements.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, op)| *op == self).unwrap().0
    }

    /// Whether the server's data set changes.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Idle | Self::Get)
    }
}

/// Which keys the operations go to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dist {
    /// Each alike.
    Uniform,
    /// By rank to the power of -0.99.
    Zipf,
    /// 80 % of the operations to 20 % of the keys.
    Hotspot,
}

impl Dist {
    /// Every distribution, by the name of the measurements.
    pub const NAMES: [(&str, Self); 3] =
        [("uniform", Self::Uniform), ("zipf", Self::Zipf), ("hotspot", Self::Hotspot)];

    /// The name of the measurements.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, dist)| *dist == self).unwrap().0
    }
}

/// An operation on values of one size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// What is done.
    pub op: Op,
    /// To which keys.
    pub dist: Dist,
    /// Size of a string, or of each field of a hash \[bytes\]; 8 stands for an integer.
    pub value_bytes: usize,
}

impl Load {
    /// Whether the keys hold integers.
    pub fn is_integer(self) -> bool {
        self.op != Op::Hset && self.value_bytes == INTEGER
    }

    /// Whether a server filled for one load can serve the other.
    pub fn shares_keys_with(self, other: Self) -> bool {
        self.value_bytes == other.value_bytes && (self.op == Op::Hset) == (other.op == Op::Hset)
    }
}
