//! What host classes cost, as the user says: forkcast knows no prices.

use std::path::Path;

use anyhow::{Context, bail};

use crate::decision::ClassAnswer;
use crate::sweep::Verdict;

/// Prices by host class.
#[derive(Clone, Debug)]
pub struct Prices(Vec<(String, f64)>);

impl Prices {
    /// Reads a CSV with the columns `host_class` and `price`.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, lacks a column, or holds a price that is no positive number.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read `{name}`"))?;
        let headers = reader.headers().with_context(|| format!("cannot read `{name}`"))?.clone();
        let column = |wanted: &str| headers.iter().position(|header| header.trim() == wanted);
        let (Some(class), Some(price)) = (column("host_class"), column("price")) else {
            bail!("`{name}` has no columns `host_class` and `price`");
        };
        let mut prices = Vec::new();
        for record in reader.records() {
            let record = record.with_context(|| format!("cannot read `{name}`"))?;
            let line = record.position().map_or(0, csv::Position::line);
            let text = record.get(price).unwrap_or_default().trim();
            match text.parse::<f64>() {
                Ok(value) if value > 0.0 && value.is_finite() => {
                    prices.push((record.get(class).unwrap_or_default().trim().to_owned(), value));
                }
                _ => bail!("{name}:{line}: `{text}` is no price: write a positive number"),
            }
        }
        Ok(Self(prices))
    }

    /// The cheapest safe class and its price; `None` where no safe class has one.
    pub fn cheapest<'a>(&self, classes: &'a [ClassAnswer]) -> Option<(&'a ClassAnswer, f64)> {
        let price = |answer: &ClassAnswer| {
            let class = answer.host_class.as_deref()?;
            self.0.iter().find(|(name, _)| name == class).map(|(_, price)| *price)
        };
        let safe = classes.iter().filter(|answer| answer.verdict == Verdict::Safe);
        let priced = safe.filter_map(|answer| Some((answer, price(answer)?)));
        priced.min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Prices> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.csv");
        std::fs::write(&path, text).unwrap();
        Prices::read(&path)
    }

    #[test]
    fn prices_are_read_and_bad_ones_are_named_by_line() {
        assert_eq!(read("price,host_class\n12.5,a\n").unwrap().0, [("a".to_owned(), 12.5)]);
        let error = read("host_class,price\na,1\nb,-3\n").unwrap_err().to_string();
        assert!(error.ends_with("prices.csv:3: `-3` is no price: write a positive number"), "{error}");
        assert!(read("class,price\na,1\n").unwrap_err().to_string().contains("no columns"));
    }
}
