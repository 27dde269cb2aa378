//! Transfers as a table: `time,asset,from,to,quantity,reference`, one row a transfer.
//!
//! | quantity | from | to | the row says |
//! |---|---|---|---|
//! | empty | A | B | the unique asset went from A to B |
//! | empty | | B | the unique asset appears, at B |
//! | empty | A | | the unique asset, owned by A, is gone |
//! | 5 | A | B | 5 of the stock item went from A to B |
//! | 5 | | B | 5 of it appear, at B |
//! | 5 | A | | 5 of it, of A's, are gone |

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead};

use bulla_client::{Act, Document, Kind, Moves, Quantity, Time, TransferRequest};
use bulla_ledger::Name;

use super::ids::{Ids, RowId};
use super::rows::{BadRow, Row, Rows};
use super::step::Step;
use super::when::Dates;
use super::{Planned, Source};

const COLUMNS: [&str; 6] = ["time", "asset", "from", "to", "quantity", "reference"];

/// What becomes of assets that move before anything said where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The ledger must know them; rows about others are refused.
    #[default]
    Known,
    /// The file starts from nothing: whoever gives what it does not have had it from the beginning.
    Issue,
}

/// What the caller may set.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What becomes of assets that move before anything said where they are.
    pub(crate) opening: Opening,
    /// What moves when a unique asset does.
    pub(crate) moves: Moves,
    /// Class of the unique assets that the file brings in.
    pub(crate) class: String,
    /// Class of the stock items that the file brings in.
    pub(crate) stock_class: String,
    /// Decimals that a quantity of such a stock item may have, 0 to 38.
    pub(crate) scale: u8,
    /// How dates are read.
    pub(crate) dates: Dates,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            opening: Opening::Known,
            moves: Moves::Both,
            class: "Imported assets".to_owned(),
            stock_class: "Imported stock".to_owned(),
            scale: 0,
            dates: Dates::default(),
        }
    }
}

/// A file of transfers.
pub(crate) struct TransfersCsv<R> {
    rows: Rows<R>,
    columns: [usize; 6],
    ids: Ids,
    options: Options,
    /// Assets that rows so far brought in.
    introduced: HashSet<String>,
    /// With [`Opening::Issue`], how much each party has of each stock item, in units of the class.
    positions: HashMap<(String, String), u128>,
}

