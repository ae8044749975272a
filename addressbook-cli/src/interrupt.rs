//! Ctrl-C, which a terminal sends to all programs that it runs.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::yield_now;

/// Whether another program has the terminal.
static IS_LENT: AtomicBool = AtomicBool::new(false);

/// Waits until Ctrl-C is pressed for this program.
pub(crate) async fn pressed() {
    loop {
        if tokio::signal::ctrl_c().await.is_err() {
            // Then it ends the program as it ends any other.
            pending::<()>().await;
        }
        if !IS_LENT.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// While it exists, Ctrl-C is for the program that has the terminal, such as an editor.
pub(crate) struct Lent;

impl Lent {
    /// Lends the terminal.
    pub(crate) fn new() -> Self {
        IS_LENT.store(true, Ordering::Relaxed);
        Self
    }

    /// Takes the terminal back. Ctrl-C may have ended the other program, and the end can be
    /// noticed before the key: the runtime notices it in one turn, `pressed` in the next.
    pub(crate) async fn end(self) {
        for _ in 0..2 {
            yield_now().await;
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        IS_LENT.store(false, Ordering::Relaxed);
    }
}
