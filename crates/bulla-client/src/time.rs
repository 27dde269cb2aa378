//! A moment, on the wire as RFC 3339 text, in memory as the microseconds that a record carries.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// POSIX microseconds, written as RFC 3339 in UTC with six decimals: `2026-03-01T08:30:00.000000Z`.
///
/// Any offset is read and turned into UTC. Moments before 1970 and finer than a microsecond are
/// refused rather than rounded: the record would otherwise say something that nobody said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub micros: u64,
}

/// Why a text is not a [`Time`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It does not follow RFC 3339.
    #[error("a time is RFC 3339 text such as 2026-03-01T08:30:00.000000Z")]
    NotRfc3339,
    /// It lies before 1970.
    #[error("a time is not before 1970-01-01T00:00:00Z")]
    BeforeEpoch,
    /// It has digits below the microsecond.
    #[error("a time has at most six decimals of a second")]
    TooPrecise,
}

impl Time {
    /// The moment `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Time {
        Time { micros }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = i64::try_from(self.micros)
            .ok()
            .and_then(|micros| Timestamp::from_microsecond(micros).ok())
            // Past the year 9999 there is no RFC 3339 text; the last one there is says "very late".
            .unwrap_or(Timestamp::MAX);
        write!(f, "{timestamp:.6}")
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Time, TimeError> {
        let timestamp: Timestamp = text.parse().map_err(|_| TimeError::NotRfc3339)?;
        if timestamp.as_nanosecond() % 1_000 != 0 {
            return Err(TimeError::TooPrecise);
        }
        let micros = timestamp.as_microsecond();
        Ok(Time { micros: u64::try_from(micros).map_err(|_| TimeError::BeforeEpoch)? })
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_what_it_writes() {
        for micros in [0, 1, 1_772_353_800_000_000, 1_772_353_800_123_456] {
            let time = Time::from_micros(micros);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
        assert_eq!(Time::from_micros(1_500_000).to_string(), "1970-01-01T00:00:01.500000Z");
    }

    #[test]
    fn an_offset_is_turned_into_utc() {
        let time: Time = "1970-01-01T02:00:00+02:00".parse().unwrap();
        assert_eq!(time.micros, 0);
    }

    #[test]
    fn a_time_is_refused_rather_than_rounded() {
        let parse = |text: &str| text.parse::<Time>();
        assert_eq!(parse("yesterday"), Err(TimeError::NotRfc3339));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Err(TimeError::BeforeEpoch));
        assert_eq!(parse("2026-03-01T08:30:00.0000001Z"), Err(TimeError::TooPrecise));
    }
}
