//! The ledger: every byte of RAM belongs to one line, at every event, and the lines add up.

use crate::units::Bytes;

/// Where the memory of a host is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The kernel and other processes.
    pub reserved: Bytes,
    /// Resident set of the server, fragmentation included; a snapshot that an orphaned child still holds.
    pub resident: Bytes,
    /// Pages copied because the server wrote them while a child shared them, and that the child has not given back.
    pub cow: Bytes,
    /// Page tables of the server and its child.
    pub page_tables: Bytes,
    /// Buffers of clients, what waits for replicas beyond the backlog, what a replica holds back while it loads, and
    /// the child's own memory.
    pub buffers: Bytes,
    /// Replication backlog.
    pub backlog: Bytes,
    /// What waits to be written to the append-only file.
    pub aof_buffer: Bytes,
    /// Page cache under writeback, which reclaim cannot drop at once.
    pub pinned_cache: Bytes,
    /// Page cache that reclaim drops first, and halves of huge pages that wait to be split.
    pub cache: Bytes,
    /// What was moved to swap, beside the RAM: the other lines are without it.
    pub swap: Bytes,
    /// Free memory, what the kernel keeps back included.
    pub free: Bytes,
}

/// What a host's processes ask for: the ledger's lines before the RAM is laid beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// See [`Ledger::reserved`].
    pub reserved: Bytes,
    /// See [`Ledger::resident`].
    pub resident: Bytes,
    /// See [`Ledger::cow`].
    pub cow: Bytes,
    /// See [`Ledger::page_tables`].
    pub page_tables: Bytes,
    /// See [`Ledger::buffers`].
    pub buffers: Bytes,
    /// See [`Ledger::backlog`].
    pub backlog: Bytes,
    /// See [`Ledger::aof_buffer`].
    pub aof_buffer: Bytes,
    /// See [`Ledger::pinned_cache`].
    pub pinned_cache: Bytes,
    /// What would stay in the page cache, and of split huge pages, if there were room for it.
    pub cache: Bytes,
}

impl Demand {
    /// What cannot be reclaimed: the demand without the droppable cache.
    pub fn unreclaimable(&self) -> Bytes {
        self.reserved
            + self.resident
            + self.cow
            + self.page_tables
            + self.buffers
            + self.backlog
            + self.aof_buffer
            + self.pinned_cache
    }

    /// The ledger of a host with `ram` of which `capacity` is handed out, and `swap` beside it.
    ///
    /// Cache takes what is left below the capacity. What is asked for beyond goes to swap, out of the resident set
    /// first; a demand beyond both is not granted (the kernel kills instead): the lines that were growing give way,
    /// copies first.
    pub fn granted(mut self, ram: Bytes, capacity: Bytes, swap: Bytes) -> Ledger {
        let excess = self.unreclaimable().saturating_sub(capacity);
        let swapped = take(excess.min(swap), [&mut self.resident, &mut self.cow, &mut self.buffers]);
        let lines = [
            &mut self.cow,
            &mut self.page_tables,
            &mut self.pinned_cache,
            &mut self.aof_buffer,
            &mut self.buffers,
            &mut self.backlog,
            &mut self.resident,
            &mut self.reserved,
        ];
        take(excess - swapped, lines);
        let used = self.unreclaimable();
        let cache = self.cache.min(capacity.saturating_sub(used));
        let free = ram - (used + cache);
        let Self { reserved, resident, cow, page_tables, buffers, backlog, aof_buffer, pinned_cache, .. } =
            self;
        Ledger {
            reserved,
            resident,
            cow,
            page_tables,
            buffers,
            backlog,
            aof_buffer,
            pinned_cache,
            cache,
            swap: swapped,
            free,
        }
    }
}

