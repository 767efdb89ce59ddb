//! Networks of IP addresses.

use core::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::{Entry, Origin, Reads, Test, any, of_value};
use crate::flags::targeting::ConditionValue;
use crate::text::Invalid;

pub(super) static CIDR: Entry = Entry {
    name: "CIDR",
    summary: "The property is an IP address in one of the networks.",
    value: "networks or addresses separated by commas, as 10.0.0.0/8,2001:db8::/32",
    origin: Origin::Flagstaff,
    reads: Reads::Property,
    compile,
    sense: any,
};

fn compile(value: &ConditionValue) -> Result<Test, Invalid> {
    let text = value.text();
    let networks = text.split(',').map(|one| network(one.trim()));
    let networks: Vec<IpNet> = networks.collect::<Result<_, _>>()?;
    Ok(of_value(move |value| {
        let address = value.as_text().and_then(|text| text.parse::<IpAddr>().ok());
        address.is_some_and(|address| {
            let address = address.to_canonical(); // ::ffff:10.1.2.3 is 10.1.2.3
            networks.iter().any(|network| network.contains(&address))
        })
    }))
}

fn network(text: &str) -> Result<IpNet, Invalid> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
        Invalid::new(format!(
            "must be networks such as 10.0.0.0/8, separated by commas; {text:?} is none"
        ))
    })?;
    Ok(canonical(network))
}

/// A network of mapped addresses as the IPv4 network that it is: `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
fn canonical(network: IpNet) -> IpNet {
    let v4 = match network.addr().to_canonical() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    };
    let mapped = v4.zip(network.prefix_len().checked_sub(96));
    let mapped = mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    match network {
        IpNet::V6(_) => mapped.map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;

    #[test]
    fn cidr() {
        table(
            "CIDR",
            &[
                ("\"10.1.2.3\"", "10.0.0.0/8", true),
                ("\"11.1.2.3\"", "10.0.0.0/8", false),
                ("\"11.1.2.3\"", "10.0.0.0/8, 11.1.2.3", true),
                ("\"::ffff:10.1.2.3\"", "10.0.0.0/8", true),
                ("\"10.1.2.3\"", "::ffff:10.0.0.0/104", true),
                ("\"11.1.2.3\"", "::ffff:10.0.0.0/104", false),
                ("\"::ffff:10.1.2.3\"", "::ffff:10.1.2.3", true),
                ("\"2001:db8::1\"", "::/0", true),
                ("\"2001:db8::1\"", "2001:db8::/32", true),
                ("\"2001:db8::1\"", "10.0.0.0/8", false),
                ("\"ten\"", "10.0.0.0/8", false),
                ("\"10.1.2.3\"", "10.0.0.0/33", false),
                ("-", "0.0.0.0/0", false),
            ],
        );
    }
}
