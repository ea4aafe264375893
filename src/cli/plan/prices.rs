//! What host classes cost, as the user says: forkcast knows no prices.

use std::path::Path;

use crate::decision::ClassAnswer;
use crate::scenario::classes;
use crate::sweep::Verdict;

/// Prices by host class.
#[derive(Clone, Debug)]
pub struct Prices(Vec<(String, f64)>);

/// Why a file tells no prices.
#[derive(Debug, thiserror::Error)]
pub enum BadPrices {
    /// It cannot be read, or is no CSV.
    #[error("cannot read the prices in `{file}`")]
    Unreadable {
        /// The file.
        file: String,
        /// What the reader said.
        source: csv::Error,
    },
    /// A column is missing.
    #[error("{file}:1: no columns `host_class` and `price`")]
    NoColumns {
        /// The file.
        file: String,
    },
    /// A row that is no price of a class.
    #[error("{file}:{line}: {problem}")]
    Row {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

impl Prices {
    /// Reads a CSV with the columns `host_class` and `price`.
    ///
    /// # Errors
    ///
    /// [`BadPrices`]: it cannot be read, lacks a column, or has a row of no class of the catalogue, of one that has a
    /// price already, or with a price that is no positive number.
    pub fn read(path: &Path) -> Result<Self, BadPrices> {
        let file = path.display().to_string();
        let unreadable = |source| BadPrices::Unreadable { file: file.clone(), source };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
        let headers = reader.headers().map_err(unreadable)?.clone();
        let column = |wanted: &str| headers.iter().position(|header| header == wanted);
        let (Some(class), Some(price)) = (column("host_class"), column("price")) else {
            return Err(BadPrices::NoColumns { file });
        };
        let mut prices = Self(Vec::new());
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            let line = record.position().map_or(0, csv::Position::line);
            let field = |column: usize| record.get(column).unwrap_or_default();
            prices.add(field(class), field(price)).map_err(|problem| BadPrices::Row {
                file: file.clone(),
                line,
                problem,
            })?;
        }
        Ok(prices)
    }

    /// Adds the price of a class, or says what is wrong with it.
    fn add(&mut self, class: &str, price: &str) -> Result<(), String> {
        if classes::find(class).is_none() {
            return Err(format!("there is no host class `{class}`: `forkcast classes` lists them"));
        }
        if self.0.iter().any(|(known, _)| known == class) {
            return Err(format!("`{class}` has two prices: keep one of them"));
        }
        let value = price.parse::<f64>().ok().filter(|value| *value > 0.0 && value.is_finite());
        let value = value.ok_or_else(|| format!("`{price}` is no price: write a positive number"))?;
        self.0.push((class.to_owned(), value));
        Ok(())
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

    fn read(text: &str) -> Result<Prices, BadPrices> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.csv");
        std::fs::write(&path, text).unwrap();
        Prices::read(&path)
    }

    #[test]
    fn prices_are_read_and_bad_ones_are_named_by_line() {
        const CLASS: &str = "yandex.hm3-c4-m32";
        assert_eq!(
            read(&format!("price,host_class\n12.5, {CLASS}\n")).unwrap().0,
            [(CLASS.to_owned(), 12.5)]
        );
        let error =
            |rows: &str| read(&format!("host_class,price\n{CLASS},1\n{rows}\n")).unwrap_err().to_string();
        assert!(error("yandex.hm3-c4-m24,-3").ends_with(":3: `-3` is no price: write a positive number"));
        assert!(
            error("yandex.hm3,2")
                .ends_with(":3: there is no host class `yandex.hm3`: `forkcast classes` lists them")
        );
        assert!(
            error(&format!("yandex.hm3-c4-m24,4\n{CLASS},2"))
                .ends_with(":4: `yandex.hm3-c4-m32` has two prices: keep one of them")
        );
        assert!(read("class,price\na,1\n").unwrap_err().to_string().contains(":1: no columns"));
    }
}
