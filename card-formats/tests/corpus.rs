//! The corpus of the fuzz targets, of which each file has shown something.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use std::fs;
use std::path::Path;

use reading::anything::TARGETS;

#[test]
fn every_file_of_the_corpus_is_read_and_written() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, check) in TARGETS {
        let mut count = 0;
        for file in fs::read_dir(corpus.join(name)).unwrap() {
            check(&fs::read(file.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name}");
    }
}
