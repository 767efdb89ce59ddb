//! Networks of IP addresses.

use core::net::IpAddr;

use ipnet::IpNet;

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
            let address = address.to_canonical();
            networks.iter().any(|network| network.contains(&address))
        })
    }))
}

fn network(text: &str) -> Result<IpNet, Invalid> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
        Invalid::new(format!(
            "must be networks such as 10.0.0.0/8, separated by commas; {text:?} is none"
        ))
    })
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
                ("\"2001:db8::1\"", "2001:db8::/32", true),
                ("\"2001:db8::1\"", "10.0.0.0/8", false),
                ("\"ten\"", "10.0.0.0/8", false),
                ("\"10.1.2.3\"", "10.0.0.0/33", false),
                ("-", "0.0.0.0/0", false),
            ],
        );
    }
}
