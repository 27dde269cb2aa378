//! Rows of a CSV file, each with the line it starts on; a broken row costs its own line and no other.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// Longest line, in bytes: a file without line ends must not fill the memory.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Most lines that one row may span through quoted line ends. A quote that nobody closed would
/// otherwise swallow the rest of the file.
const ROW_LINES_MAX: usize = 64;
/// What spreadsheets put in front of UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// One row: as many fields as the header has columns, white space around each removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Line of the file on which the row starts; the first line is 1.
    pub(crate) line: u64,
    /// The fields, in the order of the header.
    pub(crate) fields: Vec<String>,
}

/// A row that is refused before anybody looks at what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// Line of the file on which it starts.
    pub(crate) line: u64,
    /// Why, in words.
    pub(crate) reason: String,
}

/// Reads a CSV file row by row, holding only the row at hand.
///
/// The `csv` crate reads fields more leniently than an importer may: it ends an open quote at the
/// end of the file and calls the half of a row a row. Here what is not whole is refused.
pub(crate) struct Rows<R> {
    input: R,
    delimiter: char,
    columns: usize,
    /// Lines read and not yet part of a row, the oldest first.
    pending: VecDeque<Result<String, String>>,
    /// Line number of the first of `pending`, or of the next line to read.
    next_line: u64,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header; returns it with the rows below it.
    ///
    /// Fields may be separated by commas, semicolons or tabs: the header tells which.
    ///
    /// # Errors
    /// What reading the file fails with, and `InvalidData` when there is no usable header.
    pub(crate) fn open(input: R) -> io::Result<(Vec<String>, Rows<R>)> {
        let mut rows = Rows { input, delimiter: ',', columns: 0, pending: VecDeque::new(), next_line: 1 };
        rows.fill(1)?;
        let Some(Ok(first)) = rows.pending.front_mut() else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its first line is no header of a table"));
        };
        drop_byte_order_mark(first);
        let count = |c: char| first.chars().filter(|&x| x == c).count();
        rows.delimiter = [',', ';', '\t'].into_iter().rev().max_by_key(|&c| count(c)).expect("three candidates");
        match rows.next_row()? {
            Some(Ok(header)) => {
                rows.columns = header.fields.len();
                Ok((header.fields, rows))
            }
            Some(Err(bad)) => Err(io::Error::new(io::ErrorKind::InvalidData, format!("its header {}", bad.reason))),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
        }
    }

    /// The next row that is not blank, or why the text at this place is none; `None` at the end.
    ///
    /// # Errors
    /// What reading the file fails with.
    pub(crate) fn next_row(&mut self) -> io::Result<Option<Result<Row, BadRow>>> {
        loop {
            self.fill(1)?;
            let line = self.next_line;
            match self.pending.front() {
                None => return Ok(None),
                Some(Err(reason)) => {
                    let reason = reason.clone();
                    self.consume(1);
                    return Ok(Some(Err(BadRow { line, reason })));
                }
                Some(Ok(text)) if text.trim().is_empty() => self.consume(1),
                Some(Ok(_)) => return self.split_row(line).map(Some),
            }
        }
    }

    /// Splits the row that starts with the first pending line, taking as many more as it spans.
    fn split_row(&mut self, line: u64) -> io::Result<Result<Row, BadRow>> {
        let mut text = String::new();
        for lines in 1..=ROW_LINES_MAX {
            self.fill(lines)?;
            let Some(Ok(more)) = self.pending.get(lines - 1) else { break };
            if lines > 1 {
                text.push('\n');
            }
            text.push_str(more);
            match split(&text, self.delimiter) {
                Split::Open => {}
                Split::Broken(reason) => {
                    self.consume(1);
                    return Ok(Err(BadRow { line, reason: reason.to_owned() }));
                }
                Split::Whole(fields) => {
                    self.consume(lines);
                    return Ok(self.fit(line, fields));
                }
            }
        }
        self.consume(1);
        Ok(Err(BadRow { line, reason: "opens a quote that is never closed".to_owned() }))
    }

    /// Holds the fields against the header; empty fields past its end are what spreadsheets leave.
    fn fit(&self, line: u64, mut fields: Vec<String>) -> Result<Row, BadRow> {
        let (columns, found) = (self.columns, fields.len());
        if columns > 0 {
            while fields.len() > columns && fields.last().is_some_and(String::is_empty) {
                fields.pop();
            }
            if fields.len() != columns {
                let reason = format!("has {found} columns where the header has {columns}");
                return Err(BadRow { line, reason });
            }
        }
        Ok(Row { line, fields })
    }

    /// Makes at least `lines` lines pending, unless the file ends before.
    fn fill(&mut self, lines: usize) -> io::Result<()> {
        while self.pending.len() < lines {
            match read_line(&mut self.input)? {
                Some(line) => self.pending.push_back(line),
                None => break,
            }
        }
        Ok(())
    }

    fn consume(&mut self, lines: usize) {
        self.pending.drain(..lines);
        self.next_line += lines as u64;
    }
}

