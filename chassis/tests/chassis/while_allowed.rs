//! Streams end when the right to read them ends.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use chassis::serve::while_allowed::while_allowed;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

/// The result stays the same.
const LONG: Duration = Duration::from_mins(1);

type Said = Result<u8, &'static str>;

/// A right that can end, and the number of its checks.
#[derive(Default)]
struct Right {
    is_over: Cell<bool>,
    asked: Cell<u32>,
}

impl Right {
    fn ask(&self) -> Result<(), &'static str> {
        self.asked.set(self.asked.get() + 1);
        if self.is_over.get() {
            Err("over")
        } else {
            Ok(())
        }
    }
}

fn numbers() -> (mpsc::Sender<Said>, ReceiverStream<Said>) {
    let (sender, receiver) = mpsc::channel(8);
    (sender, ReceiverStream::new(receiver))
}

#[tokio::test]
async fn what_is_said_after_the_end_of_the_right_is_not_told() {
    let (right, (says, said)) = (Right::default(), numbers());
    let mut told = pin!(while_allowed(said, LONG, async || right.ask()));
    says.send(Ok(1)).await.unwrap();
    assert_eq!(told.next().await, Some(Ok(1)));
    assert!(told.next().now_or_never().is_none());

    right.is_over.set(true);
    says.send(Ok(2)).await.unwrap();

    assert_eq!(told.next().await, Some(Err("over")));
    assert_eq!(told.next().await, None);
}

#[tokio::test]
async fn a_silent_stream_ends_within_about_a_second() {
    let (right, (_says, said)) = (Right::default(), numbers());
    let mut told = pin!(while_allowed(said, LONG, async || right.ask()));
    assert!(told.next().now_or_never().is_none());

    right.is_over.set(true);

    let began = Instant::now();
    assert_eq!(told.next().await, Some(Err("over")));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn what_was_read_together_is_asked_for_together() {
    let (right, (says, said)) = (Right::default(), numbers());
    let mut told = pin!(while_allowed(said, LONG, async || right.ask()));
    for number in 1..=6 {
        says.send(Ok(number)).await.unwrap();
    }

    for number in 1..=6 {
        assert_eq!(told.next().await, Some(Ok(number)));
    }

    assert_eq!(right.asked.get(), 1);
}

#[tokio::test]
async fn a_question_that_costs_nothing_is_asked_for_each_item() {
    let (right, (says, said)) = (Right::default(), numbers());
    let mut told = pin!(while_allowed(said, Duration::ZERO, async || right.ask()));
    says.send(Ok(1)).await.unwrap();
    says.send(Ok(2)).await.unwrap();
    assert_eq!(told.next().await, Some(Ok(1)));

    right.is_over.set(true);

    assert_eq!(told.next().await, Some(Err("over")));
}

#[tokio::test]
async fn a_stream_ends_as_it_ends() {
    let (right, (says, said)) = (Right::default(), numbers());
    says.send(Err("broken")).await.unwrap();

    let told: Vec<_> = while_allowed(said, LONG, async || right.ask())
        .collect()
        .await;

    assert_eq!(told, [Err("broken")]);
}
