//! Pauses of long work, for the others on the thread.

use tokio::task::yield_now;

/// So many bytes are scanned or copied within a millisecond.
const BYTES_IN_A_ROW: usize = 512 * 1024;

/// Counts the work since the last pause.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    bytes: usize,
}

impl Pauses {
    /// Lets others use the thread, if it is time after so many bytes more.
    pub(super) async fn after(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= BYTES_IN_A_ROW {
            self.bytes = 0;
            yield_now().await;
        }
    }
}
