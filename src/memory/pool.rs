//! One pool: the slabs of one size class, what fills them, and which of their pages a load dirties.
//!
//! ```text
//! E[dirty pages] = Σ page positions  slabs · (1 − Π objects on the page  φ̄)
//! φ̄ = Σ counts · φ_place / Σ counts            over the key kinds and roles that share the pool
//! ```
//!
//! An object counts on a page if a write of it reaches the page: what is not used of a slot is never written.

use crate::memory::exposure::{Exposure, Unwritten};
use crate::memory::heap::PoolLoad;
use crate::memory::layout::{ChildRelease, Place, Role};
use crate::memory::popularity::Spread;
use crate::memory::release::Released;
use crate::memory::slab::{PageGroup, Slab};

/// Shares below this are rounding.
const NEGLIGIBLE: f64 = 1e-12;

/// Objects of a slab above which all of them are free only when the child is all but done: of 64, with 95 % of the keys
/// written, one slab in 27.
const FEW_OBJECTS: f64 = 64.0;

/// The slabs of one size class and the places that fill them.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) class: u64,
    slab: Slab,
    members: Vec<Member>,
}

/// What one kind of key keeps in a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) kind: usize,
    pub(super) role: Role,
    slots: f64,
    written: u64,
    /// Share of the kind's keys that have a place here at the fork.
    pub(super) at_fork: f64,
    /// Share of the overwrites that put a place here.
    pub(super) overwritten: f64,
    /// Vacant places, in shares of the kind's keys.
    pub(super) vacant: f64,
    /// Whether the child frees these objects once they are written out.
    pub(super) is_freed: bool,
    /// Whether an overwrite that puts another object in its place writes this one before it frees it.
    pub(super) is_written_when_left: bool,
}

impl Member {
    pub(super) fn new(kind: usize, place: Place) -> Self {
        Self {
            kind,
            role: place.role,
            slots: place.slots as f64,
            written: place.written,
            at_fork: 0.0,
            overwritten: 0.0,
            vacant: 0.0,
            is_freed: false,
            is_written_when_left: false,
        }
    }

    /// Whether overwrites move this part of a key into or out of the pool.
    fn changes_size(&self) -> bool {
        matches!(self.role, Role::Object | Role::Value)
            && ((self.at_fork - self.overwritten).abs() > NEGLIGIBLE || self.vacant > 0.0)
    }

    /// What overwrites do to this part of a key.
    fn flow(&self, keys: &KindState) -> Flow {
        let first = keys.count * (1.0 - keys.spread.unwritten(keys.exposure.set / keys.count.max(1.0)));
        let again = keys.exposure.set - first;
        let put = keys.exposure.set * self.overwritten;
        let left = first * self.at_fork + again * self.overwritten;
        let beyond = (put - left).max(0.0);
        let filled = beyond.min(self.vacant * keys.count);
        Flow { reused: put.min(left), filled, grown: beyond - filled }
    }
}

/// Where the values that overwrites bring to a pool come to lie, in numbers of places.
struct Flow {
    /// In slots that other overwrites have left since the fork: anywhere.
    reused: f64,
    /// In slots vacant at the fork: the allocator fills one slab after the other.
    filled: f64,
    /// On new pages.
    grown: f64,
}

/// One kind of key under a load.
pub(super) struct KindState<'a> {
    pub(super) count: f64,
    pub(super) exposure: &'a Exposure,
    pub(super) spread: &'a Spread,
    pub(super) unwritten: Unwritten,
}

/// What a load has done to a pool.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PoolPages {
    /// Places in it.
    pub(super) objects: f64,
    /// Its pages.
    pub(super) pages: f64,
    /// Those copied, and not given back by the child.
    pub(super) copied: f64,
}

impl Pool {
    pub(super) fn new(class: u64, slab: Slab) -> Self {
        Self { class, slab, members: Vec::new() }
    }

    /// The member for `place` of `kind`, added where it is new.
    pub(super) fn member(&mut self, kind: usize, place: Place) -> &mut Member {
        let known = self.members.iter().position(|m| m.kind == kind && m.role == place.role);
        let index = known.unwrap_or_else(|| {
            self.members.push(Member::new(kind, place));
            self.members.len() - 1
        });
        &mut self.members[index]
    }

    /// Leaves of the vacant slots of `kind` those that lie in slabs with an occupied one: slabs that became empty
    /// went back to be used for any class.
    pub(super) fn forget_empty_slabs(&mut self, kind: usize) {
        let others = self.slab.objects - 1.0;
        for member in self.members.iter_mut().filter(|member| member.kind == kind) {
            // Less than nothing: of a size that the kind was not loaded with.
            let vacant = if member.vacant < NEGLIGIBLE { 0.0 } else { member.vacant };
            let share = vacant / (vacant + member.at_fork).max(NEGLIGIBLE);
            member.vacant = vacant * (1.0 - share.powf(others));
        }
    }

