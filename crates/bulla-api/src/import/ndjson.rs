//! Transfers as the API takes them, one JSON object a line.

use std::io::{self, BufRead};

use bulla_client::TransferRequest;

use super::ids::Ids;
use super::rows::{drop_byte_order_mark, read_line};
use super::step::Step;
use super::{Planned, Source};

/// A file of requests. A line without a `record_id` gets one from what stands in it, so that
/// importing the file again repeats nothing.
pub(crate) struct Ndjson<R> {
    input: R,
    line: u64,
    ids: Ids,
}

impl<R: BufRead> Ndjson<R> {
    /// Starts at the first line.
    pub(crate) fn open(input: R) -> Ndjson<R> {
        Ndjson { input, line: 0, ids: Ids::new("ndjson") }
    }

    fn plan(&mut self, text: &str) -> Result<Vec<Step>, String> {
        let mut request: TransferRequest =
            serde_json::from_str(text).map_err(|error| format!("is not a transfer: {error}"))?;
        let from_content = self.ids.row([text.trim()]).step("as written");
        request.record_id.get_or_insert(from_content);
        Ok(vec![Step::of_row(request)])
    }
}

impl<R: BufRead> Source for Ndjson<R> {
    fn next_row(&mut self) -> io::Result<Option<Planned>> {
        loop {
            let Some(mut line) = read_line(&mut self.input)? else { return Ok(None) };
            self.line += 1;
            if let (1, Ok(text)) = (self.line, &mut line) {
                drop_byte_order_mark(text);
            }
            match line {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => return Ok(Some(Planned { line: self.line, steps: self.plan(&text), must_exist: None })),
                Err(reason) => return Ok(Some(Planned::refused(self.line, reason))),
            }
        }
    }
}