impl<R: BufRead> TransfersCsv<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// What reading fails with; `InvalidData` when a column is missing.
    pub(crate) fn open(input: R, options: Options) -> io::Result<TransfersCsv<R>> {
        let (header, rows) = Rows::open(input)?;
        let mut columns = [0; 6];
        for (at, name) in columns.iter_mut().zip(COLUMNS) {
            *at = header.iter().position(|text| text.eq_ignore_ascii_case(name)).ok_or_else(|| {
                let reason = format!("its header has no column \"{name}\"; it needs {}", COLUMNS.join(","));
                io::Error::new(io::ErrorKind::InvalidData, reason)
            })?;
        }
        let ids = Ids::new("transfers-csv");
        Ok(TransfersCsv { rows, columns, ids, options, introduced: HashSet::new(), positions: HashMap::new() })
    }

    fn plan(&mut self, row: &Row) -> Result<(Vec<Step>, Option<String>), String> {
        let fields = self.columns.map(|at| row.fields[at].as_str());
        let row_id = self.ids.row(fields);
        let [time, asset, from, to, quantity, reference] = fields.map(|text| (!text.is_empty()).then_some(text));

        // A row must be refused before its quantity is taken into the positions: the rows below would
        // otherwise count on what the ledger never recorded, and be refused for good.
        let (asset, from, to) = (name(asset)?, name(from)?, name(to)?);
        let [asset, from, to] = [&asset, &from, &to].map(|name| name.as_ref().map(Name::as_str));
        let asset = asset.ok_or("names no asset")?;
        let line = Line {
            row_id,
            asset,
            from,
            to,
            time: time.map(|text| self.options.dates.read(text)).transpose()?,
            payload: reference.map(reference_payload).transpose()?,
        };
        if from.is_none() && to.is_none() {
            return Err("names neither who gives nor who receives".to_owned());
        }
        if from == to {
            return Err(format!("{asset} would go from {} to itself", from.unwrap_or_default()));
        }
        let mut steps: Vec<Step> = [from, to].into_iter().flatten().map(|party| Step::enroll(party, None)).collect();
        match quantity {
            None => self.plan_unique(&line, &mut steps),
            Some(text) => {
                let quantity = Quantity::parse(text)
                    .map_err(|_| format!("\"{text}\" is not a quantity: write digits, with a point before decimals"))?;
                self.plan_stock(&line, quantity, &mut steps)?;
            }
        }
        let asked = (!self.introduced.contains(asset)).then(|| asset.to_owned());
        Ok((steps, asked))
    }

    fn plan_unique(&mut self, line: &Line<'_>, steps: &mut Vec<Step>) {
        let appears = line.from.is_none();
        let opens = self.options.opening == Opening::Issue && !self.introduced.contains(line.asset);
        if appears || opens {
            let mut register = line.request(if appears { "register" } else { "opening" }, Act::Register);
            register.class = Some(self.options.class.as_str().into());
            register.to = line.from.or(line.to).map(Into::into);
            register.from = None;
            if opens && !appears {
                // It was there before the row; only the row knows when the hand-over was.
                (register.event_time, register.payload) = (None, None);
            }
            steps.push(Step::define(&self.options.class, Kind::Unique, 0));
            steps.push(Step::of_row(register));
            self.introduced.insert(line.asset.to_owned());
        }
        match (line.from, line.to) {
            (Some(_), Some(_)) => {
                let mut transfer = line.request("transfer", Act::Transfer);
                transfer.moves = Some(self.options.moves);
                steps.push(Step::of_row(transfer));
            }
            (Some(_), None) => steps.push(Step::of_row(line.request("retire", Act::Retire))),
            (None, _) => {}
        }
    }

    fn plan_stock(&mut self, line: &Line<'_>, quantity: Quantity, steps: &mut Vec<Step>) -> Result<(), String> {
        let opening = self.options.opening == Opening::Issue;
        let appears = line.from.is_none();
        // Only for stock that this file brings in is the scale known here; the server knows the rest.
        let units = if opening || appears {
            quantity.units(self.options.scale).map_err(|error| error.to_string())?
        } else {
            1
        };
        if units == 0 {
            return Err("moves a quantity of 0".to_owned());
        }
        if opening || appears {
            steps.push(Step::define(&self.options.stock_class, Kind::Quantity, self.options.scale));
            steps.push(Step::register_stock(line.asset, &self.options.stock_class));
            self.introduced.insert(line.asset.to_owned());
        }
        if opening {
            let missing = self.take(line.asset, line.from, line.to, units)?;
            if missing > 0 {
                let mut issue = line.request("opening", Act::Issue);
                (issue.to, issue.from) = (issue.from, None);
                (issue.event_time, issue.payload) = (None, None);
                issue.quantity = Some(Quantity::from_units(missing, self.options.scale));
                steps.push(Step::of_row(issue));
            }
        }
        let (name, act) = match (line.from, line.to) {
            (Some(_), Some(_)) => ("transfer", Act::Transfer),
            (Some(_), None) => ("redeem", Act::Redeem),
            (None, _) => ("issue", Act::Issue),
        };
        let mut moving = line.request(name, act);
        moving.quantity = Some(quantity);
        steps.push(Step::of_row(moving));
        Ok(())
    }

    /// Moves `units` in the positions that this file has made so far; says how many the giver lacked.
    fn take(&mut self, asset: &str, from: Option<&str>, to: Option<&str>, units: u128) -> Result<u128, String> {
        let key = |party: &str| (asset.to_owned(), party.to_owned());
        let mut missing = 0;
        if let Some(to) = to {
            let has = self.positions.get(&key(to)).copied().unwrap_or(0);
            let has = has.checked_add(units).ok_or("adds up to more than the ledger can count")?;
            self.positions.insert(key(to), has);
        }
        if let Some(from) = from {
            let has = self.positions.entry(key(from)).or_insert(0);
            missing = units.saturating_sub(*has);
            *has = has.saturating_sub(units);
        }
        Ok(missing)
    }
}

impl<R: BufRead> Source for TransfersCsv<R> {
    fn next_row(&mut self) -> io::Result<Option<Planned>> {
        Ok(self.rows.next_row()?.map(|row| match row {
            Err(BadRow { line, reason }) => Planned::refused(line, reason),
            Ok(row) => match self.plan(&row) {
                Err(reason) => Planned::refused(row.line, reason),
                Ok((steps, must_exist)) => Planned { line: row.line, steps: Ok(steps), must_exist },
            },
        }))
    }
}

/// What a row says, read.
struct Line<'a> {
    row_id: RowId,
    asset: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
    time: Option<Time>,
    payload: Option<Document>,
}

impl Line<'_> {
    fn request(&self, step: &str, act: Act) -> TransferRequest {
        TransferRequest {
            record_id: Some(self.row_id.step(step)),
            act,
            asset: Some(self.asset.into()),
            from: self.from.map(Into::into),
            to: self.to.map(Into::into),
            event_time: self.time,
            payload: self.payload.clone(),
            ..TransferRequest::default()
        }
    }
}

fn name(text: Option<&str>) -> Result<Option<Name>, String> {
    text.map(Name::parse).transpose().map_err(|error| error.to_string())
}

fn reference_payload(reference: &str) -> Result<Document, String> {
    let text =
        serde_json::to_string(&BTreeMap::from([("reference", reference)])).expect("texts can be written as JSON");
    Document::parse(&text).map_err(|error| format!("has a reference that no record can carry: {error}"))
}
