//! Samples of all formats, as they are and with errors in them.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::Format;
use reading::errors::{comes_back, spoiled, survives};
use reading::{parsed, read_file};

const SAMPLES: [&[u8]; 18] = [
    include_bytes!("../samples/android.vcf"),
    include_bytes!("../samples/google-new.csv"),
    include_bytes!("../samples/google-old.csv"),
    include_bytes!("../samples/google.vcf"),
    include_bytes!("../samples/groups.vcf"),
    include_bytes!("../samples/iphone.vcf"),
    include_bytes!("../samples/nextcloud.vcf"),
    include_bytes!("../samples/nokia.vcf"),
    include_bytes!("../samples/others.vcf"),
    include_bytes!("../samples/outlook-de.csv"),
    include_bytes!("../samples/outlook-en.csv"),
    include_bytes!("../samples/outlook-es.csv"),
    include_bytes!("../samples/outlook-fr.csv"),
    include_bytes!("../samples/outlook-pl.csv"),
    include_bytes!("../samples/outlook-uk.csv"),
    include_bytes!("../samples/outlook.vcf"),
    include_bytes!("../samples/people.json"),
    include_bytes!("../samples/people.jsonl"),
];

#[test]
fn samples_come_back_whole() {
    for sample in SAMPLES {
        for parsed in parsed(&read_file(sample)) {
            comes_back(&parsed);
        }
    }
}

#[test]
fn samples_with_errors_never_panic() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..10 {
        for sample in SAMPLES {
            let file = spoiled(&mut random, sample, b"\n\r\\;:,=\"{}[] 7");
            survives(&Format::Auto, &mut random, &file);
        }
    }
}
