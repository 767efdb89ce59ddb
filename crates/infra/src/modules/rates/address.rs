//! Which addresses the source may have: none on which a host offers what is not meant for others.
//!
//! Whoever can set `rates.base_url`, or the name that it holds, must not make the server ask its cloud for credentials.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Clouds' metadata services outside the link-local networks: Amazon's and Alibaba's.
const METADATA: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
];

/// The system's resolver, without what is forbidden.
#[derive(Debug, Default)]
pub(super) struct GuardedResolver(DefaultResolver);

/// The address leads where nobody may be led.
#[derive(Debug)]
pub(super) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address that is not asked")
    }
}

impl Error for Forbidden {}

impl Resolver for GuardedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout);
        let found = found.map_err(|error| match error {
            // The system's own words for a name that it does not know are no kind of error.
            ureq::Error::Io(error) if error.kind() != io::ErrorKind::TimedOut => {
                ureq::Error::HostNotFound
            }
            other => other,
        })?;
        if found.iter().any(|address| is_forbidden(address.ip())) {
            return Err(ureq::Error::Other(Box::new(Forbidden)));
        }
        Ok(found)
    }
}

fn is_forbidden(address: IpAddr) -> bool {
    match address.to_canonical() {
        ip if METADATA.contains(&ip) => true,
        IpAddr::V4(ip) => {
            ip.is_link_local() || ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()
        }
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unspecified() || ip.is_multicast(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_offers_itself_alone_is_not_asked() {
        for forbidden in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "fd00:ec2::254",
            "100.100.100.200",
        ] {
            assert!(is_forbidden(forbidden.parse().unwrap()), "{forbidden}");
        }
        for allowed in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "198.51.100.1",
            "2001:db8::1",
        ] {
            assert!(!is_forbidden(allowed.parse().unwrap()), "{allowed}");
        }
    }
}
