//! Keys, values and commands of a load, drawn with fixed seeds.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use redis::Pipeline;

use crate::load::{Dist, Load, Op};

/// Seed of the order of popularity.
const SCATTER: u64 = 1;

/// Fields of a hash.
const FIELDS: u64 = 10;

/// Draws keys and values. Popular keys lie scattered over the memory, the same for every load of a server.
pub struct Draw {
    rng: Xoshiro256PlusPlus,
    noise: Vec<u8>,
    /// The key of each rank.
    ranked: Vec<u32>,
    zipf: Zipf<f64>,
}

impl Draw {
    /// `seed` decides on the order of the operations and on the values.
    pub fn new(seed: u64, keys: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut noise = vec![0; 1 << 20];
        rng.fill_bytes(&mut noise);
        let zipf = Zipf::new(keys as f64, 0.99).unwrap();
        let mut ranked: Vec<u32> = (0..u32::try_from(keys).unwrap()).collect();
        ranked.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(SCATTER));
        Self { rng, noise, ranked, zipf }
    }

    fn key(&mut self, dist: Dist) -> u64 {
        let (keys, hot) = (self.ranked.len(), self.ranked.len() / 5);
        let rank = match dist {
            Dist::Uniform => self.rng.random_range(0..keys),
            Dist::Zipf => zipf_rank(self.zipf.sample(&mut self.rng)).min(keys - 1),
            Dist::Hotspot if self.rng.random_bool(0.8) => self.rng.random_range(0..hot),
            Dist::Hotspot => self.rng.random_range(hot..keys),
        };
        u64::from(self.ranked[rank])
    }

    fn value(&mut self, bytes: usize) -> &[u8] {
        let start = self.rng.random_range(0..self.noise.len() - bytes);
        &self.noise[start..start + bytes]
    }

    /// Eight digits: no server shares objects for numbers so large.
    fn integer(&mut self) -> u64 {
        self.rng.random_range(10_000_000..100_000_000)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 on")]
fn zipf_rank(drawn: f64) -> usize {
    drawn as usize - 1
}

fn key(id: u64) -> String {
    format!("key:{id:012}")
}

/// Adds a key of the first fill to a round trip.
pub fn create(pipeline: &mut Pipeline, draw: &mut Draw, load: Load, id: u64) {
    if load.op == Op::Hset {
        pipeline.cmd("HSET").arg(key(id));
        for field in 0..FIELDS {
            pipeline.arg(format!("f{field}")).arg(draw.value(load.value_bytes));
        }
    } else {
        set(pipeline, draw, id, load);
    }
    pipeline.ignore();
}

fn set(pipeline: &mut Pipeline, draw: &mut Draw, id: u64, load: Load) {
    pipeline.cmd("SET").arg(key(id));
    if load.is_integer() {
        pipeline.arg(draw.integer())
    } else {
        pipeline.arg(draw.value(load.value_bytes))
    };
}

/// Adds one operation to a round trip; the writes it makes.
pub fn operate(pipeline: &mut Pipeline, draw: &mut Draw, load: Load, next_new: &mut u64) -> u64 {
    let id = draw.key(load.dist);
    match load.op {
        Op::Idle => return 0,
        Op::Get => {
            pipeline.cmd("GET").arg(key(id));
        }
        Op::Set => set(pipeline, draw, id, load),
        Op::SetVary => {
            let value_bytes = draw.rng.random_range(load.value_bytes / 2..=load.value_bytes * 3 / 2);
            pipeline.cmd("SET").arg(key(id)).arg(draw.value(value_bytes));
        }
        Op::Incr => {
            pipeline.cmd("INCR").arg(key(id));
        }
        Op::Hset => {
            let field = draw.rng.random_range(0..FIELDS);
            pipeline.cmd("HSET").arg(key(id)).arg(format!("f{field}")).arg(draw.value(load.value_bytes));
        }
        Op::Insert => {
            set(pipeline, draw, *next_new, load);
            *next_new += 1;
        }
        Op::DelSet => {
            pipeline.cmd("DEL").arg(key(id)).ignore();
            set(pipeline, draw, id, load);
            pipeline.ignore();
            return 2;
        }
    }
    pipeline.ignore();
    u64::from(load.op.writes())
}
