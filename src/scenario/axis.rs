//! The axes of a sweep: which settings take which values.

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::settings;
use super::source::Place;
use super::tree::{Content, Node, parse_path};

/// More values than a sweep can be meant to have.
const MOST_VALUES: usize = 1000;

/// The axes that stand first, whatever the order of writing.
const FIRST: [&str; 2] = ["host.class", "server.maxmemory-percent"];

/// The axes that choose the host, or the container that takes its place.
pub const HOSTS: [&str; 3] = ["host.class", "host.ram", "host.limit"];

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The dotted path of the setting.
    pub path: String,
    /// Its values, as on a command line.
    pub values: Vec<String>,
    pub(super) keys: Vec<String>,
    pub(super) key_place: Place,
    pub(super) nodes: Vec<Node>,
}

/// Reads the axes of a `[sweep]` table: `host.class` first, then `server.maxmemory-percent`, then the
/// others in the order of writing.
pub fn read(sweep: Option<&Node>, problems: &mut Vec<Diagnostic>) -> Vec<Axis> {
    let mut axes = Vec::new();
    if let Some(sweep) = sweep {
        if matches!(sweep.content, Content::Table(_)) {
            gather(sweep, &[], &mut axes, problems);
        } else {
            let problem = Diagnostic::new(Code::WrongType, "`sweep` is a table", &sweep.place, "not a table");
            problems.push(problem.help("write a header `[sweep]`, and under it `\"host.class\" = […]`"));
        }
    }
    axes.sort_by_key(|axis: &Axis| FIRST.iter().position(|first| *first == axis.path).unwrap_or(FIRST.len()));
    axes
}

/// Enters tables too, so that `host.class = […]` without quotes names the axis `host.class`.
fn gather(table: &Node, above: &[String], axes: &mut Vec<Axis>, problems: &mut Vec<Diagnostic>) {
    for entry in table.entries() {
        let mut keys = above.to_vec();
        keys.extend(parse_path(&entry.key).unwrap_or_else(|| vec![entry.key.clone()]));
        if matches!(entry.node.content, Content::Table(_)) {
            gather(&entry.node, &keys, axes, problems);
            continue;
        }
        let Some(nodes) = values(&entry.node, problems) else { continue };
        let found = Axis {
            path: keys.join("."),
            values: nodes.iter().map(Node::to_plain).collect(),
            keys,
            key_place: entry.key_place.clone(),
            nodes,
        };
        match found.problem(axes) {
            Some(problem) => problems.push(problem),
            None => axes.push(found),
        }
    }
}

impl Axis {
    fn problem(&self, others: &[Self]) -> Option<Diagnostic> {
        let path = self.path.as_str();
        let at_key = |message: String, label: &str| {
            Some(Diagnostic::new(Code::InvalidAxis, message, &self.key_place, label))
        };
        let not_of_a_host = ["name", "risk", "simulation.seed", "simulation.replications"];
        if not_of_a_host.iter().any(|other| path == *other || path.starts_with(&format!("{other}."))) {
            let problem = at_key(format!("`{path}` is the same in every cell"), "cannot be an axis");
            return problem.map(|problem| problem.help("set it once, outside [sweep]"));
        }
        if others.iter().any(|other| other.path == path) {
            let problem = at_key(format!("there are two axes `{path}`"), "the second one");
            return problem.map(|problem| problem.help("write one list with the values of both"));
        }
        if let Some((key, parent)) = self.keys.split_last()
            && let Some(other) = settings::alternatives(parent, key).into_iter().find(|other| {
                let is_other = |axis: &Self| {
                    axis.keys.split_last().is_some_and(|(key, of)| key == other && of == parent)
                };
                others.iter().any(is_other)
            })
        {
            let problem =
                at_key(format!("`{path}` and `{other}` exclude each other"), "the second axis of the two");
            return problem.map(|problem| problem.help("keep one of the axes"));
        }
        let twice = self.values.iter().enumerate().find(|(at, value)| self.values[..*at].contains(value))?;
        let place = &self.nodes[twice.0].place;
        let message = format!("`{path}` has the value {} twice", twice.1);
        Some(Diagnostic::new(Code::InvalidAxis, message, place, "the second time").help("drop one of them"))
    }
}

