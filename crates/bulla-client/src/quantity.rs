//! Quantities as people write them: decimal text, scaled by the asset class.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A quantity in decimal text, such as `12.50`; what it counts depends on the scale of its class.
///
/// On the wire it is a JSON string, because the ledger counts in 128 bits and a JSON number is
/// commonly read into 53. Digits with at most one point inside: no sign, exponent or grouping.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Quantity(String);

/// Why a text is not a quantity, or not one of this class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Something else than digits with one point inside.
    #[error("a quantity is decimal digits with at most one point inside, in a JSON string")]
    NotDecimal,
    /// More decimals than the class counts.
    #[error("the quantity has more decimals than its class counts ({scale})")]
    TooPrecise {
        /// Decimal digits that the class counts.
        scale: u8,
    },
    /// More units than 128 bits hold.
    #[error("the quantity is more than the ledger can count")]
    Overflow,
}

impl Quantity {
    /// Reads decimal text; which class it is for is not asked yet.
    ///
    /// # Errors
    /// [`QuantityError::NotDecimal`].
    pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return Err(QuantityError::NotDecimal);
        }
        Ok(Quantity(text.to_owned()))
    }

    /// The text of `units` of 10^-`scale`, with exactly `scale` decimals.
    ///
    /// ```
    /// use bulla_client::Quantity;
    /// assert_eq!(Quantity::from_units(1250, 2).as_str(), "12.50");
    /// assert_eq!(Quantity::parse("12.5")?.units(2)?, 1250);
    /// # Ok::<(), bulla_client::QuantityError>(())
    /// ```
    pub fn from_units(units: u128, scale: u8) -> Quantity {
        let scale = usize::from(scale);
        let digits = format!("{units:0>width$}", width = scale + 1);
        let (whole, decimals) = digits.split_at(digits.len() - scale);
        Quantity(if scale == 0 { digits } else { format!("{whole}.{decimals}") })
    }

    /// How many units of 10^-`scale` this is; zeros past the scale are no precision.
    ///
    /// # Errors
    /// [`QuantityError::TooPrecise`] and [`QuantityError::Overflow`].
    pub fn units(&self, scale: u8) -> Result<u128, QuantityError> {
        let (whole, decimals) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > usize::from(scale) {
            return Err(QuantityError::TooPrecise { scale });
        }
        let padding = usize::from(scale) - decimals.len();
        whole
            .bytes()
            .chain(decimals.bytes())
            .chain(std::iter::repeat_n(b'0', padding))
            .try_fold(0u128, |units, digit| units.checked_mul(10)?.checked_add(u128::from(digit - b'0')))
            .ok_or(QuantityError::Overflow)
    }

    /// The decimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        let text = String::deserialize(deserializer)?;
        Quantity::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, scale: u8, expected: Result<u128, QuantityError>) {
        assert_eq!(Quantity::parse(text).and_then(|q| q.units(scale)), expected, "{text} at {scale}");
    }

    #[test]
    fn a_quantity_counts_units_of_its_class() {
        check("12.5", 2, Ok(1250));
        check("0012.50", 2, Ok(1250));
        check("12", 0, Ok(12));
        check("12.000", 0, Ok(12));
        check("0.00", 2, Ok(0));
        check(&u128::MAX.to_string(), 0, Ok(u128::MAX));
    }

    #[test]
    fn a_quantity_is_refused_rather_than_rounded() {
        check("12.345", 2, Err(QuantityError::TooPrecise { scale: 2 }));
        check("0.1", 0, Err(QuantityError::TooPrecise { scale: 0 }));
        check("340282366920938463463374607431768211456", 0, Err(QuantityError::Overflow));
        check("1", 39, Err(QuantityError::Overflow));
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,000", "1.2.3", " 1", "٣"] {
            check(text, 2, Err(QuantityError::NotDecimal));
        }
    }

    #[test]
    fn units_read_back_from_their_text() {
        for scale in [0, 1, 2, 18, 38] {
            for units in [0, 1, 9, 10, 1250, u128::MAX] {
                assert_eq!(Quantity::from_units(units, scale).units(scale), Ok(units));
            }
        }
    }
}
