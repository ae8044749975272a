//! The samples of all programs, through an import and an export.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::contacts::v1::{Contact, ImportHeader};

use crate::app::App;
use crate::export::LOSSLESS;
use crate::owner::Owner;
use crate::owner_exports::export_as;
use crate::photo_files::png;

macro_rules! sample {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../../card-formats/samples/", $name)).as_slice(),
        )
    };
}
const SAMPLES: [(&str, &[u8]); 18] = [
    sample!("android.vcf"),
    sample!("google-new.csv"),
    sample!("google-old.csv"),
    sample!("google.vcf"),
    sample!("groups.vcf"),
    sample!("iphone.vcf"),
    sample!("nextcloud.vcf"),
    sample!("nokia.vcf"),
    sample!("others.vcf"),
    sample!("outlook-de.csv"),
    sample!("outlook-en.csv"),
    sample!("outlook-es.csv"),
    sample!("outlook-fr.csv"),
    sample!("outlook-pl.csv"),
    sample!("outlook-uk.csv"),
    sample!("outlook.vcf"),
    sample!("people.json"),
    sample!("people.jsonl"),
];

/// The contacts by their uids, because some have the same name.
async fn by_uid(owner: &Owner) -> Vec<Contact> {
    let mut contacts = owner.bare().await;
    contacts.sort_by(|one, other| one.uid.cmp(&other.uid));
    contacts
}

/// A file in which the beginning of an image, which would be dropped, is a whole one.
fn with_photo(file: &[u8]) -> Vec<u8> {
    const BEGINNING: &str = "iVBORw0KGgo=";
    match std::str::from_utf8(file) {
        Ok(text) => text.replace(BEGINNING, &STANDARD.encode(png(1))).into(),
        Err(_) => file.to_vec(),
    }
}

#[tokio::test]
async fn every_sample_is_stored_and_comes_back_from_every_format() {
    let app = App::start().await;
    let owner = app.owner();
    for (name, file) in SAMPLES {
        let before = owner.bare().await.len();
        let file = with_photo(file);
        let imported = owner.import(ImportHeader::default(), file).await;

        let [created, _, _, failed] = imported.counts();
        assert_eq!(failed, 0, "{name}: {:?}", imported.rows);
        let count = owner.bare().await.len() - before;
        assert_eq!(i64::try_from(count), Ok(created), "{name}");
    }
    let contacts = by_uid(&owner).await;
    assert!(contacts.len() > 30, "{}", contacts.len());

    for format in LOSSLESS {
        let file = owner.export(export_as(format)).await.unwrap();
        let other = app.owner();
        other.import(ImportHeader::default(), &file).await.counts();

        let again = by_uid(&other).await;
        assert_eq!(again.len(), contacts.len(), "{format:?}");
        for (again, contact) in again.iter().zip(&contacts) {
            assert_eq!(again, contact, "{format:?}");
        }
    }
}
