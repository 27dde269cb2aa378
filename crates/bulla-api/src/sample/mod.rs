//! A made-up company and two years of its hand-overs, to try the ledger with: the same for the same seed.

mod company;
mod movements;
mod random;
mod write;

use std::io;

use company::Company;
use movements::Movements;

/// How much to make up, and which of the many companies it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Laptops, phones, tools and vehicles.
    pub(crate) assets: usize,
    /// Movements of them, and of stock.
    pub(crate) transfers: u64,
    /// Another seed is another company.
    pub(crate) seed: u64,
}

impl Sample {
    /// Writes the assets as they are on the first day, as Snipe-IT would.
    ///
    /// # Errors
    /// What writing fails with.
    pub(crate) fn write_snipe_it(&self, out: impl io::Write) -> io::Result<()> {
        write::snipe_it(&self.company(), out)
    }

    /// Writes the movements that follow as `time,asset,from,to,quantity,reference`.
    ///
    /// # Errors
    /// What writing fails with.
    pub(crate) fn write_transfers_csv(&self, out: impl io::Write) -> io::Result<()> {
        let company = self.company();
        write::transfers_csv(Movements::new(&company, self.transfers, self.seed), out)
    }

    /// Writes everything, from the first party on, as the API takes it, one request a line.
    ///
    /// # Errors
    /// What writing fails with.
    pub(crate) fn write_ndjson(&self, out: impl io::Write) -> io::Result<()> {
        let company = self.company();
        let movements = Movements::new(&company, self.transfers, self.seed);
        write::ndjson(&company, movements, &format!("{}/{}/{}", self.seed, self.assets, self.transfers), out)
    }

    fn company(&self) -> Company {
        Company::new(self.assets, self.seed)
    }
}

#[cfg(test)]
mod tests;
