//! A thread for calls that use much processor time, such as imports of large files. Other
//! calls get the processor first, and another processor can run it at the same time.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use async_stream::stream;
use futures_util::{Stream, StreamExt};
#[cfg(target_os = "linux")]
use rustix::{process::setpriority_process, thread::gettid};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::Status;

use crate::trace::Trace;

/// Gives the calling thread a tenth of the weight of other threads: it uses the processor
/// time that calls leave, but always gets some. `what` it does is for the log.
pub fn give_way(what: &str) {
    #[cfg(target_os = "linux")]
    if let Err(error) = setpriority_process(Some(gettid()), 10) {
        tracing::warn!(%error, "{what} has the same priority as calls");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = what;
}

/// The thread, which ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct LongWork {
    runtime: Handle,
    _running: Arc<oneshot::Sender<()>>,
}

impl LongWork {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("long-work".to_owned())
            .spawn(move || {
                give_way("long work");
                // An error means that all clones are gone.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            runtime: handle,
            _running: Arc::new(running),
        })
    }

    /// Runs this there, to its end even if nobody waits for it.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime.spawn(Trace::current().run(work))
    }

    /// The items of a stream that runs there, at most one item ahead of its reader, and not
    /// after its reader is gone.
    pub fn stream<T: Send + 'static>(
        &self,
        items: impl Stream<Item = Result<T, Status>> + Send + 'static,
    ) -> impl Stream<Item = Result<T, Status>> + Send + 'static {
        let (sender, mut receiver) = mpsc::channel(1);
        let task = self.runtime.spawn(Trace::current().run(async move {
            let mut items = pin!(items);
            loop {
                let next = tokio::select! {
                    next = items.next() => next,
                    () = sender.closed() => None,
                };
                let Some(item) = next else { return };
                // Nobody reads it.
                if sender.send(item).await.is_err() {
                    return;
                }
            }
        }));
        stream! {
            while let Some(item) = receiver.recv().await {
                yield item;
            }
            // Without it, a part would look like the whole.
            if task.await.is_err() {
                yield Err(Status::internal("the call failed"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream::iter;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[tokio::test]
    async fn work_runs_on_the_thread_with_a_low_priority() {
        let long = LongWork::start().unwrap();
        let (name, priority) = long
            .spawn(async {
                let name = thread::current().name().map(str::to_owned);
                let priority = rustix::process::getpriority_process(Some(gettid()));
                (name, priority.unwrap())
            })
            .await
            .unwrap();
        assert_eq!(name.as_deref(), Some("long-work"));
        assert_eq!(priority, 10);
    }

    #[tokio::test]
    async fn a_stream_is_at_most_one_item_ahead_and_ends_with_its_reader() {
        struct Dropped(mpsc::UnboundedSender<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }

        let long = LongWork::start().unwrap();
        let made = Arc::new(AtomicUsize::new(0));
        let (dropped, mut is_dropped) = unbounded_channel();
        let (count, guard) = (Arc::clone(&made), Dropped(dropped));
        let endless = stream! {
            let _guard = guard;
            loop {
                yield Ok(count.fetch_add(1, Ordering::SeqCst));
            }
        };
        let mut items = Box::pin(long.stream(endless));
        for expected in 0..10 {
            assert_eq!(items.next().await.unwrap().unwrap(), expected);
            // The one that was read, one in the channel, and one that waits for it.
            assert!(made.load(Ordering::SeqCst) <= expected + 3);
        }
        drop(items);
        is_dropped.recv().await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_is_an_error_and_the_thread_goes_on() {
        let long = LongWork::start().unwrap();
        let items = iter(0..3).map(|item| {
            assert_ne!(item, 1, "a panic of a test");
            Ok(item)
        });
        let read: Vec<_> = long.stream(items).collect().await;
        assert_eq!(read.len(), 2);
        assert_eq!(*read[0].as_ref().unwrap(), 0);
        assert_eq!(read[1].as_ref().unwrap_err().code(), tonic::Code::Internal);

        let whole: Vec<_> = long.stream(iter([Ok(5)])).collect().await;
        assert_eq!(whole[0].as_ref().unwrap(), &5);
        assert_eq!(long.spawn(async { 7 }).await.unwrap(), 7);
    }
}
