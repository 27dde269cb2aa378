//! Where a server listens and is reached: a host and a port.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A host and a port, written `10.0.0.1:7600`, `[::1]:7600` or `ledger-1.example.org:7600`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is not an [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing after a last colon, or something that is no number below 65,536.
    #[error("has no port between 1 and 65535 at its end")]
    NoPort,
    /// Port 0 means "any free port", and nobody could find the server then.
    #[error("has port 0, which nobody could find")]
    PortZero,
    /// Neither an IP address nor a host name.
    #[error("does not begin with an IP address or a host name")]
    BadHost,
    /// An IPv6 address needs brackets to keep its colons apart from the port's.
    #[error("is an IPv6 address without brackets")]
    NoBrackets,
}

impl Address {
    /// This machine, by IPv4.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Address { host: "127.0.0.1".to_owned(), port }
    }

    /// The IP address, without brackets, or the host name in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Never 0 when it came from text.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether only this machine can reach it: `127.0.0.0/8`, `::1` or `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback(),
            Err(_) => self.host == "localhost",
        }
    }

    /// Whether it means every address of a machine, `0.0.0.0` or `::`: to listen on, not to call.
    #[must_use]
    pub fn is_unspecified(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
        let port: u16 = port.parse().map_err(|_| AddressError::NoPort)?;
        let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(inside) => {
                let ip: std::net::Ipv6Addr = inside.parse().map_err(|_| AddressError::BadHost)?;
                ip.to_string()
            }
            None if host.contains(':') => return Err(AddressError::NoBrackets),
            None => host.to_ascii_lowercase(),
        };
        if port == 0 {
            return Err(AddressError::PortZero);
        }
        if host.parse::<IpAddr>().is_err() && !is_host_name(&host) {
            return Err(AddressError::BadHost);
        }
        Ok(Address { host, port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// RFC 1123, with the underscore that container networks use. A name whose last label is a number
/// is a mistyped IPv4 address.
fn is_host_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = host.rsplit('.').next().unwrap_or("");
    host.len() <= 253 && host.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_host_is_read_and_written_back() {
        for text in ["127.0.0.1:7600", "[::1]:7600", "ledger-1.example.org:1", "node_2:65535"] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("LOCALHOST:80".parse::<Address>().unwrap().host(), "localhost");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("localhost:1", true),
            ("0.0.0.0:1", false),
            ("10.0.0.1:1", false),
            ("localhost.example.org:1", false),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_reached_is_refused() {
        for (text, expect) in [
            ("127.0.0.1", AddressError::NoPort),
            ("127.0.0.1:70000", AddressError::NoPort),
            ("127.0.0.1:0", AddressError::PortZero),
            ("::1:7600", AddressError::NoBrackets),
            (":7600", AddressError::BadHost),
            ("10.0.0.256:7600", AddressError::BadHost),
            ("http://a:7600", AddressError::NoBrackets),
            ("-a.example:7600", AddressError::BadHost),
        ] {
            assert_eq!(text.parse::<Address>(), Err(expect), "{text}");
        }
    }
}
