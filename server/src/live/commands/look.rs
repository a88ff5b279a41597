//! Looks into a channel without being subscribed to it: what was published, and who is there.

use super::{Answer, Commands, refusal};
use crate::live::Identity;
use farol_model::wire::{HistoryRequest, HistoryResult, PresenceResult, PresenceStatsResult, codes::error};
use std::sync::Arc;

impl Commands {
    pub(super) async fn history(
        &mut self,
        identity: &Arc<Identity>,
        request: &HistoryRequest,
    ) -> Answer<HistoryResult> {
        let channel = self.may_look(identity, &request.channel).await?;
        let history = channel.history(request, self.outbox.encoding(), &self.live.limits);
        history.ok_or_else(|| {
            let message = "This channel keeps no history. Subscribe to it and you get the whole state.";
            refusal(error::NOT_AVAILABLE, message, false).into()
        })
    }

    pub(super) async fn presence(
        &mut self,
        identity: &Arc<Identity>,
        channel: &str,
    ) -> Answer<PresenceResult> {
        let channel = self.may_look(identity, channel).await?;
        let present = channel.present();
        if present.len() > self.live.limits.presence {
            let message = format!(
                "{} connections are in this channel, too many to name. Ask for presence_stats.",
                present.len()
            );
            return Err(refusal(error::LIMIT_EXCEEDED, message, false).into());
        }
        let presence = present
            .iter()
            .filter_map(|client| client.info())
            .map(|info| (info.client.clone(), info))
            .collect();
        Ok(PresenceResult { presence })
    }

    pub(super) async fn presence_stats(
        &mut self,
        identity: &Arc<Identity>,
        channel: &str,
    ) -> Answer<PresenceStatsResult> {
        Ok(self.may_look(identity, channel).await?.presence_stats())
    }
}
