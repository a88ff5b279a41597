//! TCP sockets by state, counted by the kernel's own list: a request of sock_diag(7) per version of IP, and a message for each
//! socket. Nothing of a socket but its state is looked at.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with, sockopt,
};
use std::{os::fd::OwnedFd, time::Duration};

/// In the order of include/net/tcp_states.h, from 1 on.
pub const STATES: [&str; 12] = [
    "established",
    "syn-sent",
    "syn-received",
    "fin-wait-1",
    "fin-wait-2",
    "time-wait",
    "close",
    "close-wait",
    "last-ack",
    "listen",
    "closing",
    "new-syn-received",
];
/// linux/sock_diag.h, linux/netlink.h, linux/inet_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const HEAD: usize = 16;
const REQUEST: usize = HEAD + 56;
const FAMILIES: [u8; 2] = [2, 10];
/// A dump is given up above this many messages.
const MAX_MESSAGES: usize = 200_000;
/// The kernel answers at once; this is for one that does not answer at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// The counts of the last look.
#[derive(Debug, Default)]
pub struct States {
    socket: Option<OwnedFd>,
    buffer: Vec<u8>,
    counts: Option<[u32; STATES.len()]>,
}

impl States {
    /// By the places of [`STATES`]. None when the kernel does not tell.
    pub fn counts(&self) -> Option<&[u32; STATES.len()]> {
        self.counts.as_ref()
    }

    /// Counts again. What cannot be counted is not known any more.
    pub fn look(&mut self) {
        self.counts = self.count().ok();
        if self.counts.is_none() {
            // What is left of an answer must not be taken for the next.
            self.socket = None;
        }
    }

    fn count(&mut self) -> rustix::io::Result<[u32; STATES.len()]> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => {
                let made = socket_with(
                    AddressFamily::NETLINK,
                    SocketType::DGRAM,
                    SocketFlags::CLOEXEC,
                    Some(netlink::SOCK_DIAG),
                )?;
                sockopt::set_socket_timeout(&made, sockopt::Timeout::Recv, Some(PATIENCE))?;
                made
            }
        };
        self.buffer.resize(32 * 1024, 0);
        let mut counts = [0; STATES.len()];
        for family in FAMILIES {
            send(&socket, &request(family), SendFlags::empty())?;
            let mut messages = 0;
            loop {
                let (length, _) = recv(&socket, &mut self.buffer[..], RecvFlags::empty())?;
                let end = tally(&self.buffer[..length], &mut counts, &mut messages)?;
                if end {
                    break;
                }
                if messages > MAX_MESSAGES {
                    return Err(rustix::io::Errno::TOOBIG);
                }
            }
        }
        self.socket = Some(socket);
        Ok(counts)
    }
}

/// All TCP sockets of a family, in any state: nlmsghdr and inet_diag_req_v2.
fn request(family: u8) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    request[..4].copy_from_slice(&(REQUEST as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    request[HEAD] = family;
    // IPPROTO_TCP.
    request[HEAD + 1] = 6;
    request[HEAD + 4..HEAD + 8].copy_from_slice(&u32::MAX.to_ne_bytes());
    request
}

/// Counts the messages of one datagram; whether they were the last.
pub fn tally(
    mut bytes: &[u8],
    counts: &mut [u32; STATES.len()],
    messages: &mut usize,
) -> rustix::io::Result<bool> {
    while let Some(head) = bytes.get(..HEAD) {
        let length = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(message) = bytes.get(..length).filter(|_| length >= HEAD) else {
            return Err(rustix::io::Errno::BADMSG);
        };
        match u16::from_ne_bytes([head[4], head[5]]) {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => return Err(rustix::io::Errno::IO),
            // inet_diag_msg: family, then state.
            _ => {
                *messages += 1;
                let state = message.get(HEAD + 1).map_or(0, |state| usize::from(*state));
                if let Some(count) = state.checked_sub(1).and_then(|at| counts.get_mut(at)) {
                    *count += 1;
                }
            }
        }
        // Messages begin at multiples of four bytes.
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, state: u8) -> Vec<u8> {
        let mut message = vec![0; HEAD + 4];
        message[..4].copy_from_slice(&20_u32.to_ne_bytes());
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message[HEAD + 1] = state;
        message
    }

    #[test]
    fn messages_are_counted_by_state_until_the_last() {
        let (mut counts, mut messages) = ([0; STATES.len()], 0);
        let bytes = [message(20, 1), message(20, 10), message(20, 10), message(20, 99)].concat();
        assert_eq!(tally(&bytes, &mut counts, &mut messages), Ok(false));
        assert_eq!((counts[0], counts[9], messages), (1, 2, 4));
        assert_eq!(
            tally(&message(NLMSG_DONE, 0), &mut counts, &mut messages),
            Ok(true)
        );
        assert!(tally(&message(NLMSG_ERROR, 0), &mut counts, &mut messages).is_err());
    }

    #[test]
    fn a_message_that_is_cut_off_is_an_error() {
        let whole = message(20, 1);
        for length in HEAD..whole.len() {
            assert!(tally(&whole[..length], &mut [0; STATES.len()], &mut 0).is_err());
        }
        assert!(tally(&[0; HEAD], &mut [0; STATES.len()], &mut 0).is_err());
    }
}