/// The values that `node` stands for: a list, a range, or one.
fn values(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Vec<Node>> {
    let nodes = match &node.content {
        Content::List(items) if items.is_empty() => Err("no value".to_owned()),
        Content::List(items) if items.len() > MOST_VALUES => Err(format!("{} values", items.len())),
        Content::List(items) => Ok(items.clone()),
        Content::Text(text) => match text.split_once("..") {
            Some((from, rest)) if from.trim().parse::<f64>().is_ok() => range(from, rest, &node.place),
            _ => Ok(vec![node.clone()]),
        },
        _ => Ok(vec![node.clone()]),
    };
    match nodes {
        Ok(nodes) => Some(nodes),
        Err(label) => {
            let problem = Diagnostic::new(Code::InvalidAxis, "this is no axis", &node.place, label);
            problems.push(problem.help("write a list [50, 60, 70], or a range with a step \"50..75:5\""));
            None
        }
    }
}

fn range(from: &str, rest: &str, place: &Place) -> Result<Vec<Node>, String> {
    let (to, step) = rest.split_once(':').ok_or("a range without a step")?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let (Some(from), Some(to), Some(step)) = (number(from), number(to), number(step)) else {
        return Err("not three numbers".to_owned());
    };
    if step <= 0.0 || to < from {
        return Err("does not run upwards".to_owned());
    }
    // Half a millionth of a step makes up for what decimal fractions lose in binary.
    let steps = ((to - from) / step + 5e-7).floor();
    if steps >= MOST_VALUES as f64 {
        return Err(format!("{} values", steps + 1.0));
    }
    let mut nodes = Vec::new();
    let mut index = 0.0;
    while index <= steps {
        let value = ((from + index * step) * 1e9).round() / 1e9;
        nodes.push(Node { content: number_content(value), place: place.clone() });
        index += 1.0;
    }
    Ok(nodes)
}

/// A whole number as an integer, so that it reads `50` and not `50.0`.
#[expect(clippy::cast_possible_truncation, reason = "within the exact integers of a float")]
fn number_content(value: f64) -> Content {
    let is_whole = value.fract() == 0.0 && value.abs() < 9e15;
    if is_whole { Content::Integer(value as i64) } else { Content::Float(value) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::source::Source;
    use super::*;

    fn axes(text: &str) -> (Vec<Axis>, Vec<Diagnostic>) {
        let root = Node::parse(&Arc::new(Source { name: "s.toml".into(), text: text.into() })).unwrap();
        let mut problems = Vec::new();
        (read(root.get("sweep"), &mut problems), problems)
    }

    #[test]
    fn ranges_include_both_ends_and_the_first_axes_are_fixed() {
        let (axes, problems) = axes(
            "[sweep]\n\"dataset.fill\" = \"0.1..0.3:0.1\"\n\"server.maxmemory-percent\" = \"50..75:5\"\nhost.class = [\"a\", \"b\"]\n",
        );
        assert!(problems.is_empty());
        let paths: Vec<&str> = axes.iter().map(|axis| axis.path.as_str()).collect();
        assert_eq!(paths, ["host.class", "server.maxmemory-percent", "dataset.fill"]);
        assert_eq!(axes[1].values, ["50", "55", "60", "65", "70", "75"]);
        assert_eq!(axes[2].values, ["0.1", "0.2", "0.3"]);
    }

    #[test]
    fn axes_that_cannot_be_swept_are_refused() {
        for bad in ["[]", "\"50..75\"", "\"75..50:5\"", "\"1..2000:1\"", "\"1..2:x\"", "[1, 1]"] {
            let (axes, problems) = axes(&format!("[sweep]\n\"dataset.fill\" = {bad}\n"));
            assert!(axes.is_empty() && problems.len() == 1, "{bad}");
        }
        assert_eq!(axes("[sweep]\n\"simulation.seed\" = [1, 2]\n").1.len(), 1);
        assert_eq!(axes("[sweep]\nhost.class = \"a\"\nhost.ram = \"1 GiB\"\n").1.len(), 1);
    }
}
