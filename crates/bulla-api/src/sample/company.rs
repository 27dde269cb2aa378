//! A made-up company: who works there, what it owns, and where each thing is on the first day.

use jiff::civil::{Date, date};

use super::random::Random;

/// The name of the company.
pub(super) const COMPANY: &str = "Northgate Instruments";
/// Its stores keep what nobody has.
pub(super) const COMPANY_PARTY: &str = "company:Northgate Instruments";
/// The first day of the two years of movements, a Monday.
pub(super) const FIRST_DAY: Date = date(2024, 1, 1);

/// Departments, each with the place where it works.
pub(super) const DEPARTMENTS: [(&str, &str); 7] = [
    ("Engineering", "Leeds HQ"),
    ("Calibration Lab", "Leeds HQ"),
    ("Sales", "London Office"),
    ("Field Service", "Bristol Depot"),
    ("Workshop", "Bristol Depot"),
    ("Finance", "Leeds HQ"),
    ("Logistics", "Hull Warehouse"),
];

const FIRST_NAMES: [&str; 40] = [
    "Aisha", "Alan", "Amelia", "Anders", "Beatriz", "Callum", "Chidi", "Clara", "Daniel", "Deepa", "Elena", "Emeka",
    "Fiona", "George", "Grace", "Hana", "Hugo", "Imran", "Ines", "Jack", "Jana", "Kofi", "Laura", "Liam", "Lucia",
    "Marek", "Mei", "Nadia", "Noah", "Olga", "Oscar", "Priya", "Quentin", "Rosa", "Samir", "Sofia", "Tariq", "Tessa",
    "Viktor", "Yusuf",
];
const LAST_NAMES: [&str; 40] = [
    "Abbott", "Ahmed", "Bauer", "Bennett", "Castro", "Chen", "Clarke", "Dawson", "Diaz", "Eze", "Fischer", "Foster",
    "Garcia", "Grant", "Hughes", "Ibrahim", "Jensen", "Kaya", "Kelly", "Kowalski", "Larsen", "Lopez", "Marsh", "Mehta",
    "Moreau", "Novak", "Okafor", "Owens", "Patel", "Quinn", "Rossi", "Sato", "Silva", "Singh", "Taylor", "Turner",
    "Usman", "Vargas", "Walsh", "Young",
];

/// A kind of asset that is one thing each.
pub(super) struct Kind {
    pub(super) category: &'static str,
    prefix: &'static str,
    /// Share of all assets, in percent.
    share: u64,
    /// Manufacturer, model, price in whole pounds.
    models: &'static [(&'static str, &'static str, u64)],
    serial_length: usize,
}

const KINDS: [Kind; 4] = [
    Kind {
        category: "Laptops",
        prefix: "LAPTOP",
        share: 40,
        models: &[
            ("Lenovo", "ThinkPad T14 Gen 4", 1_240),
            ("Dell", "Latitude 5440", 1_105),
            ("Apple", "MacBook Air 13\"", 1_149),
        ],
        serial_length: 8,
    },
    Kind {
        category: "Phones",
        prefix: "PHONE",
        share: 25,
        models: &[("Apple", "iPhone 15", 799), ("Samsung", "Galaxy A54", 399), ("Google", "Pixel 8", 699)],
        serial_length: 11,
    },
    Kind {
        category: "Tools",
        prefix: "TOOL",
        share: 25,
        models: &[
            ("Fluke", "87V multimeter", 445),
            ("Bosch", "GSB 18V-55 drill", 189),
            ("Hilti", "PM 2-LG line laser, 20 m", 379),
            ("Rigol", "DHO804 oscilloscope", 409),
        ],
        serial_length: 9,
    },
    Kind {
        category: "Vehicles",
        prefix: "VAN",
        share: 10,
        models: &[("Ford", "Transit Custom", 31_500), ("Volkswagen", "Caddy Cargo", 24_900)],
        serial_length: 17,
    },
];

// As in vehicle identification numbers: I, O and Q are too easily misread.
const SERIAL_ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ";

