//! Who a connection is: connect and refresh.

use super::{Answer, Commands, Stop, refusal};
use crate::{live::Identity, time::now_ms};
use farol_model::wire::{
    ConnectRequest, ConnectResult, Encoding, RefreshRequest, RefreshResult, Reply, SubscribeRequest,
    codes::{Disconnect, error},
};
use std::{collections::HashMap, sync::Arc};

/// What the connect result calls the server.
pub const SERVER_VERSION: &str = concat!("farol ", env!("CARGO_PKG_VERSION"));

/// Clients that call themselves so in connect (or `farol-...`) get numeric channel ids under Protobuf when they ask.
///
/// Others do not: the Protobuf build of npm `centrifuge` 5.8.0 asks for them in every subscribe, reads them as `Long`
/// objects, compares those by identity and so drops every publication. Under JSON numbers are numbers and all who ask
/// get them.
pub const NUMBERED_CLIENT: &str = "farol";

impl Commands {
    pub(super) async fn connect(&mut self, id: u32, request: ConnectRequest) -> Answer<()> {
        if self.connected() {
            return Err(Disconnect::BAD_REQUEST.into());
        }
        let shown = match request.token.is_empty() {
            true => self.proven.take(),
            false => {
                let found = self.gate(self.live.gate.by_token(&request.token)).await?;
                Some(Arc::new(found.ok_or(Disconnect::INVALID_TOKEN)?))
            }
        };
        let Some(shown) = shown else {
            let message = "Sign in, or send an API token or a ticket in the connect command.";
            self.refuse(id, refusal(error::UNAUTHORIZED, message, false));
            return Err(Disconnect::INVALID_TOKEN.into());
        };
        // In this order: what ends between the two is seen by one of them.
        if self.seat.identify(&shown).is_err() {
            return Err(Disconnect::CONNECTION_LIMIT.into());
        }
        let identity = match self.recheck(&shown).await {
            Ok(identity) => identity,
            Err(stop) => {
                // A temporary refusal: the next connect command finds the proof again.
                self.proven = Some(shown).filter(|_| request.token.is_empty());
                return Err(stop);
            }
        };
        self.identity = Some(identity.clone());
        self.span.record("user", identity.viewer.user_id);
        self.seat.client.set_program(&request.name, &request.version);
        if self.outbox.encoding() == Encoding::Json
            || request.name == NUMBERED_CLIENT
            || request.name.starts_with("farol-")
        {
            self.subscriptions.allow_numbers();
        }
        self.welcome(id, identity, request.subs).await
    }

    async fn welcome(
        &mut self,
        id: u32,
        mut identity: Arc<Identity>,
        wanted: HashMap<String, SubscribeRequest>,
    ) -> Answer<()> {
        let mut joined = Vec::new();
        let mut subs = HashMap::new();
        for (name, mut request) in wanted {
            request.channel.clone_from(&name);
            // A channel that is refused is absent from the result; subscribing to it says why.
            match self.join(&identity, &request).await {
                Ok((subscription, result)) => {
                    joined.push(subscription);
                    subs.insert(name, result);
                }
                Err(Stop::Refused(_)) => {}
                Err(ended) => return Err(ended),
            }
            identity = self.identity.clone().unwrap_or(identity);
        }
        let (node, session) = match self.emulated.clone() {
            Some(emulated) => (emulated.node, emulated.session),
            None => Default::default(),
        };
        let connect = ConnectResult {
            client: self.seat.client.name(),
            version: SERVER_VERSION.to_owned(),
            ping: u32::try_from(self.live.limits.ping_interval.as_secs().max(1)).unwrap_or(u32::MAX),
            pong: true,
            time: now_ms(),
            subs,
            session,
            node,
            ..Default::default()
        };
        let reply = Reply {
            id,
            connect: Some(connect),
            ..Default::default()
        };
        self.outbox.open(&joined, &reply);
        Ok(())
    }

    pub(super) async fn refresh(
        &mut self,
        identity: &Identity,
        request: &RefreshRequest,
    ) -> Answer<RefreshResult> {
        let fresh = self.same_user(identity, &request.token).await?;
        if self.seat.identify(&fresh).is_err() {
            return Err(Disconnect::CONNECTION_LIMIT.into());
        }
        self.identity = Some(fresh);
        Ok(RefreshResult {
            client: self.seat.client.name(),
            version: SERVER_VERSION.to_owned(),
            ..Default::default()
        })
    }

    /// The identity behind a token. A connection never changes hands.
    pub(super) async fn same_user(&self, identity: &Identity, token: &str) -> Answer<Arc<Identity>> {
        match self.gate(self.live.gate.by_token(token)).await? {
            Some(fresh) if fresh.viewer.user_id == identity.viewer.user_id => Ok(Arc::new(fresh)),
            _ => Err(Disconnect::INVALID_TOKEN.into()),
        }
    }
}