    /// The roles kept here.
    pub(super) fn roles(&self) -> impl Iterator<Item = Role> {
        self.members.iter().map(|member| member.role)
    }

    /// Expected pages copied for a child that has given back `released`.
    pub(super) fn copied(&self, kinds: &[KindState], release: ChildRelease, released: Released) -> PoolPages {
        let fill = self.filling(kinds);
        if fill.places <= 0.0 {
            return PoolPages::default();
        }
        let slabs = fill.slots / self.slab.objects;
        let given_back = GivenBack::of(&fill, release, released, self.slab.objects);
        let elsewhere = self.dirty_shares(kinds, &fill, |part| part.unwritten);
        let where_filled =
            (fill.filled > 0.0).then(|| self.dirty_shares(kinds, &fill, |part| part.unwritten_where_filled));
        let (mut pages, mut copied) = (0.0, 0.0);
        for group in &self.slab.pages {
            let mut share = elsewhere(group);
            if let Some(where_filled) = &where_filled {
                share += fill.filled * (where_filled(group) - share);
            }
            let stays = if group.is_inside_object { 1.0 - given_back.inside } else { 1.0 };
            pages += group.pages;
            copied += group.pages * share * stays * (1.0 - given_back.slabs);
        }
        PoolPages { objects: fill.places, pages: slabs * pages, copied: slabs * copied }
    }

    /// The chance that a page of a group is dirty, where a place is unwritten as `unwritten` says.
    fn dirty_shares<'a>(
        &'a self,
        kinds: &'a [KindState],
        fill: &Filling,
        unwritten: fn(&Part) -> f64,
    ) -> impl Fn(&PageGroup) -> f64 + use<'a> {
        let (places, slots) = (fill.places, fill.places / fill.slots);
        // The logarithm of the chance that a place is clean from byte `before` on.
        let log_clean = move |before: u64| {
            let clean = |part: Part| part.places * if part.written > before { unwritten(&part) } else { 1.0 };
            let sum: f64 = self.parts(kinds).map(clean).sum();
            (sum / places).max(f64::MIN_POSITIVE).ln()
        };
        let whole = log_clean(0);
        move |group| {
            let reaching_over = match group.reaching_over {
                None => 0.0,
                Some(0) => whole,
                Some(before) => log_clean(before),
            };
            -((whole * group.starts + reaching_over) * slots).exp_m1()
        }
    }

    fn parts<'a>(&'a self, kinds: &'a [KindState]) -> impl Iterator<Item = Part> + use<'a> {
        self.members.iter().map(|member| Part::of(member, &kinds[member.kind]))
    }

    fn filling(&self, kinds: &[KindState]) -> Filling {
        let mut fill = Filling::default();
        for (part, member) in self.parts(kinds).zip(&self.members) {
            fill.places += part.places;
            fill.slots += part.places * member.slots;
            fill.values += if member.role == Role::Value { part.places } else { 0.0 };
            fill.freed += if member.is_freed { part.places } else { 0.0 };
            fill.filled = fill.filled.max(part.filled);
        }
        fill
    }

    /// Joins pages of the slab that no write tells apart, once all members are known.
    ///
    /// What reaches over from the page before counts as reaching it wholly where every member's write does, and not at
    /// all where none does.
    pub(super) fn join_alike_pages(&mut self) {
        let mut joined: Vec<PageGroup> = Vec::new();
        for mut group in std::mem::take(&mut self.slab.pages) {
            if let Some(before) = group.reaching_over {
                let reaching = self.members.iter().filter(|member| member.written > before).count();
                group.reaching_over = match reaching {
                    0 => None,
                    all if all == self.members.len() => Some(0),
                    _ => Some(before),
                };
            }
            match joined.iter_mut().find(|other| other.is_like(&group)) {
                Some(other) => other.pages += group.pages,
                None => joined.push(group),
            }
        }
        self.slab.pages = joined;
    }

    /// The pool as a whole, whatever its pages: `None` where it is empty.
    pub(super) fn load(&self, kinds: &[KindState]) -> Option<PoolLoad> {
        let fill = self.filling(kinds);
        let clean: f64 = self.parts(kinds).map(|part| part.places * part.unwritten).sum();
        let bytes = fill.slots * self.class as f64;
        (fill.places > 0.0).then(|| PoolLoad {
            bytes,
            places: fill.places,
            place_bytes: bytes / fill.places,
            log_clean: (clean / fill.places).max(f64::MIN_POSITIVE).ln(),
        })
    }

    /// Whether the child can give pages back long enough before its end to matter: pages inside an object as it writes
    /// them, and slabs of few objects once it has freed all of them.
    pub(super) fn can_give_back(&self) -> bool {
        let has_inner_pages = self.slab.pages.iter().any(|group| group.is_inside_object);
        let is_small = self.slab.objects <= FEW_OBJECTS;
        let gives_back = |m: &Member| (m.role == Role::Value && has_inner_pages) || (m.is_freed && is_small);
        self.members.iter().any(|member| member.at_fork > 0.0 && gives_back(member))
    }

    /// Bytes that overwrites of changing size put on new pages.
    pub(super) fn grown(&self, kinds: &[KindState]) -> f64 {
        let resized = self.members.iter().filter(|member| member.changes_size());
        resized.map(|member| member.flow(&kinds[member.kind]).grown).sum::<f64>() * self.class as f64
    }

    /// Pages, the chance that the child has freed all objects of a slab once it has written everything, and objects a
    /// slab: `None` where it frees nothing here.
    pub(super) fn freed(&self, counts: &[f64]) -> Option<FreedPages> {
        let places = |member: &Member| counts[member.kind] * member.at_fork;
        let all: f64 = self.members.iter().map(places).sum();
        let freed: f64 = self.members.iter().filter(|m| m.is_freed).map(places).sum();
        (freed > 0.0).then(|| FreedPages {
            pages: all / self.slab.objects * self.slab.pages.iter().map(|group| group.pages).sum::<f64>(),
            freed_share: freed / all,
            objects_per_slab: self.slab.objects,
            objects: freed,
        })
    }

    /// Slabs that `counts` keys of each kind take.
    pub(super) fn slabs(&self, counts: &[f64]) -> f64 {
        let slots = |m: &Member| counts[m.kind] * (m.at_fork + m.vacant) * m.slots;
        self.members.iter().map(slots).sum::<f64>() / self.slab.objects
    }
}

