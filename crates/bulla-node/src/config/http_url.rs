//! A URL that this server asks: plain HTTP, a host, perhaps a port and a path.

use super::Address;

/// Whether this is one.
pub(super) fn is_http(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let address = address.parse::<Address>();
    address.is_ok_and(|address| !address.is_unspecified())
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte))
}
