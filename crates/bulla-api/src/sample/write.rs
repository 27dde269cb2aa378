//! A made-up company in the formats that `bulla import` reads.

use std::collections::BTreeSet;
use std::io;

use bulla_client::{Act, Kind, Moves, Quantity, Time, TransferRequest};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::company::{COMPANY, COMPANY_PARTY, Company, DEPARTMENTS, Holder};
use super::movements::Movement;
use crate::import::shared_id;

const STOCK_CLASS: &str = "Stock";

pub(super) fn snipe_it(company: &Company, out: impl io::Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "Company",
        "Asset Tag",
        "Model Name",
        "Category",
        "Manufacturer",
        "Serial Number",
        "Status",
        "Location",
        "Purchase Date",
        "Purchase Cost",
        "Checkout Type",
        "Checked Out To: First Name",
        "Checked Out To: Last Name",
        "Checked Out To: Email",
        "Checkout Location",
        "last_checkout",
    ])?;
    for asset in &company.assets {
        let (kind, first, last, email, place) = match asset.holder {
            Holder::Stores => ("", "", "", "", ""),
            Holder::Place(department) => ("location", "", "", "", DEPARTMENTS[department].1),
            Holder::Employee(at) => {
                let who = &company.employees[at];
                ("user", who.first_name, who.last_name, who.email.as_str(), "")
            }
        };
        csv.write_record([
            COMPANY,
            &asset.tag,
            asset.model,
            asset.category,
            asset.manufacturer,
            &asset.serial,
            if kind.is_empty() { "Ready to Deploy" } else { "Deployed" },
            DEPARTMENTS[0].1,
            &asset.purchased.to_string(),
            &format!("{}.{:02}", asset.price_pence / 100, asset.price_pence % 100),
            kind,
            first,
            last,
            email,
            place,
            &asset.checked_out.map(|day| day.to_string()).unwrap_or_default(),
        ])?;
    }
    csv.flush()
}

pub(super) fn transfers_csv(movements: impl Iterator<Item = Movement>, out: impl io::Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["time", "asset", "from", "to", "quantity", "reference"])?;
    for movement in movements {
        csv.write_record([
            &format!("{}Z", movement.at),
            &movement.asset,
            movement.from.as_deref().unwrap_or_default(),
            movement.to.as_deref().unwrap_or_default(),
            &movement.quantity.map(|quantity| quantity.to_string()).unwrap_or_default(),
            &movement.reference,
        ])?;
    }
    csv.flush()
}

pub(super) fn ndjson(
    company: &Company,
    movements: impl Iterator<Item = Movement>,
    sample: &str,
    out: impl io::Write,
) -> io::Result<()> {
    let mut lines = Lines { out: io::BufWriter::new(out), sample, written: 0, known: BTreeSet::new() };
    lines.enroll(COMPANY_PARTY)?;
    for asset in &company.assets {
        lines.define(asset.category, Kind::Unique)?;
        let name = format!("tag:{}", asset.tag);
        lines.write(TransferRequest {
            act: Act::Register,
            asset: Some(name.as_str().into()),
            class: Some(asset.category.into()),
            to: Some(COMPANY_PARTY.into()),
            event_time: Some(midnight(asset.purchased)),
            ..TransferRequest::default()
        })?;
        if let Some(day) = asset.checked_out {
            let holder = company.party(asset.holder);
            lines.enroll(&holder)?;
            lines.write(custody(&name, COMPANY_PARTY, &holder, midnight(day)))?;
        }
    }
    for movement in movements {
        let parties = [movement.from.as_deref(), movement.to.as_deref()];
        parties.into_iter().flatten().try_for_each(|party| lines.enroll(party))?;
        if movement.quantity.is_some() {
            lines.define(STOCK_CLASS, Kind::Quantity)?;
            lines.register_stock(&movement.asset)?;
        }
        lines.write(request(&movement))?;
    }
    io::Write::flush(&mut lines.out)
}

/// The lines of an NDJSON file, and what they have introduced so far.
struct Lines<'a, W: io::Write> {
    out: io::BufWriter<W>,
    sample: &'a str,
    written: u64,
    known: BTreeSet<String>,
}

impl<W: io::Write> Lines<'_, W> {
    fn enroll(&mut self, party: &str) -> io::Result<()> {
        self.once(party, TransferRequest { act: Act::Enroll, party: Some(party.into()), ..TransferRequest::default() })
    }

    fn define(&mut self, class: &str, kind: Kind) -> io::Result<()> {
        let (class_name, kind) = (Some(class.into()), Some(kind));
        let request = TransferRequest { act: Act::Define, class: class_name, kind, ..TransferRequest::default() };
        self.once(&format!("class {class}"), request)
    }

    fn register_stock(&mut self, asset: &str) -> io::Result<()> {
        let (asset_name, class) = (Some(asset.into()), Some(STOCK_CLASS.into()));
        let request = TransferRequest { act: Act::Register, asset: asset_name, class, ..TransferRequest::default() };
        self.once(&format!("asset {asset}"), request)
    }

    fn once(&mut self, key: &str, request: TransferRequest) -> io::Result<()> {
        if self.known.insert(key.to_owned()) { self.write(request) } else { Ok(()) }
    }

    fn write(&mut self, mut request: TransferRequest) -> io::Result<()> {
        self.written += 1;
        request.record_id = Some(shared_id("sample", &format!("{}/{}", self.sample, self.written)));
        serde_json::to_writer(&mut self.out, &request)?;
        io::Write::write_all(&mut self.out, b"\n")
    }
}

fn custody(asset: &str, from: &str, to: &str, at: Time) -> TransferRequest {
    TransferRequest {
        asset: Some(asset.into()),
        from: Some(from.into()),
        to: Some(to.into()),
        moves: Some(Moves::Custody),
        event_time: Some(at),
        ..TransferRequest::default()
    }
}

fn request(movement: &Movement) -> TransferRequest {
    let act = match (&movement.from, &movement.to) {
        (None, _) => Act::Issue,
        (_, None) => Act::Redeem,
        _ => Act::Transfer,
    };
    TransferRequest {
        act,
        asset: Some(movement.asset.as_str().into()),
        from: movement.from.as_deref().map(Into::into),
        to: movement.to.as_deref().map(Into::into),
        quantity: movement.quantity.map(|quantity| Quantity::from_units(quantity.into(), 0)),
        moves: movement.quantity.is_none().then_some(Moves::Custody),
        event_time: Some(time(movement.at)),
        ..TransferRequest::default()
    }
}

fn midnight(day: Date) -> Time {
    time(day.at(0, 0, 0, 0))
}

fn time(at: DateTime) -> Time {
    let timestamp = at.to_zoned(TimeZone::UTC).expect("UTC has every date of two years").timestamp();
    Time::from_micros(u64::try_from(timestamp.as_microsecond()).expect("after 1970"))
}
