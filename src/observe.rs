//! What real servers say: INFO text to a scenario, and the record of a server held against the model.
//!
//! | module | owns |
//! |---|---|
//! | [`info`] | INFO text to fields |
//! | [`config`] | CONFIG GET text to settings |
//! | [`record`] | what the fields mean: one server at one moment |
//! | [`mod@import`] | a record to a commented scenario |
//! | [`prometheus`] | series of `redis_exporter` metrics, back to INFO texts |
//! | [`measured`] | measured saves, predicted and compared |
//! | [`published`] | figures that others have published, held against the laws |
//! | [`forecast`] | the next save, from past ones alone |
//! | [`hindcast`] | a record held against what the model says of the same span |
//!
//! Does no I/O: the text comes in, text goes out. Leaves out live servers.

pub mod config;
pub mod forecast;
pub mod hindcast;
pub mod import;
pub mod info;
pub mod measured;
pub mod prometheus;
pub mod published;
pub mod record;
mod words;

pub use config::Config;
pub use forecast::{Forecast, ForecastError};
pub use hindcast::{Hindcast, ModelSays};
pub use import::{HostMemory, Import, ImportError, import, import_server};
pub use info::{FieldError, Info, InfoError};
pub use record::Record;
