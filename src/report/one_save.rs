//! One save as people and scripts read it: sentences, a plot and a table of pools, or one JSON document.
//!
//! The names of the JSON are a contract with scripts outside this repository. The picture is a chart, see
//! [`draw_curve`](crate::report::draw_curve).

mod plot;
mod words;

use serde_json::{Value, json};

use crate::decision::Headroom;
use crate::memory::heap::PoolCopies;
use crate::model::one_save::Forecast;

pub use plot::curve;
pub use words::{
    POOLS, assumptions, besides, finding, pool_row, reported, saturation, subject, title, verdict,
};

/// The save as one JSON document; what the host lacks or has to spare, where its RAM is known.
pub fn to_json(forecast: &Forecast, headroom: Option<&Headroom>) -> Value {
    let curve = forecast
        .curve
        .iter()
        .map(|cost| json!({ "seconds": fine(cost.seconds), "bytes": whole(cost.anonymous()) }));
    let mut document = json!({
        "peak_bytes": whole(forecast.peak.anonymous()),
        "peak_at_seconds": fine(forecast.peak.seconds),
        "end_bytes": whole(forecast.end().anonymous()),
        "reported_bytes": whole(forecast.reported),
        "pages": fine(forecast.pages()),
        "pools": forecast.pools.iter().map(pool).collect::<Vec<_>>(),
        "curve": curve.collect::<Vec<_>>(),
    });
    if let (Some(headroom), Value::Object(fields)) = (headroom, &mut document) {
        fields.insert("ram_bytes".into(), headroom.ram.0.into());
        fields.insert("need_bytes".into(), headroom.need().0.into());
        fields.insert("fits".into(), headroom.fits().into());
    }
    document
}

fn pool(pool: &PoolCopies) -> Value {
    json!({
        "name": pool.name,
        "class_bytes": pool.class_bytes,
        "objects": fine(pool.objects),
        "pages": fine(pool.pages),
        "copied_pages": fine(pool.copied_pages),
    })
}

/// Expected values are no whole numbers; bytes are shown as such all the same.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below 2^53, and float casts saturate"
)]
fn whole(bytes: f64) -> u64 {
    bytes.round() as u64
}

fn fine(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
