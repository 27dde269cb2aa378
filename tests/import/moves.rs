//! Movements of quantities to import: a real block of token transfers, or made-up ones, as files.

use std::path::Path;

use bulla_client::{Act, Kind, Quantity, TransferRequest};

use crate::books::Books;

/// A quantity that went from one party to another, came into the world, or left it.
#[derive(Clone, Debug)]
pub struct Move {
    pub time: String,
    pub asset: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub units: u128,
    pub reference: String,
}

impl Move {
    /// Why the ledger cannot record it, if it cannot.
    pub fn refusal(&self) -> Option<String> {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from == to => Some(format!("{} would go from {from} to itself", self.asset)),
            _ if self.units == 0 => Some("moves a quantity of 0".to_owned()),
            _ => None,
        }
    }
}

pub const CSV_HEADER: &str = "time,asset,from,to,quantity,reference\n";
const CLASS: &str = "Tokens";
const REAL: &str = "../../shared/data/erc-transfers-17173049.json";
/// Tokens come from this address when they are made, and go to it when they are burned.
const NOBODY: &str = "0x0000000000000000000000000000000000000000";

/// All 291 token transfers of a block of a public chain, in the order of the file, if the file is there.
pub fn real() -> Option<Vec<Move>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REAL);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: there is no {}", path.display());
        return None;
    };
    let party = |address: &str| (address != NOBODY).then(|| address.to_owned());
    let moves = text.lines().map(|line| Move {
        time: field(line, "item_timestamp").to_owned(),
        asset: format!("erc20:{}", field(line, "token_address")),
        from: party(field(line, "from_address")),
        to: party(field(line, "to_address")),
        units: field(line, "value").parse().expect("a number of units"),
        reference: field(line, "item_id").to_owned(),
    });
    let moves: Vec<Move> = moves.collect();
    assert_eq!(moves.len(), 291);
    Some(moves)
}

/// The text of a field. The numbers have up to 103 bits, which a reader of JSON would round to 53.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("\"{name}\": ")).expect("every line has all fields");
    rest.split([',', '}']).next().expect("a split has a first part").trim_matches('"')
}

/// Movements of up to 103 bits among forty parties, the same each time; some rows stand there twice.
pub fn made_up(count: usize) -> Vec<Move> {
    let mut state = 0x0BAD_5EED_u64;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut moves: Vec<Move> = Vec::new();
    while moves.len() < count {
        let from = below(40);
        let to = (from + 1 + below(39)) % 40;
        let (kind, number) = (below(16), moves.len());
        let party = |number| format!("party {number}");
        moves.push(Move {
            time: format!("2024-03-01T00:{:02}:{:02}Z", number / 60 % 60, number % 60),
            asset: format!("stock:{}", below(12)),
            from: (kind != 0).then(|| party(from)),
            to: (kind != 1).then(|| party(to)),
            units: 1 + (u128::from(below(1 << 30)) << below(73)),
            reference: format!("MV-{number}"),
        });
        if number % 50 == 49 {
            moves.push(moves[number].clone());
        }
    }
    moves.truncate(count);
    moves
}

/// The rows below [`CSV_HEADER`].
pub fn csv_rows(moves: &[Move]) -> String {
    let row = |Move { time, asset, from, to, units, reference }: &Move| {
        let party = |party: &Option<String>| party.clone().unwrap_or_default();
        format!("{time},{asset},{},{},{units},{reference}\n", party(from), party(to))
    };
    moves.iter().map(row).collect()
}

/// Everything as the API takes it: what the ledger must know, the opening positions, then each movement.
pub fn ndjson(moves: &[Move]) -> String {
    let books = Books::of(moves);
    let request = |act| TransferRequest { act, ..TransferRequest::default() };
    let quantity = |units| Some(Quantity::from_units(units, 0));
    let mut requests =
        vec![TransferRequest { class: Some(CLASS.into()), kind: Some(Kind::Quantity), ..request(Act::Define) }];
    for party in books.parties() {
        requests.push(TransferRequest { party: Some(party.into()), ..request(Act::Enroll) });
    }
    for asset in books.assets() {
        let (asset, class) = (Some(asset.into()), Some(CLASS.into()));
        requests.push(TransferRequest { asset, class, ..request(Act::Register) });
    }
    for ((asset, party), units) in books.openings() {
        let (asset, to) = (Some(asset.as_str().into()), Some(party.as_str().into()));
        requests.push(TransferRequest { asset, to, quantity: quantity(units), ..request(Act::Issue) });
    }
    requests.extend(moves.iter().map(|moved| TransferRequest {
        asset: Some(moved.asset.as_str().into()),
        from: moved.from.as_deref().map(Into::into),
        to: moved.to.as_deref().map(Into::into),
        quantity: quantity(moved.units),
        event_time: Some(moved.time.parse().expect("RFC 3339")),
        ..request(match (&moved.from, &moved.to) {
            (None, _) => Act::Issue,
            (_, None) => Act::Redeem,
            _ => Act::Transfer,
        })
    }));
    requests.iter().map(|request| serde_json::to_string(request).expect("JSON") + "\n").collect()
}
