//! What a client wants done: rpc, publish, send.

use super::{Answer, Commands, gone, parse, refusal, subscriptions::too_many_rooms};
use crate::{
    live::{Answer as RpcAnswer, Identity, Live, Method},
    time::now_ms,
};
use bytes::Bytes;
use farol_model::{
    Fault,
    connection::{ConnectionQuery, FramesQuery},
    wire::{
        Error, PublishRequest, PublishResult, Reply, RpcRequest, RpcResult, codes::error,
        payload::ClockReport,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use tracing::Instrument as _;

impl Commands {
    /// Runs beside all that follows, and to its end also when the connection goes: what was asked for is done.
    pub(super) fn rpc(&self, id: u32, identity: Arc<Identity>, request: RpcRequest) -> Answer<()> {
        let Ok(permit) = self.rpcs.clone().try_acquire_owned() else {
            let message = format!(
                "{} calls of this connection are still running. Wait for one to end.",
                self.live.limits.rpcs_in_flight
            );
            return Err(refusal(error::TOO_MANY_REQUESTS, message, true).into());
        };
        let (live, outbox) = (self.live.clone(), self.outbox.clone());
        let subscriptions = self.subscriptions.clone();
        let address = self.seat.client.address.to_string();
        let call = async move {
            let answer = match live.gate.recheck(&identity).await {
                Ok(Some(identity)) => match observed(&live, &identity, &request) {
                    Some(answer) => answer,
                    None => {
                        live.rpc
                            .call(&identity, &address, &request.method, &request.data)
                            .await
                    }
                }
                .map(|answer| (identity, answer)),
                Ok(None) => Err(Fault::unauthenticated()),
                Err(fault) => Err(fault),
            };
            let mut reply = Reply {
                id,
                ..Default::default()
            };
            match answer
                .and_then(|(who, answer)| Ok((who, answer.follow, checked(answer.data, &request.method)?)))
            {
                Ok((who, follow, data)) => {
                    if let Some(channel) = follow {
                        subscriptions.follow(&live, &who, &channel).await;
                    }
                    reply.rpc = Some(RpcResult { data: data.into() });
                }
                Err(fault) => reply.error = Some(Error::from(&fault)),
            }
            outbox.control(&reply);
            drop(permit);
        };
        self.live.tasks.spawn(call.in_current_span());
        Ok(())
    }

    /// Says something in a room.
    pub(super) async fn publish(
        &mut self,
        identity: &Arc<Identity>,
        request: PublishRequest,
    ) -> Answer<PublishResult> {
        let name = parse(&request.channel)?;
        let Some(permission) = name.publish_permission() else {
            let message =
                "Only rooms take what clients publish. Call the rpc method that does what you want.";
            return Err(refusal(error::NOT_AVAILABLE, message, false).into());
        };
        let identity = self.recheck(identity).await?;
        identity.viewer.require(permission)?;
        let data = self.sayable(request.data)?;
        let room = self.live.hub.room(&request.channel).ok_or_else(too_many_rooms)?;
        let said = self
            .seat
            .client
            .info()
            .is_some_and(|by| self.live.hub.say(&room, data, by, now_ms()));
        if !said {
            // It was taken down between the two lines above; the next try makes it anew.
            return Err(gone(&self.live, &request.channel, &name).into());
        }
        Ok(PublishResult {})
    }

    fn sayable(&self, data: Bytes) -> Result<Bytes, Error> {
        let limit = self.live.limits.room_message_bytes;
        if data.len() > limit {
            let message = format!(
                "A message in a room has {limit} bytes at most; this one has {}.",
                data.len()
            );
            return Err(refusal(error::BAD_REQUEST, message, false));
        }
        // Whoever hears it must be able to hold it, too.
        if serde_json::from_slice::<Value>(&data).is_err() {
            let message = "`data` of publish must be a JSON value, of numbers that a double can hold and less than 128 deep.";
            return Err(refusal(error::BAD_REQUEST, message, false));
        }
        Ok(data)
    }

    /// A message without an answer. Farol understands reports of the client's clock and lets all else pass.
    pub(super) fn send(&self, data: &[u8]) {
        match serde_json::from_slice::<ClockReport>(data) {
            Ok(report) => self.outbox.clock(report.clock_ms),
            Err(_) => tracing::debug!(peer = %self.seat.client.address, "a send command was ignored"),
        }
    }
}

/// The methods that are about the live plane itself; None for any other.
fn observed(live: &Live, identity: &Identity, request: &RpcRequest) -> Option<Result<RpcAnswer, Fault>> {
    let viewer = &identity.viewer;
    let written = match Method::parse(&request.method)? {
        Method::Connections => asked(&request.data)
            .and_then(|query: ConnectionQuery| live.connections(viewer, &query))
            .map(|page| serde_json::to_vec(&page)),
        Method::Frames => asked(&request.data)
            .and_then(|of: FramesQuery| live.frames(viewer, &of.connection))
            .map(|frames| serde_json::to_vec(&frames)),
        Method::Run | Method::Cancel => return None,
    };
    Some(written.and_then(|data| Ok(data.map_err(|_| Fault::internal())?.into())))
}

fn asked<T: DeserializeOwned>(data: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(data)
        .map_err(|error| Fault::invalid("data", format!("The request cannot be read: {error}.")))
}

/// What cannot be written as JSON must not reach the wire: the frame would be another one.
fn checked(data: Vec<u8>, method: &str) -> Result<Vec<u8>, Fault> {
    if data.is_empty() || is_json(&data) {
        return Ok(data);
    }
    tracing::error!(method, "an rpc method answered what is not JSON");
    Err(Fault::internal())
}

fn is_json(data: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
}