/// Somebody who works for the company.
pub(super) struct Employee {
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) email: String,
    /// Index into [`DEPARTMENTS`].
    pub(super) department: usize,
}

impl Employee {
    /// What the importers call this person.
    pub(super) fn party(&self) -> String {
        format!("person:{}", self.email)
    }
}

/// Who has an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// It lies in the company's stores.
    Stores,
    /// An employee, by index.
    Employee(usize),
    /// It stands at a department's place, by index of the department.
    Place(usize),
}

/// An asset that is one thing.
pub(super) struct Asset {
    pub(super) tag: String,
    pub(super) serial: String,
    pub(super) category: &'static str,
    pub(super) manufacturer: &'static str,
    pub(super) model: &'static str,
    pub(super) price_pence: u64,
    pub(super) purchased: Date,
    /// Who has it on the first day.
    pub(super) holder: Holder,
    /// Since when, unless it lies in the stores.
    pub(super) checked_out: Option<Date>,
}

/// The company on the first day.
pub(super) struct Company {
    pub(super) employees: Vec<Employee>,
    pub(super) assets: Vec<Asset>,
}

impl Company {
    /// Makes up a company with `assets` assets.
    pub(super) fn new(assets: usize, seed: u64) -> Company {
        let employees = employees((assets * 2 / 3).max(5), &mut Random::new(seed, 1));
        let mut random = Random::new(seed, 2);
        let mut numbers = [0u64; KINDS.len()];
        let assets = (0..assets)
            .map(|_| {
                let kind = kind(&mut random);
                numbers[kind] += 1;
                asset(&KINDS[kind], numbers[kind], employees.len(), &mut random)
            })
            .collect();
        Company { employees, assets }
    }

    /// What the importers call whoever has an asset.
    pub(super) fn party(&self, holder: Holder) -> String {
        match holder {
            Holder::Stores => COMPANY_PARTY.to_owned(),
            Holder::Employee(at) => self.employees[at].party(),
            Holder::Place(department) => format!("place:{}", DEPARTMENTS[department].1),
        }
    }
}

fn employees(number: usize, random: &mut Random) -> Vec<Employee> {
    let names = FIRST_NAMES.len() * LAST_NAMES.len();
    // A stride without a common divisor walks through all names before it meets one again.
    let (start, stride) = (random.index(names), 619);
    (0..number)
        .map(|n| {
            let name = (start + n * stride) % names;
            let (first_name, last_name) = (FIRST_NAMES[name % FIRST_NAMES.len()], LAST_NAMES[name / FIRST_NAMES.len()]);
            let again = n / names;
            let number = if again == 0 { String::new() } else { (again + 1).to_string() };
            let email = format!("{first_name}.{last_name}{number}@northgate.example").to_lowercase();
            Employee { first_name, last_name, email, department: random.index(DEPARTMENTS.len()) }
        })
        .collect()
}

fn kind(random: &mut Random) -> usize {
    let mut left = random.below(100);
    KINDS
        .iter()
        .position(|kind| {
            let hit = left < kind.share;
            left = left.saturating_sub(kind.share);
            hit
        })
        .expect("the shares add up to 100")
}

fn asset(kind: &Kind, number: u64, employees: usize, random: &mut Random) -> Asset {
    let &(manufacturer, model, price) = random.pick(kind.models);
    let days_before = |days: u64| FIRST_DAY.saturating_sub(jiff::Span::new().days(days.cast_signed()));
    let age_days = 60 + random.below(900);
    let holder = match random.below(100) {
        0..60 => Holder::Employee(random.index(employees)),
        60..68 => Holder::Place(random.index(DEPARTMENTS.len())),
        _ => Holder::Stores,
    };
    let checked_out_days = 1 + random.below(age_days - 1);
    Asset {
        tag: format!("{}-{number:04}", kind.prefix),
        serial: random.text(SERIAL_ALPHABET, kind.serial_length),
        category: kind.category,
        manufacturer,
        model,
        price_pence: price * 100 - random.below(price * 5),
        purchased: days_before(age_days),
        holder,
        checked_out: (holder != Holder::Stores).then(|| days_before(checked_out_days)),
    }
}
