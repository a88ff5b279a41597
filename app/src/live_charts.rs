//! The live charts of one channel as pages show them: the server says which there are, how each is drawn, and what can be done with it;
//! the browser draws them, beside an earlier period if one is asked for.

#[cfg(feature = "ssr")]
mod drawn;

#[cfg(feature = "ssr")]
pub use drawn::{Wanted, live_charts};

use crate::prelude::*;
use crate::{
    charts::live::LiveChart,
    error::AppError,
    feed::{self, Channel, ChannelChart},
    page_data::PageData,
};
use farol_model::{fields, sample::ChannelView};
use serde::Serialize;

/// Charts of a channel, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LiveGroup {
    pub charts: Vec<LiveChart>,
    /// The earlier period that they are compared with, as the address has it: the word, and what is known of it as if it were now.
    pub period: String,
    pub earlier: Option<ChannelView>,
}

fields!(LiveGroup {
    charts,
    period,
    earlier
});

/// The charts in cards, followed while they are on screen.
pub fn live_group(channel: ChannelView, group: LiveGroup) -> AnyView {
    if group.charts.is_empty() {
        return ().into_any();
    }
    let class = if group.charts.len() == 1 {
        "card"
    } else {
        "card half wide-third"
    };
    let name = channel.channel.clone();
    let cards = cards(feed::channel_on_screen(channel), name, group, class);
    view! { <div class="grid stretch">{cards}</div> }
}

/// A card for each chart of a channel that is followed.
pub fn cards(channel: Channel, name: String, group: LiveGroup, class: &'static str) -> Vec<AnyView> {
    let period = group.period;
    let then = group.earlier.map(|earlier| feed::earlier(name, period, earlier));
    let card = |chart: LiveChart| {
        view! {
            <div class=class>
                <div class="card-body">
                    <ChannelChart channel chart then=then.clone()/>
                </div>
            </div>
        }
    };
    group.charts.into_iter().map(card).collect()
}

/// What the series of a channel were `period` before the time that live charts show, and will have been for the next minute and a
/// half. `by_itself`: the page asks without anybody having done anything.
#[server(prefix = "/api/fn", endpoint = "earlier", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_earlier(
    #[server(default)] channel: String,
    #[server(default)] period: String,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    use crate::{past::look::Offset, request::refuse};
    let (ports, _) = crate::request::allowed(farol_model::Permission::ViewMetrics)?;
    // Read where the session is.
    let _ = by_itself;
    let offset = Offset::read(&period).map_err(refuse)?;
    let earlier = drawn::earlier(&*ports.metrics, &channel, &offset).await;
    PageData::of(earlier.map_err(refuse)?)
}
