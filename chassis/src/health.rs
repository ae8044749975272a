//! What the health service reports: SERVING while everything that the service
//! needs is there and it is not about to stop.

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Sets the state of every name whenever one of `needs` changes; ends with them.
pub(crate) async fn follow(
    reporter: HealthReporter,
    names: Vec<&'static str>,
    mut needs: Vec<watch::Receiver<bool>>,
) {
    loop {
        let ready = needs.iter_mut().all(|need| *need.borrow_and_update());
        let status = if ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        set_all(&reporter, &names, status).await;
        if needs.is_empty() {
            return;
        }
        let changes = needs.iter_mut().map(|need| Box::pin(need.changed()));
        if futures_util::future::select_all(changes).await.0.is_err() {
            return;
        }
    }
}

/// Reports one state for every name, and for the server as a whole.
pub(crate) async fn set_all(
    reporter: &HealthReporter,
    names: &[&'static str],
    status: ServingStatus,
) {
    reporter.set_service_status("", status).await;
    for name in names {
        reporter.set_service_status(*name, status).await;
    }
}
