//! Memory as the kernel sees it: pages that exist, pages copied after the fork, pages the child has dropped.

/// The address space of the parent, and what the child still maps of it.
pub struct Memory {
    page_size: u64,
    /// Written before the fork, so shared with the child after it.
    shared: Vec<bool>,
    /// Written since the fork.
    written: Vec<bool>,
    dropped: Vec<bool>,
    has_forked: bool,
}

impl Memory {
    pub fn new(page_size: u64) -> Self {
        Self { page_size, shared: Vec::new(), written: Vec::new(), dropped: Vec::new(), has_forked: false }
    }

    pub fn fork(&mut self) {
        self.has_forked = true;
        self.written = vec![false; self.shared.len()];
        self.dropped = vec![false; self.shared.len()];
    }

    /// Writes `length` bytes from `address` on.
    pub fn write(&mut self, address: u64, length: u64) {
        let pages = if self.has_forked { &mut self.written } else { &mut self.shared };
        for page in index(address / self.page_size)..=index((address + length - 1) / self.page_size) {
            if pages.len() <= page {
                pages.resize(page + 1, false);
            }
            pages[page] = true;
        }
    }

    /// The child drops the whole pages between two addresses.
    pub fn drop_whole_pages(&mut self, from: u64, to: u64) {
        let pages = index(from.div_ceil(self.page_size))..index(to / self.page_size).min(self.dropped.len());
        for page in pages {
            self.dropped[page] = true;
        }
    }

    /// Pages shared with the child at the fork.
    pub fn shared(&self) -> usize {
        self.shared.iter().filter(|&&page| page).count()
    }

    /// Pages that exist twice: shared at the fork, written since, and still mapped by the child.
    pub fn copied(&self) -> usize {
        let pages = self.shared.iter().zip(&self.written).zip(&self.dropped);
        pages.filter(|&((&shared, &written), &dropped)| shared && written && !dropped).count()
    }

    /// Pages that the parent did not have at the fork.
    pub fn grown(&self) -> usize {
        let new = |(page, &written): (usize, &bool)| {
            written && !self.shared.get(page).is_some_and(|&shared| shared)
        };
        self.written.iter().enumerate().filter(|&page| new(page)).count()
    }
}

fn index(page: u64) -> usize {
    usize::try_from(page).unwrap()
}
