//! One carrier message in JSON, as the server reads it (commands) and as our command-line client does (replies).
//!
//! Asserts: a line is a command, and no message has more than its limit; what was read survives both encodings; a channel
//! name that is understood is the name it was made from.

use super::{commands_survive, replies_survive};
use farol_model::{
    channel::Channel,
    wire::{Command, Encoding, codec},
};

pub fn run(input: &[u8]) {
    let lines = input
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count();
    if let Ok(commands) = codec::decode_commands(Encoding::Json, input) {
        assert_eq!(commands.len(), lines);
        assert!(lines <= codec::MAX_COMMANDS_PER_MESSAGE);
        // Data is bytes under both, so what JSON can say Protobuf can.
        commands_survive(Encoding::Json, &commands);
        commands_survive(Encoding::Protobuf, &commands);
        commands.iter().for_each(channel_is_its_name);
    }
    if let Ok(replies) = codec::decode_replies(Encoding::Json, input) {
        assert_eq!(replies.len(), lines);
        replies_survive(Encoding::Json, &replies);
        replies_survive(Encoding::Protobuf, &replies);
    }
}

fn channel_is_its_name(command: &Command) {
    let Some(request) = &command.subscribe else {
        return;
    };
    let name = match Channel::parse(&request.channel) {
        Some(Channel::Metrics { host, group }) => format!("metrics/{host}/{group}"),
        Some(Channel::Processes { host }) => format!("processes/{host}"),
        Some(Channel::App { name }) => format!("apps/{name}"),
        Some(Channel::Collectors { host }) => format!("collectors/{host}"),
        Some(Channel::Marks { host }) => format!("marks/{host}"),
        Some(Channel::Annotations { host }) => format!("annotations/{host}"),
        Some(Channel::RunList { host }) => format!("runlist/{host}"),
        Some(Channel::Services { host }) => format!("services/{host}"),
        Some(Channel::Run { id }) => format!("runs/{id}"),
        Some(Channel::Log { kind, name }) => format!("logs/{kind}/{name}"),
        Some(Channel::Room { name }) => format!("room/{name}"),
        None => return,
    };
    assert_eq!(name, request.channel);
}
