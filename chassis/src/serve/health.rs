//! The health service: SERVING while all dependencies of the service are available and it
//! is not stopping.

use std::time::Duration;

use futures_util::future::select_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The states of a server.
pub(crate) struct States {
    pub(crate) reporter: HealthReporter,
    /// The services, and the empty name of the server as a whole.
    pub(crate) names: Vec<&'static str>,
    /// Dependencies with a health state of their own, by name.
    pub(crate) others: Vec<(&'static str, watch::Receiver<bool>)>,
}

impl States {
    /// Reports the state, now and on each change: SERVING while all of `needs` are true,
    /// and the states of the others.
    pub(crate) async fn follow(&self, needs: Vec<watch::Receiver<bool>>) -> JoinSet<()> {
        let others = self.others.iter();
        let others = others.map(|(name, state)| (vec![*name], vec![state.clone()]));
        let mut follow = JoinSet::new();
        for (names, mut needs) in others.chain([(self.names.clone(), needs)]) {
            report(&self.reporter, &names, &mut needs).await;
            follow.spawn(follow_one(self.reporter.clone(), names, needs));
        }
        follow
    }

    /// Reports `NOT_SERVING`, waits so that balancers and watchers can switch, and ends
    /// the streams of watchers.
    pub(crate) async fn announce_stop(mut self, mut follow: JoinSet<()>, lead: Duration) {
        // Stopped first, because it could still report SERVING.
        follow.shutdown().await;
        let others = self.others.iter().map(|(name, _)| *name);
        let names: Vec<_> = self.names.iter().copied().chain(others).collect();
        set_all(&self.reporter, &names, ServingStatus::NotServing).await;
        sleep(lead).await;
        for name in &names {
            self.reporter.clear_service_status(name).await;
        }
    }
}

/// Returns when none of `needs` can change any more.
async fn follow_one(
    reporter: HealthReporter,
    names: Vec<&'static str>,
    mut needs: Vec<watch::Receiver<bool>>,
) {
    // One that can no longer change keeps its last value.
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

/// Reports SERVING or `NOT_SERVING` for every name.
async fn report(
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

/// Reports one state for every name.
async fn set_all(reporter: &HealthReporter, names: &[&'static str], status: ServingStatus) {
    for name in names {
        reporter.set_service_status(*name, status).await;
    }
}
