//! What the server alone draws of the host.

use crate::{
    feed::bytes,
    pages::{controls::words::took, drawn::time},
    prelude::*,
};
use farol_model::host::HostInfo;

/// Facts about the host as HTML.
pub fn facts(host: HostInfo, now_ms: i64) -> String {
    let fact = |title: &'static str, value: Option<String>| {
        let value = value.unwrap_or_else(|| "not available here".to_owned());
        view! {
            <div>
                <dt>{title}</dt>
                <dd>{value}</dd>
            </div>
        }
    };
    let up = host.boot_ms.map(|boot_ms| {
        view! {
            <div>
                <dt>"Up since"</dt>
                <dd>
                    {time(boot_ms)}
                    " "
                    <span class="muted nowrap">"(" {days(now_ms - boot_ms)} ")"</span>
                </dd>
            </div>
        }
    });
    let drawn = view! {
        <dl class="facts">
            {fact("System", host.os)} {fact("Kernel", host.kernel)} {fact("Processor", host.cpu_model)}
            {fact("Logical processors", Some(host.cpu_count.to_string()))} {fact("Instruction set", Some(host.arch))}
            {fact("Memory", Some(bytes(host.memory_bytes as f64)))} {up}
        </dl>
    };
    drawn.to_html()
}

/// A long duration: `12 d 3 h`, or finer when it is short.
fn days(duration_ms: i64) -> String {
    let hours = duration_ms / 3_600_000;
    if hours < 24 {
        took(duration_ms)
    } else {
        format!("{} d {} h", hours / 24, hours % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_is_told_in_days_once_there_are_any() {
        assert_eq!(days(3_600_000 * 27), "1 d 3 h");
        assert_eq!(days(65_000), "1 min 5 s");
    }
}