/// What the child's allocator gets back in one pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct FreedPages {
    pub(super) pages: f64,
    pub(super) freed_share: f64,
    pub(super) objects_per_slab: f64,
    pub(super) objects: f64,
}

/// A member's places under a load.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Places, vacant ones included.
    places: f64,
    /// Bytes of a place that a write reaches.
    written: u64,
    /// The chance that nothing has been written to a place.
    unwritten: f64,
    /// The same in the slabs whose vacant places were filled up.
    unwritten_where_filled: f64,
    /// The share of the slabs with vacant places that were filled up.
    filled: f64,
}

impl Part {
    fn of(member: &Member, kind: &KindState) -> Self {
        let places = kind.count * (member.at_fork + member.vacant);
        let written = member.written;
        if !member.changes_size() || places <= 0.0 {
            let unwritten = kind.unwritten.of(member.role);
            return Self { places, written, unwritten, unwritten_where_filled: unwritten, filled: 0.0 };
        }
        let flow = member.flow(kind);
        let occupied = kind.count * member.at_fork;
        let kept = if member.is_written_when_left {
            kind.unwritten.of(member.role)
        } else {
            kind.spread.unwritten(flow.reused / occupied.max(1.0)) * kind.unwritten.spared
        };
        let unwritten_where_filled = kept * occupied / places;
        let vacant = member.vacant * kind.count;
        Self {
            places,
            written,
            unwritten: unwritten_where_filled + vacant / places,
            unwritten_where_filled,
            filled: if vacant > 0.0 { flow.filled / vacant } else { 0.0 },
        }
    }
}

/// A pool's places added up over its members.
#[derive(Default)]
struct Filling {
    places: f64,
    slots: f64,
    /// Strings and collections outside their object.
    values: f64,
    /// What the child frees.
    freed: f64,
    /// The share of the slabs whose vacant places were filled up.
    filled: f64,
}

/// Shares of a pool's pages that the child has given back.
struct GivenBack {
    /// Of the pages inside one object.
    inside: f64,
    /// Of all pages, as slabs whose objects are all free.
    slabs: f64,
}

impl GivenBack {
    fn of(fill: &Filling, release: ChildRelease, released: Released, objects_per_slab: f64) -> Self {
        let slabs = (released.progress * fill.freed / fill.places).powf(objects_per_slab) * released.purged;
        let dismissed = match release {
            ChildRelease::Dismissed => fill.values,
            ChildRelease::Freed => fill.values - fill.freed,
        };
        Self { inside: released.progress * (dismissed / fill.places).max(0.0), slabs }
    }
}
