//! Assets as Snipe-IT writes them: one row an asset, perhaps checked out to somebody.
//!
//! The header is that of Snipe-IT's own sample for importing assets, or of its exports, in any
//! order, case and punctuation. What a row says becomes:
//!
//! ```text
//!   Company ─────────────▶ party company:...        owns the asset
//!   Category, or Model ──▶ class
//!   Asset Tag ───────────▶ asset tag:...            registered at the purchase date
//!   Checked Out To ──────▶ party person:...         holds the asset from the checkout date on
//!   Checkout Location ───▶ party place:...          the same, when it went to a place
//!   every other column ──▶ the payload of the registration, under its own header
//! ```

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead};

use bulla_client::{Act, Document, Kind, Moves, TransferRequest};

use super::ids::Ids;
use super::rows::{BadRow, Row, Rows};
use super::step::Step;
use super::when::Dates;
use super::{Planned, Source};

/// What the columns mean to this importer; all others are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Column {
    AssetTag,
    Category,
    Model,
    Company,
    PurchaseDate,
    CheckoutType,
    CheckoutLocation,
    CheckoutDate,
    Username,
    FullName,
    FirstName,
    LastName,
    Email,
}

/// The headers of each column, in lower case and without anything but letters and digits.
const HEADERS: &[(Column, &[&str])] = &[
    (Column::AssetTag, &["assettag", "tag", "assettagid"]),
    (Column::Category, &["category", "categoryname"]),
    (Column::Model, &["modelname", "model", "assetmodel", "assetmodelname"]),
    (Column::Company, &["company", "companyname"]),
    (Column::PurchaseDate, &["purchasedate", "purchased"]),
    (Column::CheckoutType, &["checkouttype", "checkoutclass"]),
    (Column::CheckoutLocation, &["checkoutlocation", "checkouttolocation", "checkedouttolocation"]),
    (Column::CheckoutDate, &["lastcheckout", "checkoutdate", "lastcheckoutdate", "checkedoutdate"]),
    (Column::Username, &["checkedouttousername", "username"]),
    (Column::FullName, &["checkedouttoname", "checkedouttofullname", "checkedoutto", "fullname", "assignedto"]),
    (Column::FirstName, &["checkedouttofirstname", "firstname"]),
    (Column::LastName, &["checkedouttolastname", "lastname"]),
    (Column::Email, &["checkedouttoemail", "email"]),
];

/// What the caller may set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Owns the assets of rows that name no company.
    pub(crate) company: Option<String>,
    /// How dates are read.
    pub(crate) dates: Dates,
}

/// A file of assets.
pub(crate) struct SnipeIt<R> {
    rows: Rows<R>,
    header: Vec<String>,
    columns: HashMap<Column, usize>,
    ids: Ids,
    /// On which line each tag stood: a tag names one asset.
    tags: HashMap<String, u64>,
    options: Options,
}

impl<R: BufRead> SnipeIt<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// What reading fails with; `InvalidData` when the header has no asset tag, or one column twice.
    pub(crate) fn open(input: R, options: Options) -> io::Result<SnipeIt<R>> {
        let (header, rows) = Rows::open(input)?;
        let columns = columns(&header).map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))?;
        Ok(SnipeIt { rows, header, columns, ids: Ids::new("snipe-it"), tags: HashMap::new(), options })
    }

    fn plan(&mut self, row: &Row) -> Result<Vec<Step>, String> {
        let row_id = self.ids.row(row.fields.iter().map(String::as_str));
        let get = |column| self.columns.get(&column).map(|&at| row.fields[at].as_str()).filter(|text| !text.is_empty());
        let time = |column| get(column).map(|text| self.options.dates.read(text)).transpose();

        let tag = get(Column::AssetTag).ok_or("has no asset tag")?;
        if let Some(line) = self.tags.get(tag) {
            return Err(format!("asset tag {tag} was already used in line {line}"));
        }
        let company = get(Column::Company).or(self.options.company.as_deref());
        let company = company.ok_or("names no company: give the owner with --company")?;
        let class = get(Column::Category).or(get(Column::Model)).ok_or("names neither a category nor a model")?;
        let (purchased, checked_out) = (time(Column::PurchaseDate)?, time(Column::CheckoutDate)?);

        let (asset, owner) = (format!("tag:{tag}"), format!("company:{company}"));
        let register = TransferRequest {
            record_id: Some(row_id.step("register")),
            act: Act::Register,
            asset: Some(asset.as_str().into()),
            class: Some(class.into()),
            to: Some(owner.as_str().into()),
            event_time: purchased,
            payload: Some(self.description(&asset, row)?),
            ..TransferRequest::default()
        };
        let mut steps = vec![Step::enroll(&owner, None), Step::define(class, Kind::Unique, 0), Step::of_row(register)];
        if let Some(holder) = holder(&get)? {
            steps.push(Step::enroll(&holder.party, holder.payload));
            steps.push(Step::of_row(TransferRequest {
                record_id: Some(row_id.step("checkout")),
                asset: Some(asset.into()),
                from: Some(owner.into()),
                to: Some(holder.party.into()),
                moves: Some(Moves::Custody),
                event_time: checked_out,
                ..TransferRequest::default()
            }));
        }
        self.tags.insert(tag.to_owned(), row.line);
        Ok(steps)
    }

    /// Everything the row says of the asset itself, as it says it. Whom it was handed to is a record
    /// of its own, and people's names belong there.
    fn description(&self, asset: &str, row: &Row) -> Result<Document, String> {
        let about_people = [
            Column::Username,
            Column::FullName,
            Column::FirstName,
            Column::LastName,
            Column::Email,
            Column::CheckoutType,
            Column::CheckoutLocation,
            Column::CheckoutDate,
        ];
        let hidden: Vec<usize> = about_people.iter().filter_map(|column| self.columns.get(column).copied()).collect();
        let said = self.header.iter().zip(&row.fields).enumerate();
        let mut object: BTreeMap<&str, &str> = said
            .filter(|(at, (_, value))| !hidden.contains(at) && !value.is_empty())
            .map(|(_, (key, value))| (key.as_str(), value.as_str()))
            .collect();
        object.insert("name", asset);
        document(&object)
    }
}

