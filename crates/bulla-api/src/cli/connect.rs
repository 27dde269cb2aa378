//! Which cluster a command talks to, and whom it believes.

use std::path::PathBuf;

use bulla_client::{Client, ClientOptions, PageQuery};
use bulla_sealing::Policy;

use super::exit::{Failure, chain};

/// The servers to ask, and the keys to believe.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Servers {
    /// A server of the cluster; give it several times, or separated by commas, to have others tried
    /// when one is down
    #[arg(
        long,
        global = true,
        help_heading = "Which cluster",
        env = "BULLA_URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:7601",
        value_name = "URL"
    )]
    pub(crate) url: Vec<String>,
    /// The policy: the keys that receipts and checkpoints must be signed with. Get it from the
    /// operator, not from the server that you want to check
    #[arg(long, global = true, help_heading = "Which cluster", env = "BULLA_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

impl Servers {
    /// A client of these servers, which verifies what it can if there is a policy.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        if let Some(url) = self.url.iter().find(|url| !url.starts_with("http://")) {
            return Err(Failure::could_not(format!(
                "{url:?} is no URL of a server: those begin with http://, such as http://127.0.0.1:7601"
            )));
        }
        let mut options = ClientOptions::new(&self.url);
        options.policy = self.policy.is_some().then(|| self.policy()).transpose()?;
        Ok(Client::new(options)?)
    }

    /// The policy that was given.
    pub(crate) fn policy(&self) -> Result<Policy, Failure> {
        let Some(path) = &self.policy else {
            return Err(Failure::could_not(
                "this needs a policy, the keys to believe: get one from the operator and give it with --policy FILE",
            ));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::caused(format_args!("cannot read the policy {}", path.display()), &error))?;
        Policy::parse(&text)
            .map_err(|error| Failure::could_not(format!("{} is not a policy: {}", path.display(), chain(&error))))
    }
}

/// Which piece of a list.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Paging {
    /// At most this many, 1 to 1000
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Go on after this place, as the list before said
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
}

impl Paging {
    /// As the client asks for it.
    pub(crate) fn query(&self) -> PageQuery {
        PageQuery { after: self.after.clone(), limit: Some(self.limit.into()) }
    }

    /// A line that says how to go on, when there is more.
    pub(crate) fn more(&self, next: Option<&str>) -> String {
        next.map(|next| format!("more: --after {next}\n")).unwrap_or_default()
    }
}
