//! What the health service reports: SERVING while everything that the service
//! needs is there and it is not about to stop.

use futures_util::future::select_all;
use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Reports whenever one of `needs` changes; ends when none can any more.
pub(crate) async fn follow(
    reporter: HealthReporter,
    names: Vec<&'static str>,
    mut needs: Vec<watch::Receiver<bool>>,
) {
    // One that will not change any more counts as it was last.
    let mut settled = true;
    while !needs.is_empty() {
        let changes = needs.iter_mut().map(|need| Box::pin(need.changed()));
        let (change, index, _) = select_all(changes).await;
        if change.is_err() {
            settled &= *needs.swap_remove(index).borrow();
        }
        if settled {
            report(&reporter, &names, &mut needs).await;
        }
    }
}

/// Reports SERVING, or not, for every name.
pub(crate) async fn report(
    reporter: &HealthReporter,
    names: &[&'static str],
    needs: &mut [watch::Receiver<bool>],
) {
    let mut ready = true;
    for need in needs {
        ready &= *need.borrow_and_update();
    }
    let status = if ready {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    set_all(reporter, names, status).await;
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
