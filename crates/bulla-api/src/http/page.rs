//! Long lists in pieces.

use bulla_client::{Page, PageQuery};

use super::errors::{ApiError, Fault};

/// Which piece of a list is asked for; `A` is what the list is ordered by.
pub(crate) struct Piece<A> {
    pub(crate) after: Option<A>,
    pub(crate) limit: usize,
}

impl<A: std::str::FromStr> Piece<A> {
    pub(crate) fn new(query: &PageQuery) -> Result<Piece<A>, ApiError> {
        let limit = query.limit.unwrap_or(PageQuery::LIMIT_DEFAULT);
        if !(1..=PageQuery::LIMIT_MAX).contains(&limit) {
            let detail = format!("limit is 1 to {}", PageQuery::LIMIT_MAX);
            return Err(ApiError::request(Fault::InvalidQuery, detail));
        }
        let after =
            match &query.after {
                None => None,
                Some(text) => Some(text.parse().map_err(|_| {
                    ApiError::request(Fault::InvalidQuery, "after is what the page before gave as next")
                })?),
            };
        Ok(Piece { after, limit })
    }

    /// How many items to read: one more than asked for tells whether there is a next page.
    pub(crate) fn reach(&self) -> usize {
        self.limit + 1
    }

    /// The page, from up to [`Piece::reach`] rows; `key` is what the list is ordered by.
    pub(crate) fn page<R, V, E>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> A,
        view: impl Fn(&R) -> Result<V, E>,
    ) -> Result<Page<V>, ApiError>
    where
        A: std::fmt::Display,
        ApiError: From<E>,
    {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| more).map(|row| key(row).to_string());
        Ok(Page { items: rows.iter().map(view).collect::<Result<_, _>>()?, next })
    }
}
