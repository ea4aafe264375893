//! A fleet: many clusters that differ from one scenario in some settings, one row of a CSV each.

use std::path::Path;

use super::assignment::{Assignment, MalformedAssignment};

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
    /// It cannot be read, or is no CSV.
    #[error("cannot read the fleet in `{file}`")]
    Unreadable {
        /// The file.
        file: String,
        /// What the reader said, with the line.
        source: csv::Error,
    },
    /// It has no column of names.
    #[error(
        "{file}:1: no column `cluster`: write the names of the clusters there, and settings such as `host.ram` beside it"
    )]
    NoNames {
        /// The file.
        file: String,
    },
    /// A cluster without a name, or with one that another has.
    #[error("{file}:{line}: {problem}")]
    Name {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with the name.
        problem: String,
    },
    /// A heading that is no dotted path.
    #[error("{file}:1: column `{column}` is no setting")]
    Column {
        /// The file.
        file: String,
        /// The heading.
        column: String,
        /// Why.
        source: MalformedAssignment,
    },
}

/// Reads the clusters of the CSV at `path`: a column `cluster` with names, and columns headed by dotted paths of
/// settings. Whether the settings are valid shows when a cluster's scenario is read: diagnostics name the line.
///
/// # Errors
///
/// [`FleetError`].
pub fn read(path: &Path) -> Result<Vec<Cluster>, FleetError> {
    let file = path.display().to_string();
    let unreadable = |source| FleetError::Unreadable { file: file.clone(), source };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    if !header.iter().any(|column| column == NAME) {
        return Err(FleetError::NoNames { file });
    }
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut cluster = Cluster { name: String::new(), settings: Vec::new() };
        for (column, value) in header.iter().zip(&record).filter(|(_, value)| !value.is_empty()) {
            if column == NAME {
                value.clone_into(&mut cluster.name);
                continue;
            }
            let assignment = Assignment::of_cell(&format!("{file}:{line}"), column, value);
            cluster.settings.push(assignment.map_err(|source| FleetError::Column {
                file: file.clone(),
                column: column.to_owned(),
                source,
            })?);
        }
        let problem = if cluster.name.is_empty() {
            Some("a cluster without a name".to_owned())
        } else if names.insert(cluster.name.clone()) {
            None
        } else {
            Some(format!("there are two clusters `{}`", cluster.name))
        };
        if let Some(problem) = problem {
            return Err(FleetError::Name { file, line, problem });
        }
        clusters.push(cluster);
    }
    Ok(clusters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(text: &str) -> Result<Vec<Cluster>, FleetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.csv");
        std::fs::write(&path, text).unwrap();
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
    fn what_is_wrong_is_named_with_its_line() {
        let error = |text: &str| clusters(text).unwrap_err().to_string().replace('\\', "/");
        assert!(error("name,host.ram\na,8 GiB\n").contains("fleet.csv:1: no column `cluster`"));
        assert!(error("cluster\na\na\n").contains("fleet.csv:3: there are two clusters `a`"));
        assert!(error("cluster,host.ram\n,8 GiB\n").contains("fleet.csv:2: a cluster without a name"));
        assert!(error("cluster,\"\"\na,8 GiB\n").contains("fleet.csv:1: column ``"));
        assert!(error("cluster,host.ram\na\n").contains("fleet.csv"));
    }
}
