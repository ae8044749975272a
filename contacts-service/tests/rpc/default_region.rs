//! `default_region`, of every request that has one.

use proto::contacts::v1::{CreateContactRequest, UpdateContactRequest};
use tonic::Code;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::ada;

#[tokio::test]
async fn a_region_that_is_no_country_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;

    for region in ["XX", "D", "DEU", "001", "ZZ", "é", "ß", "D\0", " DE"] {
        let created = owner
            .create_with(CreateContactRequest {
                contact: Some(ada()),
                default_region: region.into(),
                ..CreateContactRequest::default()
            })
            .await;
        let updated = owner
            .update_with(UpdateContactRequest {
                contact: Some(stored.clone()),
                default_region: region.into(),
                ..UpdateContactRequest::default()
            })
            .await;

        for answer in [created, updated] {
            assert_refused(answer.clone(), Code::InvalidArgument, "REGION_INVALID");
            assert_bad_fields(answer, &["default_region"]);
        }
    }
    assert_eq!(owner.total_size().await, 1);
}
