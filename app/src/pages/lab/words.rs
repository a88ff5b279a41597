//! What the page says about each carrier. The same sentences stand in docs/TRANSPORTS.md, and a test holds them together.

/// One way to bring messages into a browser.
pub struct Carrier {
    /// As the script knows it.
    pub id: &'static str,
    pub name: &'static str,
    pub address: &'static str,
    /// When it is the right choice, and what it costs.
    pub when: &'static str,
}

/// In the order of the page: from the most capable to the simplest.
pub const CARRIERS: [Carrier; 5] = [
    Carrier {
        id: "websocket",
        name: "WebSocket",
        address: "GET /connection/websocket",
        when: "Choose it when both sides talk, or when messages are small and many. After one handshake a message costs 2 to \
               14 bytes of frame and no request. In return you look after a long connection yourself: notice its death with \
               pings, connect again, ask for what you missed.",
    },
    Carrier {
        id: "http_stream",
        name: "HTTP stream",
        address: "POST /connection/http_stream",
        when: "Choose it when both sides talk but something on the way refuses WebSocket. One response that never ends brings \
               messages down; each command goes up as a request of its own. A proxy that collects whole responses before it \
               passes them on breaks it.",
    },
    Carrier {
        id: "events",
        name: "Server-Sent Events",
        address: "GET /live/events",
        when: "Choose it when only the server talks. It is plain HTTP and one line of script: the browser connects again by \
               itself and says which event it saw last. It carries text only, and under HTTP/1.1 each stream takes one of the \
               six connections that a browser opens to a site.",
    },
    Carrier {
        id: "long_poll",
        name: "Long poll",
        address: "GET /live/poll",
        when: "Choose it when nothing that stays open gets through, or when news are rare. The server holds each request until \
               there is something to say, so news arrive at once. Every answer pays for a whole request and all headers, which \
               can be many times its content.",
    },
    Carrier {
        id: "polling",
        name: "Plain polling",
        address: "GET /live/poll?wait_ms=0, every second",
        when: "Choose it when being late does not matter. Nothing stays open, every cache and proxy understands it, and the next \
               request heals what the last one lost. News wait for the next question, and each question is paid for even when \
               there are none.",
    },
];

/// What the round-trip meter tells.
pub const ECHO: &str = "A small message goes to the server and back each second, over a WebSocket of its own. This is the floor: no \
                        carrier can be quicker than half of it. What latency has beyond that is waiting: in the server, in a \
                        proxy, or for the next question.";

/// How the figures come about: a term and what it means.
pub const COUNTED: [(&str, &str); 6] = [
    (
        "Latency",
        "From the second that a sample belongs to, by the server's clock, until the script has it, over the last minute. Reading \
         the machine and 10 ms of gathering are in it, alike for all. p50 is the middle one; 99 of 100 are below p99.",
    ),
    (
        "Received",
        "All that came since the start. WebSocket frames are exact. For HTTP, ≈ says that heads of requests and responses are \
         estimated from what a script may see, and that the fields of an event stand for its bytes.",
    ),
    (
        "Overhead",
        "Bytes both ways for one byte of content, over the last minute, without what sets the carrier up. 1.00× would be content \
         only; the rest is frames, heads, and the envelope in which the protocol says which channel and which position. TLS, TCP \
         and IP add theirs to every carrier and are not counted; HTTP/2 sends less for heads than is counted here.",
    ),
    (
        "Requests",
        "HTTP requests in the last minute, the one that opens a connection among them.",
    ),
    (
        "First",
        "From the start until the channel has answered for the first time.",
    ),
    (
        "Lost",
        "A carrier that is lost comes back after a random part of a wait that doubles from 0.25 s to 20 s, so that a thousand \
         browsers do not come back at once.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn one_line(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_page_says_what_the_document_says() {
        let document = one_line(include_str!("../../../../docs/TRANSPORTS.md"));
        for Carrier { name, when, .. } in CARRIERS {
            assert!(document.contains(&one_line(when)), "{name}: {when}");
        }
        assert!(document.contains(&one_line(ECHO)), "{ECHO}");
        for (term, words) in COUNTED {
            assert!(document.contains(&one_line(words)), "{term}: {words}");
        }
    }
}
