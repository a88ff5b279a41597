//! The runner as the live plane's rpc: `run` and `cancel`, JSON in and out.

use super::runner::Runner;
use crate::live::{Answer, Identity, Method, Rpc};
use farol_model::{
    Fault,
    action::RunRequest,
    wire::payload::{CancelRequest, RunAccepted},
};
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

impl Rpc for Runner {
    fn call<'a>(
        &'a self,
        identity: &'a Identity,
        peer: &'a str,
        method: &'a str,
        data: &'a [u8],
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            match Method::parse(method) {
                Some(Method::Run) => {
                    let RunCall { follow, request } = read(data)?;
                    let run = self.start(identity, peer, request).await?;
                    let channel = follow.then(|| format!("runs/{}", run.id));
                    let accepted = RunAccepted { run: run.id };
                    Ok(Answer {
                        data: serde_json::to_vec(&accepted).map_err(|_| Fault::internal())?,
                        follow: channel,
                    })
                }
                Some(Method::Cancel) => {
                    let request: CancelRequest = read(data)?;
                    self.cancel(&identity.viewer, peer, &request.run).await?;
                    Ok(b"{}".to_vec().into())
                }
                // The live plane answers these itself.
                Some(Method::Connections | Method::Frames) | None => Err(Method::unknown(method)),
            }
        })
    }
}

/// Data of the `run` method.
#[derive(Deserialize, JsonSchema)]
pub struct RunCall {
    /// Whether the caller is to be subscribed to the channel of the run.
    #[serde(default)]
    follow: bool,
    #[serde(flatten)]
    request: RunRequest,
}

fn read<T: DeserializeOwned>(data: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(data)
        .map_err(|error| Fault::invalid("data", format!("The request cannot be read: {error}.")))
}
