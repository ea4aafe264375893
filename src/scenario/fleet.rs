//! A fleet: many clusters that differ from one scenario in some settings, one row of a CSV each.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use super::assignment::Assignment;
use super::code::Code;
use super::diagnostic::{Diagnostic, Report};
use super::sheet::Sheet;
use super::source::Source;

/// The column that names the clusters.
const NAME: &str = "cluster";

/// A cluster of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// What it sets, in the order of the columns; an empty field leaves the scenario's value.
    pub settings: Vec<Assignment>,
}

/// What is wrong with a fleet file.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// It cannot be read.
    #[error("cannot read the fleet in `{file}`")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// Rows without a name or with one that another has, columns that are no settings, or no clusters at all.
    #[error("this is no fleet")]
    Invalid(#[from] Report),
}

/// Reads the clusters of the CSV at `path`: a column `cluster` with names, and columns headed by dotted paths of
/// settings. Whether the settings are valid shows when a cluster's scenario is read: diagnostics name line and column.
///
/// # Errors
///
/// [`FleetError`].
pub fn read(path: &Path) -> Result<Vec<Cluster>, FleetError> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|source| FleetError::Unreadable { file: name.clone(), source })?;
    Ok(clusters(&Arc::new(Source { name, text }))?)
}

fn clusters(source: &Arc<Source>) -> Result<Vec<Cluster>, Report> {
    let (sheet, mut problems) = Sheet::read(source);
    let Some(named) = sheet.column(NAME) else {
        let message = format!("a fleet without the column `{NAME}`");
        let problem = Diagnostic::new(Code::MissingColumn, message, &sheet.header_place(), "not among these");
        let help = "write the names of the clusters there, and settings such as `host.ram` beside it";
        return Err(Report::new(vec![problem.help(help)]));
    };
    if sheet.records().is_empty() && problems.is_empty() {
        let problem = Diagnostic::new(
            Code::InvalidCell,
            "a fleet without clusters",
            &sheet.header_place(),
            "no row below",
        );
        problems.push(problem.help("write a row for each cluster"));
    }
    let (mut clusters, mut taken) = (Vec::new(), BTreeSet::new());
    for record in sheet.records() {
        let name = record.get(named).unwrap_or_default();
        let wrong = |message: String, label: &str| {
            Diagnostic::new(Code::InvalidCell, message, &sheet.place(record, named), label)
                .help("give every cluster a name of its own")
        };
        if name.is_empty() {
            problems.push(wrong("a cluster without a name".to_owned(), "no name"));
        } else if !taken.insert(name) {
            problems.push(wrong(format!("there are two clusters `{name}`"), "the second one"));
        }
        clusters.push(Cluster {
            name: name.to_owned(),
            settings: settings(&sheet, record, named, &mut problems),
        });
    }
    if problems.is_empty() { Ok(clusters) } else { Err(Report::new(problems)) }
}

/// What the row of a cluster sets.
fn settings(
    sheet: &Sheet,
    record: &csv::StringRecord,
    named: usize,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Assignment> {
    let mut settings = Vec::new();
    for (at, (column, value)) in sheet.columns().zip(record).enumerate() {
        if at == named || value.is_empty() {
            continue;
        }
        if let Ok(setting) = Assignment::of_cell(column, value, &sheet.place(record, at)) {
            settings.push(setting);
        } else {
            let (message, place) = (format!("the column `{column}` is no setting"), sheet.header_place());
            let problem = Diagnostic::new(Code::NoSuchTarget, message, &place, "not a dotted path");
            problems.push(problem.help("head it with a path such as `server.maxmemory-percent`"));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(text: &str) -> Result<Vec<Cluster>, FleetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.csv");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_row_is_a_cluster_and_an_empty_field_leaves_the_setting() {
        let fleet = clusters("cluster,host.ram,dataset.fill\na, 8 GiB ,0.5\nb,,1\n").unwrap();
        let texts = |cluster: &Cluster| {
            let texts = cluster.settings.iter().map(|setting| setting.text().to_owned());
            format!("{}: {}", cluster.name, texts.collect::<Vec<_>>().join(", "))
        };
        let fleet: Vec<String> = fleet.iter().map(texts).collect();
        assert_eq!(fleet, ["a: host.ram=8 GiB, dataset.fill=0.5", "b: dataset.fill=1"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let error = |text: &str| match clusters(text).unwrap_err() {
            FleetError::Invalid(report) => report.to_string(),
            unreadable @ FleetError::Unreadable { .. } => panic!("{unreadable}"),
        };
        for (text, place, message) in [
            ("name,host.ram\na,8 GiB\n", "fleet.csv:1:1", "a fleet without the column `cluster`"),
            ("cluster,host.ram\n", "fleet.csv:1:1", "a fleet without clusters"),
            ("cluster\na\na\n", "fleet.csv:3:1", "there are two clusters `a`"),
            ("cluster,\"\"\na,8 GiB\n", "fleet.csv:1:1", "the column `` is no setting"),
            ("host.ram,cluster\n8 GiB,\n", "fleet.csv:2:7", "a cluster without a name"),
            ("cluster,host.ram\na\n", "fleet.csv:2:1", "a line with 1 cells under a header of 2"),
        ] {
            let error = error(text);
            assert!(error.contains(place) && error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_setting_knows_its_line_and_column() {
        let fleet = clusters("cluster,dataset.fill,host.ram\na,0.5,8 GiB\nb,1,lots\n").unwrap();
        let place = &fleet[1].settings[1].key_place;
        assert_eq!((place.line_column(), place.text()), ((3, 5), "lots"));
    }
}
