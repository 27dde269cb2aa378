//! Which cluster a command talks to, and whom it believes.

use std::env;
use std::path::PathBuf;

use bulla_client::{Client, ClientOptions, PageQuery};
use bulla_sealing::Policy;

use super::exit::{Failure, chain};

/// The first server of the example configuration, which is asked when nobody says otherwise.
const SERVER: &str = "http://127.0.0.1:7601";

/// The servers to ask, and the keys to believe.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Servers {
    /// A server of the cluster; give it several times, or separated by commas, to have others tried
    /// when one is down [env: BULLA_URL] [default: http://127.0.0.1:7601]
    #[arg(long, global = true, help_heading = "Which cluster", value_delimiter = ',', value_name = "URL")]
    url: Vec<String>,
    /// The policy: the keys that receipts and checkpoints must be signed with. Get it from the
    /// operator, not from the server that you want to check [env: BULLA_POLICY]
    #[arg(long, global = true, help_heading = "Which cluster", value_name = "FILE")]
    policy: Option<PathBuf>,
}

// The environment is read here and not by clap, which would then show these two in every line of
// usage as if they had to be given.
impl Servers {
    /// The servers to ask, in this order.
    pub(crate) fn urls(&self) -> Vec<String> {
        if !self.url.is_empty() {
            return self.url.clone();
        }
        let given = env::var("BULLA_URL").unwrap_or_default();
        let given: Vec<String> = given.split(',').filter(|url| !url.is_empty()).map(str::to_owned).collect();
        if given.is_empty() { vec![SERVER.to_owned()] } else { given }
    }

    fn policy_file(&self) -> Option<PathBuf> {
        let given = || env::var_os("BULLA_POLICY").filter(|file| !file.is_empty()).map(PathBuf::from);
        self.policy.clone().or_else(given)
    }

    /// Whether there is a policy to hold answers against.
    pub(crate) fn has_policy(&self) -> bool {
        self.policy_file().is_some()
    }

    /// A client of these servers, which verifies what it can if there is a policy.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let urls = self.urls();
        if let Some(url) = urls.iter().find(|url| !url.starts_with("http://")) {
            return Err(Failure::could_not(format!(
                "{url:?} is no URL of a server: those begin with http://, such as {SERVER}"
            )));
        }
        let mut options = ClientOptions::new(&urls);
        options.policy = self.has_policy().then(|| self.policy()).transpose()?;
        Ok(Client::new(options)?)
    }

    /// The policy that was given.
    pub(crate) fn policy(&self) -> Result<Policy, Failure> {
        let Some(path) = self.policy_file() else {
            return Err(Failure::could_not(
                "this needs a policy, the keys to believe: get one from the operator and give it with --policy FILE",
            ));
        };
        let text = std::fs::read_to_string(&path)
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
