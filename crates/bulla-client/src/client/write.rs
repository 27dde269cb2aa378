//! Calls that write: each under a record id that is fixed before the first attempt.

use bulla_ledger::Transfer;
use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::Serialize;
use uuid::Uuid;

use super::Client;
use crate::{
    ANSWERS_MEDIA_TYPE, AssetRequest, BatchAnswer, BatchRequest, ClassRequest, ClientError, CompactAnswer,
    EraseRequest, ItemAnswer, PartyRequest, Recorded, Stage, TRANSFERS_MEDIA_TYPE, TransferRequest,
};

impl Client {
    /// Makes a party known.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the ledger's reason; others when no server did it.
    pub async fn enroll(&self, mut request: PartyRequest, wait: Stage) -> Result<Recorded, ClientError> {
        let record_id = *request.record_id.get_or_insert_with(Uuid::now_v7);
        self.post("parties", &request, record_id, wait).await
    }

    /// Makes an asset class known.
    ///
    /// # Errors
    /// As [`Client::enroll`].
    pub async fn define(&self, mut request: ClassRequest, wait: Stage) -> Result<Recorded, ClientError> {
        let record_id = *request.record_id.get_or_insert_with(Uuid::now_v7);
        self.post("classes", &request, record_id, wait).await
    }

    /// Registers an asset.
    ///
    /// # Errors
    /// As [`Client::enroll`].
    pub async fn register(&self, mut request: AssetRequest, wait: Stage) -> Result<Recorded, ClientError> {
        let record_id = *request.record_id.get_or_insert_with(Uuid::now_v7);
        self.post("assets", &request, record_id, wait).await
    }

    /// Does any one act.
    ///
    /// # Errors
    /// As [`Client::enroll`].
    pub async fn submit(&self, mut request: TransferRequest, wait: Stage) -> Result<Recorded, ClientError> {
        let record_id = *request.record_id.get_or_insert_with(Uuid::now_v7);
        self.post("transfers", &request, record_id, wait).await
    }

    /// Does several acts; the answers are in the order of the requests.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the batch is malformed, or atomic and one of it was rejected.
    pub async fn submit_batch(&self, mut batch: BatchRequest, wait: Stage) -> Result<BatchAnswer, ClientError> {
        let record_ids: Vec<Uuid> =
            batch.transfers.iter_mut().map(|request| *request.record_id.get_or_insert_with(Uuid::now_v7)).collect();
        let answer =
            self.exchange.send(&["v1", "transfers"], |http, url| http.post(waiting(url, wait)).json(&batch)).await?;
        let answers: BatchAnswer = answer.json()?;
        if answers.results.len() != record_ids.len() {
            return Err(answer.unintelligible("it has not one result for each transfer"));
        }
        for (result, record_id) in answers.results.iter().zip(record_ids) {
            if let ItemAnswer::Recorded(recorded) = result {
                same(record_id, recorded.record_id)?;
            }
        }
        Ok(answers)
    }

    /// Does several acts that are encoded already, and takes compact answers, in the same order.
    ///
    /// # Errors
    /// As [`Client::submit_batch`].
    pub async fn submit_compact(
        &self,
        transfers: &[Transfer],
        atomic: bool,
    ) -> Result<Vec<CompactAnswer>, ClientError> {
        let body: bytes::Bytes = transfers.iter().flat_map(Transfer::encode).collect();
        let answer = self
            .exchange
            .send(&["v1", "transfers"], |http, url| {
                http.post(url)
                    .query(&[("atomic", atomic)])
                    .header(CONTENT_TYPE, TRANSFERS_MEDIA_TYPE)
                    .header(ACCEPT, ANSWERS_MEDIA_TYPE)
                    .body(body.clone())
            })
            .await?;
        let answers = CompactAnswer::decode_all(&answer.body)?;
        if answers.len() != transfers.len() {
            return Err(answer.unintelligible("it has not one answer for each transfer"));
        }
        Ok(answers)
    }

    /// Has the payload of a record destroyed, on every server and for ever. The record and its proofs stay.
    ///
    /// # Errors
    /// As [`Client::enroll`].
    pub async fn erase(
        &self,
        record_id: Uuid,
        mut request: EraseRequest,
        wait: Stage,
    ) -> Result<Recorded, ClientError> {
        let notice_id = *request.record_id.get_or_insert_with(Uuid::now_v7);
        let path = ["v1", "records", &record_id.to_string(), "erase"];
        let answer = self.exchange.send(&path, |http, url| http.post(waiting(url, wait)).json(&request)).await?;
        let recorded: Recorded = answer.json()?;
        same(notice_id, recorded.record_id)?;
        Ok(recorded)
    }

    async fn post(
        &self,
        list: &str,
        request: &impl Serialize,
        record_id: Uuid,
        wait: Stage,
    ) -> Result<Recorded, ClientError> {
        let answer = self.exchange.send(&["v1", list], |http, url| http.post(waiting(url, wait)).json(request)).await?;
        let recorded: Recorded = answer.json()?;
        same(record_id, recorded.record_id)?;
        Ok(recorded)
    }
}

fn waiting(mut url: Url, wait: Stage) -> Url {
    if wait == Stage::Sealed {
        url.query_pairs_mut().append_pair("wait", "sealed");
    }
    url
}

fn same(asked: Uuid, answered: Uuid) -> Result<(), ClientError> {
    match asked == answered {
        true => Ok(()),
        false => {
            Err(ClientError::SomethingElse { asked: format!("record {asked}"), answered: format!("record {answered}") })
        }
    }
}
