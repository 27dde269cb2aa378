//! Two years of movements: check-outs, returns and hand-overs of things, and stock coming and going.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::DateTime;

use super::company::{COMPANY_PARTY, Company, DEPARTMENTS, FIRST_DAY, Holder};
use super::random::Random;

/// Working days from the first day to the last of the second year.
const WORKING_DAYS: u64 = 523;
/// From seven in the morning to six in the evening.
const WORKING_SECONDS: u64 = 11 * 3_600;
/// Of a hundred movements, how many are of stock.
const STOCK_PERCENT: u64 = 25;

/// Stock items, with how many come in one delivery.
const STOCK: [(&str, u64); 10] = [
    ("stock:AA-BATTERY", 480),
    ("stock:CABLE-TIE-200MM", 2_000),
    ("stock:CAT6-PATCH-2M", 120),
    ("stock:DRILL-BIT-6MM", 60),
    ("stock:FUSE-10A", 200),
    ("stock:NITRILE-GLOVES-L", 400),
    ("stock:PRINTER-PAPER-A4", 250),
    ("stock:SAFETY-GLASSES", 80),
    ("stock:SCREW-M6X30", 5_000),
    ("stock:TONER-BLACK", 24),
];

/// Something went from somebody to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    /// When, in UTC.
    pub(super) at: DateTime,
    /// The asset's name.
    pub(super) asset: String,
    /// Who gave; nobody when stock was delivered.
    pub(super) from: Option<String>,
    /// Who received; nobody when stock was used up.
    pub(super) to: Option<String>,
    /// How much, of stock.
    pub(super) quantity: Option<u64>,
    /// The number of the paper that goes with it.
    pub(super) reference: String,
}

/// The movements in order of time, made up as they are asked for.
pub(super) struct Movements<'a> {
    company: &'a Company,
    holders: Vec<Holder>,
    /// How much of each stock item each department has; the stores are the last column.
    stock: BTreeMap<(usize, usize), u64>,
    random: Random,
    next: u64,
    total: u64,
}

const STORES: usize = DEPARTMENTS.len();

impl<'a> Movements<'a> {
    /// `total` movements among the people of `company`.
    pub(super) fn new(company: &'a Company, total: u64, seed: u64) -> Movements<'a> {
        let holders = company.assets.iter().map(|asset| asset.holder).collect();
        Movements { company, holders, stock: BTreeMap::new(), random: Random::new(seed, 3), next: 0, total }
    }

    /// Working time passes evenly, so that movement n of m is always at the same moment.
    fn moment(&self) -> DateTime {
        let seconds = u128::from(self.next) * u128::from(WORKING_DAYS * WORKING_SECONDS) / u128::from(self.total);
        let seconds = u64::try_from(seconds).expect("within two years");
        let (day, second) = (seconds / WORKING_SECONDS, seconds % WORKING_SECONDS);
        let calendar_day = day / 5 * 7 + day % 5;
        let start = FIRST_DAY.at(7, 0, 0, 0);
        start.saturating_add(calendar_day.cast_signed().days()).saturating_add(second.cast_signed().seconds())
    }

    fn thing(&mut self) -> Movement {
        let at = self.random.index(self.holders.len());
        let from = self.holders[at];
        let (to, paper) = match from {
            Holder::Stores => (self.employee(), "OUT"),
            Holder::Place(_) => (Holder::Stores, "RET"),
            Holder::Employee(who) if self.random.chance(45) => (self.colleague(who), "HND"),
            Holder::Employee(_) if self.random.chance(10) => {
                (Holder::Place(self.random.index(DEPARTMENTS.len())), "DEP")
            }
            Holder::Employee(_) => (Holder::Stores, "RET"),
        };
        self.holders[at] = to;
        Movement {
            at: self.moment(),
            asset: format!("tag:{}", self.company.assets[at].tag),
            from: Some(self.company.party(from)),
            to: Some(self.company.party(to)),
            quantity: None,
            reference: self.reference(paper),
        }
    }

    fn stock(&mut self) -> Movement {
        let item = self.random.index(STOCK.len());
        let (name, delivery) = STOCK[item];
        let department = self.random.index(DEPARTMENTS.len());
        let (in_stores, there) = (self.in_stock(item, STORES), self.in_stock(item, department));
        let (from, to, quantity, paper) = if in_stores < delivery / 4 {
            (None, Some(STORES), delivery, "PO")
        } else if there > 0 && self.random.chance(40) {
            (Some(department), None, 1 + self.random.below(there), "USE")
        } else {
            (Some(STORES), Some(department), 1 + self.random.below(delivery / 8), "REQ")
        };
        if let Some(from) = from {
            *self.stock.entry((item, from)).or_default() -= quantity;
        }
        if let Some(to) = to {
            *self.stock.entry((item, to)).or_default() += quantity;
        }
        Movement {
            at: self.moment(),
            asset: name.to_owned(),
            from: from.map(stock_party),
            to: to.map(stock_party),
            quantity: Some(quantity),
            reference: self.reference(paper),
        }
    }

    fn in_stock(&self, item: usize, place: usize) -> u64 {
        self.stock.get(&(item, place)).copied().unwrap_or(0)
    }

    fn employee(&mut self) -> Holder {
        Holder::Employee(self.random.index(self.company.employees.len()))
    }

    /// Somebody else, of the same department if the first who comes to mind is.
    fn colleague(&mut self, of: usize) -> Holder {
        let employees = &self.company.employees;
        let step = 1 + self.random.index(employees.len() - 1);
        let anybody = (of + step) % employees.len();
        let near = (of + 1..of + employees.len()).map(|at| at % employees.len());
        let same = near.take(8).find(|&at| employees[at].department == employees[of].department);
        Holder::Employee(same.unwrap_or(anybody))
    }

    fn reference(&self, paper: &str) -> String {
        format!("{paper}-{:06}", self.next + 1)
    }
}

impl Iterator for Movements<'_> {
    type Item = Movement;

    fn next(&mut self) -> Option<Movement> {
        if self.next == self.total {
            return None;
        }
        let stock = self.holders.is_empty() || self.random.chance(STOCK_PERCENT);
        let movement = if stock { self.stock() } else { self.thing() };
        self.next += 1;
        Some(movement)
    }
}

fn stock_party(place: usize) -> String {
    match DEPARTMENTS.get(place) {
        Some((department, _)) => format!("department:{department}"),
        None => COMPANY_PARTY.to_owned(),
    }
}
