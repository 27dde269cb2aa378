//! One peer's lane has one served connection: a newer one ends the older and begins after it.

use tokio::sync::{Mutex, MutexGuard, watch};

/// The place of one peer's lane at the answering end.
///
/// Without it, connections that died without a word would pile up, and entries that arrived on an
/// older connection could still be handled after those of a newer one.
#[derive(Debug, Default)]
pub(super) struct Slot {
    newest: watch::Sender<u64>,
    served: Mutex<()>,
}

/// The right to be served, until a newer connection wants it.
pub(super) struct Turn<'a> {
    number: u64,
    newest: watch::Receiver<u64>,
    _served: MutexGuard<'a, ()>,
}

impl Slot {
    /// Ends the connection that is served now and resolves when it has ended. `None` when meanwhile
    /// a newer connection came.
    pub(super) async fn take(&self) -> Option<Turn<'_>> {
        let mut number = 0;
        self.newest.send_modify(|newest| {
            *newest += 1;
            number = *newest;
        });
        let served = self.served.lock().await;
        let newest = self.newest.subscribe();
        let is_newest = *newest.borrow() == number;
        is_newest.then_some(Turn { number, newest, _served: served })
    }
}

impl Turn<'_> {
    /// Resolves when a newer connection wants to be served.
    pub(super) async fn ended(&mut self) {
        let number = self.number;
        self.newest.wait_for(|newest| *newest != number).await.expect("the slot outlives its turns");
    }
}
