//! The threads that end TLS.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use super::super::door::Shared;
use super::Handover;
use super::desk::Desk;
use super::serve::serve;
use crate::tls::Tls;

/// Where the workers hand connections over. What waits here is bounded by the connections that
/// are open.
pub(in super::super) struct Floor {
    desks: Vec<UnboundedSender<Message>>,
    next: AtomicUsize,
}

enum Message {
    Take(Box<Handover>),
    /// The relay is to stop.
    Wake,
}

/// A thread that is not started yet.
pub(in super::super) struct Member {
    number: usize,
    /// Its number among those who push into the queue.
    index: usize,
    tls: Arc<Tls>,
    inbox: UnboundedReceiver<Message>,
}

impl Floor {
    /// The floor and its threads, which are numbered in the queue from `first`; none where TLS
    /// is not to be ended.
    pub(in super::super) fn build(
        tls: Option<Arc<Tls>>,
        first: usize,
        threads: usize,
    ) -> (Option<Floor>, Vec<Member>) {
        let Some(tls) = tls else {
            return (None, Vec::new());
        };
        let (mut desks, mut members) = (Vec::new(), Vec::new());
        for number in 0..threads {
            let (desk, inbox) = unbounded_channel();
            desks.push(desk);
            members.push(Member {
                number,
                index: first + number,
                tls: Arc::clone(&tls),
                inbox,
            });
        }
        let next = AtomicUsize::new(0);
        (Some(Floor { desks, next }), members)
    }

    /// Takes a connection over.
    pub(in super::super) fn take(&self, handover: Handover) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(desk) = self.desks.get(turn % self.desks.len().max(1)) {
            // A thread that is gone closed its connections; this one is closed too.
            let _ = desk.send(Message::Take(Box::new(handover)));
        }
    }

    /// Lets the threads see that the relay is to stop.
    pub(in super::super) fn wake(&self) {
        for desk in &self.desks {
            let _ = desk.send(Message::Wake);
        }
    }
}

impl Member {
    pub(in super::super) fn start(self, shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        std::thread::Builder::new()
            .name(format!("relay-tls-{}", self.number))
            .spawn(move || {
                let queue = Arc::clone(&shared.queue);
                let index = self.index;
                LocalSet::new().block_on(&runtime, self.run(shared));
                queue.leave(index);
            })
    }

    async fn run(mut self, shared: Arc<Shared>) {
        let desk = Rc::new(Desk::new(shared, self.tls, self.index));
        loop {
            let message = tokio::select! {
                message = self.inbox.recv() => message,
                () = desk.is_over() => break,
            };
            match message {
                Some(Message::Take(handover)) => {
                    desk.opened();
                    let desk = Rc::clone(&desk);
                    tokio::task::spawn_local(async move {
                        serve(&desk, *handover).await;
                        desk.closed();
                    });
                }
                Some(Message::Wake) => desk.stop(),
                None => break,
            }
        }
    }
}