/// The next line without its end, or why it is not text; `None` at the end of the input.
pub(crate) fn read_line(input: &mut impl BufRead) -> io::Result<Option<Result<String, String>>> {
    let mut bytes = Vec::new();
    let limit = LINE_BYTES_MAX as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() > LINE_BYTES_MAX {
        if bytes.last() != Some(&b'\n') {
            skip_line(input)?;
        }
        return Ok(Some(Err(format!("is longer than {LINE_BYTES_MAX} bytes"))));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text: save the file as UTF-8".to_owned());
    Ok(Some(text.map(|text| text.trim_end_matches(['\n', '\r']).to_owned())))
}

/// Takes from the first line of a file what spreadsheets put in front of it.
pub(crate) fn drop_byte_order_mark(first: &mut String) {
    if first.starts_with(BYTE_ORDER_MARK) {
        first.remove(0);
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let (length, done) = (end.map_or(buffer.len(), |at| at + 1), end.is_some() || buffer.is_empty());
        input.consume(length);
        if done {
            return Ok(());
        }
    }
}

enum Split {
    Whole(Vec<String>),
    /// A quote is still open: the row goes on in the next line.
    Open,
    Broken(&'static str),
}

/// Splits `text` by the rules of RFC 4180. A quote opens a quoted field only as its first
/// character; elsewhere it stands for itself, as in `24" screen`.
fn split(text: &str, delimiter: char) -> Split {
    let mut fields = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        let mut field = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next() {
                    None => return Split::Open,
                    Some('"') if rest.next_if_eq(&'"').is_some() => field.push('"'),
                    Some('"') => break,
                    Some(other) => field.push(other),
                }
            }
            if rest.peek().is_some_and(|&next| next != delimiter) {
                return Split::Broken("has text after a closing quote");
            }
        } else {
            while let Some(other) = rest.next_if(|&next| next != delimiter) {
                field.push(other);
            }
        }
        fields.push(field.trim().to_owned());
        if rest.next().is_none() {
            return Split::Whole(fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(file: &[u8], expected: &Expect) {
        let (header, mut rows) = Rows::open(file).unwrap();
        let mut shown = format!("header {}\n", header.join("|"));
        while let Some(row) = rows.next_row().unwrap() {
            shown += &match row {
                Ok(row) => format!("{} {}\n", row.line, row.fields.join("|").escape_debug()),
                Err(bad) => format!("{} refused: {}\n", bad.line, bad.reason),
            };
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn quotes_line_ends_and_delimiters_are_read_as_spreadsheets_write_them() {
        check(
            "\u{feff}a;b;c\r\n\r\n1;\"x;\"\"y\"\"\r\nz\";3\r\n 4 ;24\" screen;\"\";;\n".as_bytes(),
            &expect![[r#"
                header a|b|c
                3 1|x;\"y\"\nz|3
                5 4|24\" screen|
            "#]],
        );
    }

    #[test]
    fn a_broken_row_costs_its_own_line_and_no_other() {
        check(
            b"a,b\n1,\"open\n2,two\n3,\"x\"y\n4\n5,five,5\n\xff,six\n7,seven\n",
            &expect![[r#"
                header a|b
                2 refused: has text after a closing quote
                3 2|two
                4 refused: has text after a closing quote
                5 refused: has 1 columns where the header has 2
                6 refused: has 3 columns where the header has 2
                7 refused: is not UTF-8 text: save the file as UTF-8
                8 7|seven
            "#]],
        );
    }

    #[test]
    fn a_half_written_last_line_is_refused() {
        check(
            b"a,b,c\n1,2,3\n4,5",
            &expect![[r#"
            header a|b|c
            2 1|2|3
            3 refused: has 2 columns where the header has 3
        "#]],
        );
        check(
            b"a,b,c\n1,2,\"th",
            &expect![[r#"
            header a|b|c
            2 refused: opens a quote that is never closed
        "#]],
        );
    }

    #[test]
    fn an_endless_line_does_not_fill_the_memory() {
        let long = "x".repeat(3 * LINE_BYTES_MAX);
        check(
            format!("a,b\n{long}\n1,2\n").as_bytes(),
            &expect![[r#"
            header a|b
            2 refused: is longer than 1048576 bytes
            3 1|2
        "#]],
        );
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        assert!(Rows::open(&b""[..]).is_err());
        assert!(Rows::open(&b"\xff\n1,2\n"[..]).is_err());
    }
}
