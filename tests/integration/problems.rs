//! Twelve questions that operators asked in public, and the ways out of the most common one: every scenario under
//! `scenarios/problems` tells its story again, and `scenarios/README.md` shows what came of it. The tables are made
//! again by `UPDATE_README=1 cargo test problems`.

mod lived;
mod twelve;
mod ways_out;

use std::{env, fs};

use super::repository;

const README: &str = "scenarios/README.md";

/// Holds the part of the README between `<!-- name -->` and `<!-- end of name -->` against `said`, or writes it.
fn shows(name: &str, said: &str) {
    let (opening, closing) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let readme = fs::read_to_string(repository(README)).unwrap();
    let (before, rest) = readme.split_once(&opening).expect("the README has the table");
    let (shown, after) = rest.split_once(&closing).unwrap();
    if env::var_os("UPDATE_README").is_some() {
        fs::write(repository(README), [before, &opening, said, &closing, after].concat()).unwrap();
        return;
    }
    assert_eq!(shown, said, "make it again with `UPDATE_README=1 cargo test problems`");
}

/// One test, as both tables are in one file and each is written whole.
#[test]
fn the_readme_of_the_scenarios_says_what_forkcast_says() {
    shows("twelve questions", &twelve::table());
    shows("ways out", &ways_out::table());
}
