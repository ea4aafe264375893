//! A memory control group of one's own: who is in it, what the kernel charges to it, and its limit.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the memory controller of version 1 is mounted.
const V1: &str = "/sys/fs/cgroup/memory";

/// Where version 2 is mounted.
const V2: &str = "/sys/fs/cgroup";

/// A group, removed with this value; its processes must be gone by then.
pub struct Group {
    folder: PathBuf,
    is_v1: bool,
}

impl Group {
    /// A new group below the root; nothing where this machine lets the tests make none with a memory limit.
    pub fn new(name: &str) -> Option<Self> {
        let is_v1 = Path::new(V1).join("memory.limit_in_bytes").exists();
        let folder = Path::new(if is_v1 { V1 } else { V2 }).join(name);
        fs::create_dir(&folder).ok()?;
        let group = Self { folder, is_v1 };
        group.limit(None).then_some(group)
    }

    /// Moves a process into the group; what it forks follows.
    pub fn hold(&self, pid: u32) {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string()).unwrap();
    }

    /// Sets the limit \[bytes\], or lifts it; whether the kernel took it.
    pub fn limit(&self, bytes: Option<u64>) -> bool {
        let (file, none) = if self.is_v1 { ("memory.limit_in_bytes", "-1") } else { ("memory.max", "max") };
        let text = bytes.map_or_else(|| none.to_owned(), |bytes| bytes.to_string());
        fs::write(self.folder.join(file), text).is_ok()
    }

    /// Kernel memory charged to the group, page tables among it \[bytes\].
    pub fn kernel(&self) -> f64 {
        let (file, field) =
            if self.is_v1 { ("memory.kmem.usage_in_bytes", "") } else { ("memory.stat", "kernel ") };
        let text = fs::read_to_string(self.folder.join(file)).unwrap();
        text.lines().find_map(|line| line.strip_prefix(field)?.trim().parse().ok()).unwrap_or(0.0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}