impl<R: BufRead> Source for SnipeIt<R> {
    fn next_row(&mut self) -> io::Result<Option<Planned>> {
        Ok(self.rows.next_row()?.map(|row| match row {
            Ok(row) => Planned { line: row.line, steps: self.plan(&row), must_exist: None },
            Err(BadRow { line, reason }) => Planned::refused(line, reason),
        }))
    }
}

struct Holder {
    party: String,
    payload: Option<Document>,
}

/// Whom the asset is checked out to, if to anybody.
fn holder<'a>(get: &impl Fn(Column) -> Option<&'a str>) -> Result<Option<Holder>, String> {
    let place = get(Column::CheckoutLocation).map(|place| Holder { party: format!("place:{place}"), payload: None });
    let kind = get(Column::CheckoutType).map(str::to_lowercase);
    match kind.as_deref() {
        Some("location") => place.map(Some).ok_or_else(|| "is checked out to a location but names none".to_owned()),
        Some("user") => person(get)?.map(Some).ok_or_else(|| "is checked out to a user but names none".to_owned()),
        None => Ok(person(get)?.or(place)),
        Some(other) => Err(format!("has checkout type \"{other}\", which is neither user nor location")),
    }
}

fn person<'a>(get: &impl Fn(Column) -> Option<&'a str>) -> Result<Option<Holder>, String> {
    let parts: Vec<&str> = [Column::FirstName, Column::LastName].into_iter().filter_map(get).collect();
    let full_name = get(Column::FullName).map(str::to_owned).or((!parts.is_empty()).then(|| parts.join(" ")));
    let email = get(Column::Email).map(str::to_lowercase);
    // An address tells two people of one name apart, and outlives a change of user name.
    let called = email.clone().or(get(Column::Username).map(str::to_owned)).or(full_name.clone());
    let Some(called) = called else { return Ok(None) };
    let party = format!("person:{called}");
    let mut object = BTreeMap::from([("name", party.as_str())]);
    object.extend(full_name.as_deref().map(|name| ("full_name", name)));
    object.extend(email.as_deref().map(|email| ("email", email)));
    let payload = Some(document(&object)?);
    Ok(Some(Holder { party, payload }))
}

fn document(object: &BTreeMap<&str, &str>) -> Result<Document, String> {
    let text = serde_json::to_string(object).expect("texts can be written as JSON");
    Document::parse(&text).map_err(|error| format!("says more than a record can carry: {error}"))
}

fn columns(header: &[String]) -> Result<HashMap<Column, usize>, String> {
    let mut columns = HashMap::new();
    for (column, names) in HEADERS {
        // The first name of a list that the header has is meant, so that "Model Name" wins over "Model".
        let at = |name: &&str| header.iter().position(|text| plain(text) == **name);
        if let Some(at) = names.iter().find_map(at) {
            columns.insert(*column, at);
        }
    }
    if !columns.contains_key(&Column::AssetTag) {
        return Err("its header has no column \"Asset Tag\"".to_owned());
    }
    match header.iter().enumerate().find(|(at, text)| header[..*at].contains(text)) {
        Some((_, twice)) => Err(format!("its header has the column \"{twice}\" twice")),
        None => Ok(columns),
    }
}

fn plain(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
