//! `cargo dev reference`: writes `docs/reference/` from the protos and the examples, so that
//! the pages match the interface.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use prost_reflect::{DescriptorPool, ServiceDescriptor};

use crate::config::ReferenceConfig;
use crate::error::{Error, OrPath, Result};
use crate::print;

mod call;
pub mod comments;
mod errors;
pub mod examples;
mod fields;
pub mod forms;
mod layout;
mod links;
mod literal;
mod page;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference");

const INTRODUCTION: &str = include_str!("introduction.md");

/// Writes the pages; with `check`, only compares them with the protos and the examples.
pub fn run(config: &ReferenceConfig) -> Result<()> {
    let pages = pages()?;
    let folder = Path::new(FOLDER);
    let is_fresh = |(name, text): (&String, &String)| {
        fs::read_to_string(folder.join(name)).is_ok_and(|kept| kept == *text)
    };
    if pages.iter().all(is_fresh) {
        print::say(format_args!("{} pages, all as in the folder", pages.len()));
        return Ok(());
    }
    if config.check {
        return Err(Error::StaleReference);
    }
    for (name, text) in &pages {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).or_path("create", parent)?;
        }
        fs::write(&path, text).or_path("write", &path)?;
    }
    print::say(format_args!(
        "wrote {} pages to docs/reference",
        pages.len()
    ));
    Ok(())
}

/// The descriptors of both services.
pub fn pool() -> Result<DescriptorPool> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET);
    pool.map_err(|error| Error::Example(error.to_string()))
}

/// The services of this project.
pub fn services(pool: &DescriptorPool) -> impl Iterator<Item = ServiceDescriptor> + '_ {
    let ours = |service: &ServiceDescriptor| links::is_ours(&service.parent_file());
    pool.services().filter(ours)
}

/// The pages by their names.
fn pages() -> Result<BTreeMap<String, String>> {
    let pool = pool()?;
    let examples = examples::all()?;
    let mut pages = BTreeMap::new();
    for file in pool.files().filter(links::has_page) {
        let links = links::Links::of(&file, &pool, &examples);
        pages.insert(links::page(&file), page::write(&file, &links)?);
    }
    pages.insert("../ERRORS.md".to_owned(), errors::write(&pool)?);
    pages.insert("README.md".to_owned(), first_page(&pool));
    Ok(pages)
}

fn first_page(pool: &DescriptorPool) -> String {
    let mut page = INTRODUCTION.replace("ENVELOPE\n", forms::ENVELOPE);
    for file in pool.files().filter(links::has_page) {
        let comment = comments::of_file(&file).replace('\n', " ");
        let name = file.services().next().map_or_else(
            || {
                file.name()
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            },
            |service| service.name().to_owned(),
        );
        let _ = writeln!(page, "| [{name}]({}) | {comment} |", links::page(&file));
    }
    page
}

/// The name of the program that has the service.
fn program(service: &ServiceDescriptor) -> &'static str {
    if service.package_name() == "addressbook.auth.v1" {
        "auth"
    } else {
        "contacts"
    }
}
