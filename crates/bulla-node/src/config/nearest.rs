//! What a mistyped name was meant to be.

/// The one of `known` that is fewest keystrokes away, if it is near enough to be what was meant.
pub(super) fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    let near_enough = 1 + typed.len() / 4;
    let by_distance = known.iter().map(|name| (distance(typed, name), *name));
    let (distance, name) = by_distance.min()?;
    (distance <= near_enough).then_some(name)
}

/// Levenshtein: the fewest insertions, deletions and replacements of bytes from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, byte_a) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, byte_b) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(byte_a != byte_b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name_and_another_word_does_not() {
        let known = ["records_max", "bytes_max", "age_ms_max"];
        assert_eq!(nearest("record_max", &known), Some("records_max"));
        assert_eq!(nearest("bytes-max", &known), Some("bytes_max"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &[]), None);
    }

    #[test]
    fn distances_are_those_of_the_textbook() {
        for (a, b, expect) in [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "abc", 0)] {
            assert_eq!(distance(a, b), expect);
            assert_eq!(distance(b, a), expect);
        }
    }
}
