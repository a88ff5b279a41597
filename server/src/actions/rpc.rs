//! The runner as the live plane's rpc: `run` and `cancel`, JSON in and out.

use super::runner::Runner;
use crate::live::{Identity, Rpc};
use farol_model::{
    Fault,
    action::RunRequest,
    wire::payload::{CancelRequest, RunAccepted},
};
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

impl Rpc for Runner {
    fn call<'a>(
        &'a self,
        identity: &'a Identity,
        peer: &'a str,
        method: &'a str,
        data: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, Fault>> {
        Box::pin(async move {
            match method {
                "run" => {
                    let request: RunRequest = read(data)?;
                    let run = self.start(&identity.viewer, peer, request).await?;
                    serde_json::to_vec(&RunAccepted { run: run.id }).map_err(|_| Fault::internal())
                }
                "cancel" => {
                    let request: CancelRequest = read(data)?;
                    self.cancel(&identity.viewer, peer, &request.run).await?;
                    Ok(b"{}".to_vec())
                }
                other => {
                    let shown: String = other.chars().take(64).collect();
                    Err(Fault::not_found(format!(
                        "There is no method `{shown}`; there are run and cancel."
                    )))
                }
            }
        })
    }
}

fn read<T: DeserializeOwned>(data: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(data)
        .map_err(|error| Fault::invalid("data", format!("The request cannot be read: {error}.")))
}
