//! Which machines a result may come from. A link comes from outside: without this it could make us
//! ask machines that only we can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which machines a result may come from. Asked for each address that is connected to, on every
/// hop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressPolicy {
    /// Those that anybody can reach.
    #[default]
    Public,
    /// Those, and this machine: right when the API itself is on this machine.
    Loopback,
    /// Any, private networks included: right only when the user says so.
    Anywhere,
}

impl AddressPolicy {
    /// Whether this address may be connected to.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        let address = bare(address);
        match self {
            Self::Anywhere => true,
            Self::Loopback => address.is_loopback() || is_public(address),
            Self::Public => is_public(address),
        }
    }
}

/// The IPv4 address inside an IPv6 one, where there is one: mapped, translated (NAT64) or tunnelled
/// (6to4).
fn bare(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let parts = six.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0xffff, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => is_public_v4(four),
        IpAddr::V6(six) => is_public_v6(six),
    }
}

/// 198.18.0.0/15 counts as public: it holds no machines, and local proxies that answer for every
/// name hand it out.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Carriers' own networks; clouds put their metadata services there too.
        || (a == 100 && b & 0b1100_0000 == 64)
        || (a, b, c) == (192, 0, 0))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // All that is given out so far begins with 001.
    address.segments()[0] & 0xe000 == 0x2000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> [bool; 3] {
        let address = text.parse().unwrap();
        [AddressPolicy::Public, AddressPolicy::Loopback, AddressPolicy::Anywhere]
            .map(|reach| reach.allows(address))
    }

    #[test]
    fn public_machines_are_always_reachable() {
        for text in
            ["101.126.0.1", "8.8.8.8", "198.18.0.7", "2408:8760::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert_eq!(allowed(text), [true; 3], "{text}");
        }
    }

    #[test]
    fn this_machine_only_when_the_api_is_here() {
        for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
        {
            assert_eq!(allowed(text), [false, true, true], "{text}");
        }
    }

    #[test]
    fn private_networks_and_metadata_services_only_when_the_user_says_so() {
        for text in [
            "10.0.0.8",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.8",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert_eq!(allowed(text), [false, false, true], "{text}");
        }
    }
}
