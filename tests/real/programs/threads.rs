//! Threads, channels, locks, condition variables and a caught panic, for a static build.
use std::collections::HashMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::Duration;

thread_local!(static MINE: std::cell::Cell<u64> = const { std::cell::Cell::new(7) });

fn main() {
    let table = Arc::new(RwLock::new(HashMap::new()));
    let barrier = Arc::new(Barrier::new(16));
    let (send, receive) = channel();
    let workers: Vec<_> = (0..16u64)
        .map(|id| {
            let (table, barrier, send) = (table.clone(), barrier.clone(), send.clone());
            thread::Builder::new()
                .name(format!("worker-{id}"))
                .spawn(move || {
                    barrier.wait();
                    for i in 0..2000 {
                        table.write().unwrap().entry(i % 100).and_modify(|n| *n += id).or_insert(id);
                        MINE.with(|m| m.set(m.get() + id));
                    }
                    send.send((id, MINE.with(|m| m.get()))).unwrap();
                })
                .unwrap()
        })
        .collect();
    drop(send);
    let mut results: Vec<_> = receive.iter().collect();
    results.sort();
    for worker in workers {
        worker.join().unwrap();
    }
    println!("{results:?}");
    println!("{}", table.read().unwrap().values().sum::<u64>());

    let turn = Arc::new((Mutex::new(0), Condvar::new()));
    let other = turn.clone();
    let pong = thread::spawn(move || {
        for n in 0..1000 {
            let mut at = other.1.wait_while(other.0.lock().unwrap(), |at| *at != 2 * n + 1).unwrap();
            *at += 1;
            other.1.notify_one();
        }
    });
    for n in 0..1000 {
        let mut at = turn.1.wait_while(turn.0.lock().unwrap(), |at| *at != 2 * n).unwrap();
        *at += 1;
        turn.1.notify_one();
    }
    pong.join().unwrap();
    let (at, timeout) = turn.1.wait_timeout(turn.0.lock().unwrap(), Duration::from_millis(5)).unwrap();
    println!("{at} {}", timeout.timed_out());
    drop(at);
    let died = thread::spawn(|| -> () { panic!("on purpose") }).join();
    println!("{}", died.unwrap_err().downcast_ref::<&str>().unwrap());
}
