//! Times in words: POSIX time as a date and time of day in UTC.

/// `2024-02-29T12:34:56.000001Z` for POSIX microseconds.
pub(crate) fn utc_of_us(time_us: u64) -> String {
    let (date, time) = date_and_time(time_us / 1_000_000);
    format!("{date}T{time}.{:06}Z", time_us % 1_000_000)
}

/// `2024-02-29T12:34:56.001Z` for POSIX milliseconds.
pub(crate) fn utc_of_ms(time_ms: u64) -> String {
    let (date, time) = date_and_time(time_ms / 1_000);
    format!("{date}T{time}.{:03}Z", time_ms % 1_000)
}

/// `2024-02-29T12:34:56Z` for POSIX seconds.
pub(crate) fn utc_of_s(time_s: u64) -> String {
    let (date, time) = date_and_time(time_s);
    format!("{date}T{time}Z")
}

fn date_and_time(time_s: u64) -> (String, String) {
    let (year, month, day) = civil(time_s / 86_400);
    let second = time_s % 86_400;
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}:{:02}", second % 60))
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Whole cycles of 400 years first, so that the two loops stay short for any u64.
    let mut year = 1970 + 400 * (days / DAYS_OF_400_YEARS);
    let mut rest = days % DAYS_OF_400_YEARS;
    while rest >= 365 + leap_day(year) {
        rest -= 365 + leap_day(year);
        year += 1;
    }
    let february = 28 + leap_day(year);
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while rest >= months[month] {
        rest -= months[month];
        month += 1;
    }
    (year, month as u64 + 1, rest + 1)
}

fn leap_day(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    leap.into()
}

const DAYS_OF_400_YEARS: u64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_years_and_the_ends_of_time_are_written_right() {
        let times = [0, 951_782_399, 951_782_400, 951_868_800, 1_709_210_096, 4_107_542_400];
        let written = times.map(utc_of_s);
        let expected = [
            "1970-01-01T00:00:00Z",
            "2000-02-28T23:59:59Z",
            "2000-02-29T00:00:00Z",
            "2000-03-01T00:00:00Z",
            "2024-02-29T12:34:56Z",
            "2100-03-01T00:00:00Z",
        ];
        assert_eq!(written, expected);
        assert_eq!(utc_of_ms(1_709_210_096_007), "2024-02-29T12:34:56.007Z");
        assert_eq!(utc_of_us(1_000_001), "1970-01-01T00:00:01.000001Z");
        assert!(utc_of_s(u64::MAX).starts_with("584554051223-"));
    }
}
