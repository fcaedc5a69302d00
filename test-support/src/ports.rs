//! Ports of servers that are programs of their own, which some of them listen on seconds after
//! they were started. They are none of those that the system gives out itself: such a port would be
//! another test's by then.

use std::array;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

/// Below what Linux (32768) and others (49152) give out.
const PORTS: Range<u16> = 10_000..32_768;
/// How often another server is started when one has ended at once.
const STARTS: usize = 5;

/// An address on which nobody listens.
#[must_use]
pub fn closed_address() -> SocketAddr {
    let [port] = free();
    (Ipv4Addr::LOCALHOST, port).into()
}

/// What `start` makes of ports that are free; again with others when it says why it failed.
pub(crate) fn on_free_ports<const N: usize, S>(start: impl Fn([u16; N]) -> Result<S, String>) -> S {
    let mut why = String::new();
    for _ in 0..STARTS {
        match start(free()) {
            Ok(server) => return server,
            Err(text) => why = text,
        }
    }
    panic!("{STARTS} servers ended, the last one: {why}")
}

/// All at once, so that no two are the same.
fn free<const N: usize>() -> [u16; N] {
    let mut listeners = Vec::new();
    array::from_fn(|_| {
        let listener = any();
        let port = listener.local_addr().unwrap().port();
        listeners.push(listener);
        port
    })
}

fn any() -> TcpListener {
    // As random as the keys of a map: each test is a process, and all begin at the same time.
    let random = || u16::try_from(RandomState::new().build_hasher().finish() % PORTS.len() as u64).unwrap();
    (0..1000)
        .find_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, PORTS.start + random())).ok())
        .expect("a free port")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_ports_are_the_same() {
        assert_eq!(BTreeSet::from(free::<512>()).len(), 512);
    }

    #[test]
    fn a_server_that_ends_is_started_again_on_other_ports() {
        let tried = RefCell::new(BTreeSet::new());
        let started = on_free_ports(|ports: [u16; 2]| {
            let mut tried = tried.borrow_mut();
            tried.insert(ports);
            if tried.len() < 3 { Err("address in use".to_owned()) } else { Ok(ports) }
        });
        assert!(tried.borrow().contains(&started));
    }

    #[test]
    #[should_panic(expected = "the last one: address in use")]
    fn what_never_starts_says_why() {
        let _: () = on_free_ports(|_: [u16; 1]| Err("address in use".to_owned()));
    }
}
