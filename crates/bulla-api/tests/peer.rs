//! Calls between peers arrive, in order where order is promised, and come back to who made them.

mod peer_ends;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bulla_api::peer::BODY_BYTES_MAX;
use bulla_node::{Lane, Transport};
use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use peer_ends::{Answering, PATIENCE, Server, call, caller, echo, expect_refused};
use tokio::sync::{Notify, Semaphore};

#[tokio::test]
async fn a_call_is_answered_by_a_handler_that_knows_who_asks_on_which_lane() {
    let server = Server::start(echo()).await;
    for me in [2, 3] {
        let caller = caller(me, server.address);
        for lane in [Lane::Append, Lane::Control, Lane::Blocks] {
            let answer = call(&caller, lane, b"hello").await.unwrap();
            assert_eq!(answer, format!("{me} {lane:?} hello"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_are_handled_one_at_a_time_in_the_order_of_the_calls() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handled = seen.clone();
    let server = Server::start(Arc::new(Answering(move |_, _, request: Bytes| {
        let handled = handled.clone();
        async move {
            handled.lock().unwrap().push(("begins", request.clone()));
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            handled.lock().unwrap().push(("ends", request.clone()));
            request
        }
    })))
    .await;
    let caller = caller(2, server.address);

    let requests: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let answers = join_all(requests.iter().map(|request| call(&caller, Lane::Append, request.as_bytes()))).await;

    for (answer, request) in answers.into_iter().zip(&requests) {
        assert_eq!(answer.unwrap(), *request);
    }
    let expected: Vec<_> = requests
        .iter()
        .flat_map(|request| ["begins", "ends"].map(|event| (event, Bytes::from(request.clone()))))
        .collect();
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn control_is_answered_out_of_order() {
    let first_may_end = Arc::new(Notify::new());
    let may_end = first_may_end.clone();
    let server = Server::start(Arc::new(Answering(move |_, _, request: Bytes| {
        let may_end = may_end.clone();
        async move {
            if request == "first" {
                may_end.notified().await;
            }
            request
        }
    })))
    .await;
    let caller = caller(2, server.address);

    let mut answers = FuturesUnordered::new();
    answers.push(call(&caller, Lane::Control, b"first"));
    answers.push(call(&caller, Lane::Control, b"second"));
    assert_eq!(answers.next().await.unwrap().unwrap(), "second");
    first_may_end.notify_one();
    assert_eq!(answers.next().await.unwrap().unwrap(), "first");
}

#[tokio::test]
async fn a_big_append_that_is_stuck_does_not_delay_control() {
    let (append_may_end, append_began) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (may_end, began) = (append_may_end.clone(), append_began.clone());
    let server = Server::start(Arc::new(Answering(move |_, lane, request: Bytes| {
        let (may_end, began) = (may_end.clone(), began.clone());
        async move {
            if lane == Lane::Append {
                began.notify_one();
                may_end.notified().await;
            }
            request
        }
    })))
    .await;
    let caller = Arc::new(caller(2, server.address));

    // More than the buffers of a socket hold: the second one is stuck half-way.
    let entries = vec![7; 16 * 1024 * 1024];
    let append = || {
        let (caller, entries) = (caller.clone(), entries.clone());
        tokio::spawn(async move { call(&caller, Lane::Append, &entries).await })
    };
    let appends = [append(), append(), append()];
    append_began.notified().await;
    for beat in 0..100 {
        let beat = format!("beat {beat}");
        assert_eq!(call(&caller, Lane::Control, beat.as_bytes()).await.unwrap(), beat);
    }
    for append in appends {
        append_may_end.notify_one();
        assert_eq!(append.await.unwrap().unwrap(), entries);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_each_get_their_own_answer() {
    let server = Server::start(echo()).await;
    let caller = caller(2, server.address);
    let requests: Vec<String> = (0..1000).map(|number| format!("{number} {}", "x".repeat(number))).collect();
    let lanes = [Lane::Append, Lane::Control, Lane::Blocks];
    let calls = requests.iter().zip(lanes.iter().cycle());
    let answers = join_all(calls.clone().map(|(request, lane)| call(&caller, *lane, request.as_bytes()))).await;
    for (answer, (request, lane)) in answers.into_iter().zip(calls) {
        assert_eq!(answer.unwrap(), format!("2 {lane:?} {request}"));
    }
}

#[tokio::test]
async fn handlers_at_work_on_control_are_bounded() {
    let (working, most, may_end) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (now, peak, end) = (working.clone(), most.clone(), may_end.clone());
    let server = Server::start(Arc::new(Answering(move |_, _, request: Bytes| {
        let (now, peak, end) = (now.clone(), peak.clone(), end.clone());
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            end.acquire().await.unwrap().forget();
            now.fetch_sub(1, Ordering::SeqCst);
            request
        }
    })))
    .await;
    let caller = caller(2, server.address);

    let calls = join_all((0..600).map(|_| call(&caller, Lane::Control, b"")));
    let release = async {
        while working.load(Ordering::SeqCst) < 256 {
            tokio::task::yield_now().await;
        }
        may_end.add_permits(600);
    };
    let (answers, ()) = tokio::join!(calls, release);
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(most.load(Ordering::SeqCst), 256);
}

#[tokio::test]
async fn a_request_too_long_is_refused_before_it_is_sent() {
    // Nobody listens there.
    let caller = caller(2, "127.0.0.1:1".parse().unwrap());
    let too_long = Bytes::from(vec![0; BODY_BYTES_MAX + 1]);
    expect_refused(caller.call(1, Lane::Blocks, too_long, PATIENCE).await, "longer than 67108864");
}

#[tokio::test]
async fn an_answer_too_long_is_refused_and_the_connection_goes_on() {
    let server = Server::start(Arc::new(Answering(|_, _, request: Bytes| async move {
        let length = std::str::from_utf8(&request).unwrap().parse().unwrap();
        Bytes::from(vec![1; length])
    })))
    .await;
    let caller = caller(2, server.address);
    let too_long = (BODY_BYTES_MAX + 1).to_string();
    expect_refused(call(&caller, Lane::Blocks, too_long.as_bytes()).await, "longer than 67108864");
    let longest = BODY_BYTES_MAX.to_string();
    assert_eq!(call(&caller, Lane::Blocks, longest.as_bytes()).await.unwrap().len(), BODY_BYTES_MAX);
}
