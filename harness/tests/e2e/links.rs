//! Links in the documents work.

use std::fs;
use std::path::{Path, PathBuf};

use crate::stack::workspace;

#[test]
fn every_link_of_a_document_leads_to_a_file_and_a_heading_that_exist() {
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for part in text.split("](").skip(1) {
            let Some((target, _)) = part.split_once(')') else {
                continue;
            };
            if target.starts_with("https://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let mut led = page.clone();
            if !file.is_empty() {
                led = page.parent().unwrap().join(file);
            }
            assert!(led.exists(), "{}: {target}", page.display());
            let is_there = heading.is_empty() || anchors(&led).any(|anchor| anchor == heading);
            assert!(is_there, "{}: {target}", page.display());
            links += 1;
        }
    }
    assert!(links > 50, "{links}");
}

/// The documents at the top, and all below `docs`.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![workspace().join("docs")];
    let top = fs::read_dir(workspace()).unwrap();
    pages.extend(
        top.map(|entry| entry.unwrap().path())
            .filter(|page| is_page(page)),
    );
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if is_page(&path) {
                pages.push(path);
            }
        }
    }
    pages
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// The headings of a page, as GitHub names them in links.
pub(crate) fn anchors(page: &Path) -> impl Iterator<Item = String> {
    let text = fs::read_to_string(page).unwrap();
    let headings: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
            let heading: String = line
                .trim_start_matches('#')
                .trim()
                .chars()
                .filter(kept)
                .collect();
            heading.to_lowercase().replace(' ', "-")
        })
        .collect();
    headings.into_iter()
}
