//! Dates as spreadsheets write them, in microseconds.

use bulla_client::Time;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// How `1/2/2026` is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SlashOrder {
    /// The second of January, as Snipe-IT's own sample writes it.
    #[default]
    MonthFirst,
    /// The first of February.
    DayFirst,
}

/// How the dates of a file are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dates {
    /// How dates with slashes are meant.
    pub(crate) slashes: SlashOrder,
    /// Nothing has happened later than this. The ledger refuses what lies ahead of its clock, and by
    /// then it may have recorded the rest of the row.
    pub(crate) latest: Time,
}

impl Default for Dates {
    fn default() -> Dates {
        Dates { slashes: SlashOrder::default(), latest: Time::from_micros(u64::MAX) }
    }
}

impl Dates {
    /// Reads a date, with or without a time of day: RFC 3339, `2026-01-31`, `2026-01-31 08:30:00`,
    /// `1/31/26`, `1/31/2026 8:30 AM`. What names no offset is taken as UTC; a bare date as its midnight.
    ///
    /// # Errors
    /// A sentence that quotes the text.
    pub(crate) fn read(&self, text: &str) -> Result<Time, String> {
        let time = parse(text, self.slashes)?;
        if time > self.latest { Err(format!("\"{text}\" lies in the future")) } else { Ok(time) }
    }
}

fn parse(text: &str, order: SlashOrder) -> Result<Time, String> {
    let said = || format!("\"{text}\" is not a date: write it as 2026-01-31 or 2026-01-31T08:30:00Z");
    if let Ok(time) = text.parse::<Time>() {
        return Ok(time);
    }
    let datetime = iso(text).or_else(|| slashed(text, order)).ok_or_else(said)?;
    let timestamp = datetime.to_zoned(TimeZone::UTC).map_err(|_| said())?.timestamp();
    let micros = u64::try_from(timestamp.as_microsecond());
    micros.map(Time::from_micros).map_err(|_| format!("\"{text}\" lies before 1970, which no record can say"))
}

fn iso(text: &str) -> Option<DateTime> {
    // jiff would also read a date-time with an offset and drop the offset; a date has none.
    if text.ends_with(['Z', 'z']) || text.contains('+') {
        return None;
    }
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| DateTime::strptime(form, text).ok())
        .or_else(|| Date::strptime("%Y-%m-%d", text).ok().map(|date| date.at(0, 0, 0, 0)))
}

fn slashed(text: &str, order: SlashOrder) -> Option<DateTime> {
    let (date, time) = text.split_once(' ').map_or((text, None), |(date, time)| (date, Some(time.trim())));
    let mut parts = date.split('/').map(str::parse::<i16>);
    let (a, b, year) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if parts.next().is_some() {
        return None;
    }
    let (month, day) = match order {
        SlashOrder::MonthFirst => (a, b),
        SlashOrder::DayFirst => (b, a),
    };
    let year = if (0..100).contains(&year) { 2000 + year } else { year };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = match time {
        None => jiff::civil::Time::midnight(),
        Some(time) => ["%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p"]
            .iter()
            .find_map(|form| jiff::civil::Time::strptime(form, time).ok())?,
    };
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = parse(text, SlashOrder::MonthFirst).map_or_else(|reason| reason, |time| time.to_string());
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn dates_are_read_as_spreadsheets_write_them() {
        check("2026-01-31", "2026-01-31T00:00:00.000000Z");
        check("2026-01-31 08:30:05", "2026-01-31T08:30:05.000000Z");
        check("2026-01-31T08:30:05.25Z", "2026-01-31T08:30:05.250000Z");
        check("2026-01-31T08:30:00+02:00", "2026-01-31T06:30:00.000000Z");
        check("1/23/23", "2023-01-23T00:00:00.000000Z");
        check("1/23/2023 2:05 PM", "2023-01-23T14:05:00.000000Z");
    }

    #[test]
    fn the_order_of_day_and_month_is_never_guessed() {
        assert!(parse("23/1/2023", SlashOrder::MonthFirst).is_err());
        assert_eq!(parse("2/1/2023", SlashOrder::DayFirst).unwrap().to_string(), "2023-01-02T00:00:00.000000Z");
    }

    #[test]
    fn what_has_not_happened_yet_is_refused() {
        let dates = Dates { latest: "2026-01-31T12:00:00Z".parse().unwrap(), ..Dates::default() };
        assert!(dates.read("2026-01-31").is_ok());
        assert_eq!(dates.read("2/1/2026").unwrap_err(), "\"2/1/2026\" lies in the future");
    }

    #[test]
    fn what_is_no_date_is_refused_in_words() {
        check("soon", "\"soon\" is not a date: write it as 2026-01-31 or 2026-01-31T08:30:00Z");
        check("2026-02-30", "\"2026-02-30\" is not a date: write it as 2026-01-31 or 2026-01-31T08:30:00Z");
        check("1969-12-31", "\"1969-12-31\" lies before 1970, which no record can say");
    }
}