impl std::ops::Add for Demand {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            reserved: self.reserved + other.reserved,
            resident: self.resident + other.resident,
            cow: self.cow + other.cow,
            page_tables: self.page_tables + other.page_tables,
            buffers: self.buffers + other.buffers,
            backlog: self.backlog + other.backlog,
            aof_buffer: self.aof_buffer + other.aof_buffer,
            pinned_cache: self.pinned_cache + other.pinned_cache,
            cache: self.cache + other.cache,
        }
    }
}

/// Takes up to `amount` off `lines`, one after the other; returns what was taken.
fn take<const N: usize>(amount: Bytes, lines: [&mut Bytes; N]) -> Bytes {
    let mut left = amount;
    for line in lines {
        let taken = left.min(*line);
        *line = *line - taken;
        left = left - taken;
    }
    amount - left
}

impl Ledger {
    /// The sum of all lines but swap: the host's RAM, or the container's limit.
    pub fn total(&self) -> Bytes {
        self.in_use() + self.cache + self.free
    }

    /// Memory that the kernel cannot get back without killing or swapping.
    pub fn in_use(&self) -> Bytes {
        self.reserved
            + self.resident
            + self.cow
            + self.page_tables
            + self.buffers
            + self.backlog
            + self.aof_buffer
            + self.pinned_cache
    }

    /// Memory free or droppable.
    pub fn available(&self) -> Bytes {
        self.cache + self.free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAM: Bytes = Bytes::gib(8);
    const CAPACITY: Bytes = Bytes(RAM.0 - Bytes::mib(66).0);

    fn demand(resident: Bytes, cow: Bytes, cache: Bytes) -> Demand {
        Demand { reserved: Bytes::gib(1), resident, cow, cache, ..Demand::default() }
    }

    #[test]
    fn the_lines_add_up_to_the_ram() {
        for (resident, cow, cache) in [(4, 1, 0), (6, 3, 2), (6, 1, 9), (20, 0, 0), (0, 0, 0)] {
            let ledger = demand(Bytes::gib(resident), Bytes::gib(cow), Bytes::gib(cache)).granted(
                RAM,
                CAPACITY,
                Bytes::ZERO,
            );
            assert_eq!(ledger.total(), RAM);
            assert!(ledger.in_use() <= CAPACITY);
        }
    }

    #[test]
    fn cache_gives_way_to_copies() {
        let roomy = demand(Bytes::gib(4), Bytes::ZERO, Bytes::gib(2)).granted(RAM, CAPACITY, Bytes::ZERO);
        let tight = demand(Bytes::gib(4), Bytes::gib(2), Bytes::gib(2)).granted(RAM, CAPACITY, Bytes::ZERO);
        assert_eq!(roomy.cache, Bytes::gib(2));
        assert_eq!(tight.cache, Bytes::gib(1) - Bytes::mib(66));
        assert_eq!(roomy.free, Bytes::gib(1));
        assert_eq!(tight.free, Bytes::mib(66));
    }

    #[test]
    fn copies_beyond_the_capacity_are_not_granted() {
        let ledger = demand(Bytes::gib(6), Bytes::gib(3), Bytes::ZERO).granted(RAM, CAPACITY, Bytes::ZERO);
        assert_eq!(ledger.cow, Bytes::gib(1) - Bytes::mib(66));
        assert_eq!(ledger.resident, Bytes::gib(6));
    }

    #[test]
    fn what_does_not_fit_goes_to_swap_as_far_as_that_goes() {
        let swapping =
            demand(Bytes::gib(6), Bytes::gib(2), Bytes::gib(1)).granted(RAM, CAPACITY, Bytes::gib(2));
        assert_eq!(swapping.swap, Bytes::gib(1) + Bytes::mib(66));
        assert_eq!((swapping.total(), swapping.cow, swapping.cache), (RAM, Bytes::gib(2), Bytes::ZERO));
        let full = demand(Bytes::gib(6), Bytes::gib(9), Bytes::ZERO).granted(RAM, CAPACITY, Bytes::gib(2));
        assert_eq!((full.swap, full.total()), (Bytes::gib(2), RAM));
        assert!(full.in_use() <= CAPACITY);
    }
}
