//! Who may import whom inside a crate: the graph of its top-level modules.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The top-level modules of a crate, each with those that it imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn read(folder: &Path, module: Option<&str>, graph: &mut Graph) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let own = name.trim_end_matches(".rs").to_owned();
        let module = module.unwrap_or(&own);
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), Some(module), graph);
        } else if !["lib.rs", "main.rs"].contains(&&*name) {
            let text = fs::read_to_string(entry.path()).unwrap();
            graph
                .entry(module.to_owned())
                .or_default()
                .extend(imports(&text));
        }
    }
}

/// The modules that the code of a file names, without its comments and unit tests.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let paths = lines.flat_map(|line| line.split("crate::").skip(1));
    paths
        .map(|path| {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            path.split(|c| !is_part(c)).next().unwrap().to_owned()
        })
        .collect()
}

fn graph(krate: &str) -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut graph = Graph::new();
    read(&root.join(krate).join("src"), None, &mut graph);
    let modules: BTreeSet<String> = graph.keys().cloned().collect();
    for (module, imported) in &mut graph {
        imported.retain(|name| name != module && modules.contains(name));
    }
    graph
}

/// The modules that import each other in a circle.
fn circles(mut graph: Graph) -> Vec<String> {
    // What imports nothing that is left is in no circle.
    while let Some(free) = graph
        .iter()
        .find(|(_, imported)| imported.is_empty())
        .map(|(module, _)| module.clone())
    {
        graph.remove(&free);
        for imported in graph.values_mut() {
            imported.remove(&free);
        }
    }
    graph.into_keys().collect()
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    for krate in [
        "chassis",
        "auth-service",
        "contacts-service",
        "harness",
        "wires",
    ] {
        let mut graph = graph(krate);
        assert!(graph.len() > 5, "{krate}");
        // It names whatever can fail, and everything names it.
        graph.remove("error");
        for imported in graph.values_mut() {
            imported.remove("error");
        }
        assert_eq!(circles(graph), [""; 0], "{krate}");
    }
}

#[test]
fn the_store_imports_only_values_and_errors() {
    let allowed = |krate: &str, module: &str, allowed: &[&str]| {
        let graph = graph(krate);
        let others = graph[module]
            .iter()
            .filter(|name| !allowed.contains(&&***name));
        assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{module} of {krate}");
    };
    allowed("auth-service", "store", &["model", "error"]);
    allowed("auth-service", "model", &["error"]);
    // A contact is a value, too.
    allowed("contacts-service", "store", &["model", "contact", "error"]);
    allowed("contacts-service", "model", &["contact", "error"]);
    allowed("contacts-service", "contact", &["error"]);
}

#[test]
fn a_circle_is_found() {
    let graph = |arrows: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in arrows {
            graph
                .entry((*from).into())
                .or_default()
                .insert((*to).into());
            graph.entry((*to).into()).or_default();
        }
        graph
    };
    let straight = [("a", "b"), ("b", "c"), ("a", "c")];
    assert_eq!(circles(graph(&straight)), [""; 0]);
    let round = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")];
    // What leads into a circle is left, too.
    assert_eq!(circles(graph(&round)), ["a", "b", "c"]);
    assert_eq!(
        imports("use crate::a::B;\n// crate::c\nlet d = crate::e::F(crate::g);"),
        BTreeSet::from(["a".into(), "e".into(), "g".into()])
    );
}
