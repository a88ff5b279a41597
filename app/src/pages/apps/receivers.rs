//! Where samples are sent on, as the server draws it beside the sources: who takes them, who does not and why, and what waits on disk.

use super::{
    drawn::{heard, when},
    words::{count, receiver_words},
};
use crate::{
    format::{duration, format},
    prelude::*,
    ui::{Badge, Card},
};
use farol_model::{
    ingest::{Receiver, ReceiverState},
    metric::Unit,
};

/// All receivers; nothing where none is configured.
pub fn card(receivers: &[Receiver], now_ms: i64) -> AnyView {
    if receivers.is_empty() {
        return ().into_any();
    }
    let rows = receivers
        .iter()
        .map(|receiver| row(receiver, now_ms))
        .collect::<Vec<_>>();
    view! {
        <Card title="Remote write" flush=true>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Table of receivers">
                <table class="table plain-head">
                    <thead>
                        <tr>
                            <th scope="col">"State"</th>
                            <th scope="col">"Receiver"</th>
                            <th scope="col">"Last success"</th>
                            <th scope="col" class="number">
                                "Samples sent"
                            </th>
                            <th scope="col" class="number">
                                "Dropped"
                            </th>
                            <th scope="col" class="number">
                                "Waits on disk"
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
}

fn row(receiver: &Receiver, now_ms: i64) -> AnyView {
    let (tone, glyph, word) = receiver_words(receiver.state);
    let dropped: u64 = receiver.dropped.iter().map(|(_, samples)| samples).sum();
    let reasons: Vec<String> = receiver
        .dropped
        .iter()
        .map(|(why, samples)| format!("{} {}", count(*samples as f64), dropped_words(why)))
        .collect();
    let reasons = (!reasons.is_empty()).then(|| view! { <span class="sub">{reasons.join(", ")}</span> });
    let bytes = |bytes: u64| format(bytes as f64, Unit::Bytes).to_string();
    view! {
        <tr>
            <td>
                <Badge tone glyph word/>
            </td>
            <td title=format!("{}: {}", receiver.name, receiver.at)>
                <strong>{receiver.name.clone()}</strong>
                <span class="sub">{receiver.at.clone()}</span>
            </td>
            <td>{heard(receiver.last_ms, now_ms)}</td>
            <td class="number">{count(receiver.sent as f64)}</td>
            <td class="number">{count(dropped as f64)} {reasons}</td>
            <td class="number">
                {bytes(receiver.queue_bytes)} " of " {bytes(receiver.queue_limit_bytes)}
            </td>
        </tr>
        {error(receiver, now_ms)}
    }
}

/// Why samples were lost.
fn dropped_words(why: &str) -> &str {
    match why {
        "full" => "queue full",
        "disk" => "disk error",
        "order" => "out of order",
        "busy" => "too many at once",
        other => other,
    }
}

/// A row below: what went wrong last and when, and what is done about it.
fn error(receiver: &Receiver, now_ms: i64) -> AnyView {
    let (Some(error), Some(at_ms)) = (&receiver.error, receiver.error_ms) else {
        return ().into_any();
    };
    let next = match (receiver.state, receiver.retry_ms) {
        (ReceiverState::Retrying, Some(retry_ms)) if retry_ms - now_ms >= 1000 => {
            format!(", next try in {}", duration(retry_ms - now_ms))
        }
        (ReceiverState::Retrying, _) => ", trying now".to_owned(),
        (ReceiverState::Refused, _) => ", not sent again".to_owned(),
        _ => String::new(),
    };
    view! {
        <tr class="why">
            <td></td>
            <td class="wrap" colspan="5">
                "Last error: " {error.clone()} <span class="sub">{when(at_ms, now_ms)} {next}</span>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(state: ReceiverState) -> Receiver {
        let wrong = matches!(state, ReceiverState::Refused | ReceiverState::Retrying);
        Receiver {
            name: "victoria".into(),
            at: "http://127.0.0.1:8428/api/v1/write".into(),
            state,
            last_ms: (state == ReceiverState::Sending).then_some(58_000),
            sent: 12_000,
            dropped: Vec::new(),
            queue_bytes: 1_500_000,
            queue_limit_bytes: 512 * 1024 * 1024,
            error: wrong.then(|| "it answers <503>".to_owned()),
            error_ms: wrong.then_some(50_000),
            retry_ms: (state == ReceiverState::Retrying).then_some(72_000),
        }
    }

    fn drawn(receivers: &[Receiver]) -> String {
        Owner::new().with(|| card(receivers, 60_000).to_html())
    }

    #[test]
    fn without_a_receiver_there_is_no_card() {
        assert!(!drawn(&[]).contains("Remote write"));
    }

    #[test]
    fn one_that_takes_samples_says_how_many_and_when_last() {
        let html = drawn(&[receiver(ReceiverState::Sending)]);
        assert!(
            html.contains("Remote write") && html.contains("sending"),
            "{html}"
        );
        assert!(html.contains("http://127.0.0.1:8428/api/v1/write"), "{html}");
        assert!(html.contains("just now") && html.contains("1970-01-01"), "{html}");
        assert!(html.contains(&count(12_000.0)) && html.contains(" of "), "{html}");
        assert!(!html.contains("Last error"), "{html}");
    }

    #[test]
    fn one_that_is_away_says_why_and_when_it_is_tried_again() {
        let mut away = receiver(ReceiverState::Retrying);
        let html = drawn(std::slice::from_ref(&away));
        assert!(html.contains("retrying") && html.contains("never"), "{html}");
        assert!(
            html.contains("it answers &lt;503>") || html.contains("it answers &lt;503&gt;"),
            "{html}"
        );
        assert!(!html.contains("<503>"), "{html}");
        assert!(html.contains(", next try in 12 s"), "{html}");
        away.retry_ms = Some(59_000);
        assert!(drawn(&[away]).contains(", trying now"));
    }

    #[test]
    fn one_that_refuses_says_why_and_what_is_lost_by_reason() {
        let mut refused = receiver(ReceiverState::Refused);
        refused.dropped = vec![("refused", 7), ("full", 2)];
        let html = drawn(&[refused]);
        assert!(html.contains("not sent again"), "{html}");
        assert!(html.contains("7 refused, 2 queue full"), "{html}");
        assert!(html.contains('9'), "{html}");
    }

    #[test]
    fn one_that_was_sent_nothing_waits() {
        let html = drawn(&[receiver(ReceiverState::Waiting)]);
        assert!(html.contains("waiting") && html.contains("never"), "{html}");
    }
}
