//! Finds the addresses of a storage host and refuses those that are out of reach. Looking first and
//! connecting later is the classic hole, so this sits where the connection takes its addresses
//! from.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
};

use ark_video_protocol::download::AddressPolicy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Guards one host of one request. Other names (a proxy's) are found without judging them.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) host: String,
    pub(crate) reach: AddressPolicy,
}

/// Every address of the host is one that a result must not come from.
#[derive(Debug)]
pub(crate) struct OutOfReach;

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its address is in a private network or on this machine")
    }
}

impl Error for OutOfReach {}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach =
            if name.as_str().eq_ignore_ascii_case(&self.host) { self.reach } else { AddressPolicy::Anywhere };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let any = !found.is_empty();
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| reach.allows(address.ip())).collect();
            if any && allowed.is_empty() {
                return Err(Box::new(OutOfReach) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// What the host says of itself: only an address written out says anything.
pub(crate) fn host_allowed(host: &str, reach: AddressPolicy) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().map_or(true, |address| reach.allows(address))
}

/// For an HTTP client that is not ours and resolves names itself: a check beforehand is better than
/// none.
pub(crate) async fn name_allowed(host: &str, reach: AddressPolicy) -> bool {
    match tokio::net::lookup_host((host, 0)).await {
        Ok(found) => {
            let found: Vec<SocketAddr> = found.collect();
            found.is_empty() || found.iter().any(|address| reach.allows(address.ip()))
        }
        Err(_) => true,
    }
}
