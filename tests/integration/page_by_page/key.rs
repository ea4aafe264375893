//! The allocations of a key, one by one, and which bytes of them an operation writes.
//!
//! Roles and size classes are the profile's; which of them were joined into one place is taken apart again.

use forkcast::memory::layout::Role;
use forkcast::memory::{Allocator, KeyKind, KeyPlacement, LayoutProfile, Value};

/// A part of a key: its class, and the bytes it uses of its slot.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub class: u64,
    pub used: u64,
}

/// Where the parts of a kind of key go, by role.
#[derive(Clone, Debug)]
pub struct Form {
    pub parts: [Option<Part>; Role::ALL.len()],
    /// Whether the value comes from the client as one allocation with its object, so that it cannot be put into
    /// another.
    pub moves_object: bool,
    /// Whether the value lies inside the object, so that nothing else can be put into that.
    pub is_embedded: bool,
    /// Whether the child frees the value after writing it.
    pub is_freed_by_child: bool,
    pub kind: KeyKind,
}

impl Form {
    pub fn new(layout: &LayoutProfile, allocator: Allocator, kind: KeyKind) -> Self {
        let mut parts = [None; Role::ALL.len()];
        for place in layout.places(allocator, kind) {
            if place.slots == 1 {
                parts[place.role as usize] = Some(Part { class: place.class, used: place.written });
            } else {
                for (role, used) in beside_the_entry(layout, kind) {
                    let is_apart = layout
                        .places(allocator, kind)
                        .iter()
                        .any(|other| other.role == role && role != Role::Entry);
                    if !is_apart {
                        parts[role as usize] = Some(Part { class: place.class, used });
                    }
                }
            }
        }
        Self {
            parts,
            moves_object: layout.overwrite_moves_object(kind),
            is_embedded: matches!(kind.value, Value::Bytes(_)) && parts[Role::Value as usize].is_none(),
            is_freed_by_child: layout.child_frees(kind),
            kind,
        }
    }

    pub fn part(&self, role: Role) -> Option<Part> {
        self.parts[role as usize]
    }
}

/// What is allocated when a key is added, and the bytes of it.
fn beside_the_entry(layout: &LayoutProfile, kind: KeyKind) -> Vec<(Role, u64)> {
    // The header of a short string, the text and a zero.
    let key = if kind.key_size < 32 { 1 } else { 3 } + kind.key_size + 1;
    let mut roles = match layout.key_placement {
        KeyPlacement::Separate => vec![(Role::Entry, layout.entry_bytes), (Role::Key, key)],
        KeyPlacement::EmbeddedInEntry => vec![(Role::Entry, layout.entry_bytes + key)],
        KeyPlacement::EmbeddedInObject => Vec::new(),
    };
    if kind.has_ttl {
        roles.push((Role::Expires, layout.expires_bytes));
    }
    roles
}

/// Bytes of an object header that an operation in place writes: type, encoding, reference count and pointer.
pub const HEADER: u64 = 16;

/// A pointer or an integer in place \[bytes\].
pub const POINTER: u64 = 8;

/// Where the pointers to the value and to the next entry lie in a table entry: after the key pointer, where there is
/// one.
pub fn entry_offsets(layout: &LayoutProfile) -> (u64, u64) {
    if layout.key_placement == KeyPlacement::Separate { (8, 16) } else { (0, 8) }
}

/// A string of so many bytes under a key of 16.
pub fn string(bytes: u64) -> KeyKind {
    KeyKind { key_size: 16, value: Value::Bytes(bytes), has_ttl: false }
}
