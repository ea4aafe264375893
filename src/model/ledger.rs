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
    /// Client buffers, and the child's own memory.
    pub buffers: Bytes,
    /// Page cache under writeback, which reclaim cannot drop at once.
    pub pinned_cache: Bytes,
    /// Page cache that reclaim drops first, and halves of huge pages that wait to be split.
    pub cache: Bytes,
    /// Free memory, the kernel's watermarks included.
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
    /// See [`Ledger::pinned_cache`].
    pub pinned_cache: Bytes,
    /// What would stay in the page cache, and of split huge pages, if there were room for it.
    pub cache: Bytes,
}

impl Demand {
    /// What cannot be reclaimed: the demand without the droppable cache.
    pub fn unreclaimable(&self) -> Bytes {
        self.reserved + self.resident + self.cow + self.page_tables + self.buffers + self.pinned_cache
    }

    /// The ledger of a host with `ram` that hands out no more than `capacity` of it.
    ///
    /// Cache takes what is left below the capacity. A demand beyond the capacity is not granted (the kernel kills
    /// instead): the lines that were growing give way, copies first.
    pub fn granted(mut self, ram: Bytes, capacity: Bytes) -> Ledger {
        let mut excess = self.unreclaimable().saturating_sub(capacity);
        let lines = [
            &mut self.cow,
            &mut self.page_tables,
            &mut self.pinned_cache,
            &mut self.buffers,
            &mut self.resident,
            &mut self.reserved,
        ];
        for line in lines {
            let refused = excess.min(*line);
            *line = *line - refused;
            excess = excess - refused;
        }
        let used = self.unreclaimable();
        let cache = self.cache.min(capacity.saturating_sub(used));
        let Self { reserved, resident, cow, page_tables, buffers, pinned_cache, .. } = self;
        let free = ram - (used + cache);
        Ledger { reserved, resident, cow, page_tables, buffers, pinned_cache, cache, free }
    }
}

impl Ledger {
    /// The sum of all lines: the host's RAM.
    pub fn total(&self) -> Bytes {
        self.in_use() + self.cache + self.free
    }

    /// Memory that the kernel cannot get back without killing.
    pub fn in_use(&self) -> Bytes {
        self.reserved + self.resident + self.cow + self.page_tables + self.buffers + self.pinned_cache
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
            let ledger =
                demand(Bytes::gib(resident), Bytes::gib(cow), Bytes::gib(cache)).granted(RAM, CAPACITY);
            assert_eq!(ledger.total(), RAM);
            assert!(ledger.in_use() <= CAPACITY);
        }
    }

    #[test]
    fn cache_gives_way_to_copies() {
        let roomy = demand(Bytes::gib(4), Bytes::ZERO, Bytes::gib(2)).granted(RAM, CAPACITY);
        let tight = demand(Bytes::gib(4), Bytes::gib(2), Bytes::gib(2)).granted(RAM, CAPACITY);
        assert_eq!(roomy.cache, Bytes::gib(2));
        assert_eq!(tight.cache, Bytes::gib(1) - Bytes::mib(66));
        assert_eq!(roomy.free, Bytes::gib(1));
        assert_eq!(tight.free, Bytes::mib(66));
    }

    #[test]
    fn copies_beyond_the_capacity_are_not_granted() {
        let ledger = demand(Bytes::gib(6), Bytes::gib(3), Bytes::ZERO).granted(RAM, CAPACITY);
        assert_eq!(ledger.cow, Bytes::gib(1) - Bytes::mib(66));
        assert_eq!(ledger.resident, Bytes::gib(6));
    }
}
