//! What this proves: a disk that fills is told, leaves nothing that looks complete, and costs no finished cell. It needs a
//! small file system of its own, which only root may mount.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{Ground, SCENARIO, assert_same};

/// A tmpfs, unmounted in the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &str, kibibytes: usize) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let size = format!("size={kibibytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs", path]).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path.into()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_is_told_and_costs_no_finished_cell() {
    let ground = Ground::new(SCENARIO);
    let Some(_disk) = SmallDisk::mount(&ground.path("disk"), 64) else {
        eprintln!("SKIPPED: a small tmpfs cannot be mounted here, so a full disk was not tested");
        return;
    };
    assert_eq!(ground.run("whole", &["--threads", "1"]).0, 0);
    for room in [0, 8, 24] {
        let _ = fs::remove_dir_all(ground.path("disk/run"));
        fs::write(ground.path("disk/ballast"), vec![1; (64 - 8 - room) * 1024]).unwrap();
        let (code, stderr) = ground.run("disk/run", &["--threads", "1"]);
        assert_eq!(code, 1, "{room}: {stderr}");
        assert!(
            stderr.contains("cannot write") && stderr.contains("free some space on that disk"),
            "{stderr}"
        );
        assert!(!ground.has("disk/run/run.json"));
    }
    // There is room elsewhere, and what was finished goes with the folder.
    let copied = Command::new("cp").args(["-r", &ground.path("disk/run"), &ground.path("moved")]).status();
    assert!(copied.unwrap().success());
    let (code, stderr) = ground.run("moved", &["--resume"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("finished before, not simulated again"), "{stderr}");
    assert_same(&ground.files("whole"), &ground.files("moved"), "moved");
}
