use super::*;

const LIMIT: usize = 1024;
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

/// A masked frame; `first` is the byte with FIN and opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    let mut payload = payload.to_vec();
    unmask(&mut payload, MASK, 0);
    bytes.extend(payload);
    bytes
}

fn all(bytes: &[u8], step: usize) -> Result<Vec<Event>, Violation> {
    let mut assembler = Assembler::default();
    let mut events = Vec::new();
    for mut input in bytes.chunks(step) {
        while let Some(event) = assembler.next(&mut input, LIMIT)? {
            events.push(event);
        }
        assert!(input.is_empty(), "what is left was not looked at");
    }
    Ok(events)
}

fn refused(bytes: &[u8]) -> u16 {
    let codes = [1, 3, bytes.len()].map(|step| all(bytes, step).unwrap_err().code);
    assert_eq!(codes, [codes[0]; 3], "it depends on how bytes arrive");
    codes[0]
}

#[test]
fn fragments_become_one_message_with_control_frames_between_them() {
    let bytes = [
        frame(0x01, "gr\u{fc}\u{df}".as_bytes().split_at(3).0),
        frame(0x89, b"are you there"),
        frame(0x00, &"gr\u{fc}\u{df}".as_bytes()[3..]),
        frame(0x00, b""),
        frame(0x8a, b""),
        frame(0x80, b" dich"),
        frame(0x82, &[0xff; 200]),
        frame(0x88, &[0x03, 0xe8, b'b', b'y', b'e']),
    ]
    .concat();
    let expected = vec![
        Event::Ping("are you there".into()),
        Event::Pong,
        Event::Text("gr\u{fc}\u{df} dich".into()),
        Event::Binary(vec![0xff; 200].into()),
        Event::Close(Some(1000)),
    ];
    for step in [1, 2, 7, 64, bytes.len()] {
        assert_eq!(all(&bytes, step).unwrap(), expected, "{step}");
    }
}

#[test]
fn order_of_fragments_is_checked() {
    assert_eq!(refused(&frame(0x80, b"x")), 1002, "a continuation of nothing");
    assert_eq!(
        refused(&[frame(0x01, b"x"), frame(0x81, b"y")].concat()),
        1002,
        "a message within a message"
    );
}

#[test]
fn the_limit_holds_for_one_frame_and_for_all_fragments_together() {
    assert!(all(&frame(0x82, &[0; LIMIT]), 64).is_ok());
    assert_eq!(refused(&frame(0x82, &[0; LIMIT + 1])), 1009);
    let fragments = [frame(0x02, &[0; 1000]), frame(0x80, &[0; 25])].concat();
    assert_eq!(refused(&fragments), 1009);
    // 2^62 bytes are announced, none is allocated.
    let head = [0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    assert_eq!(refused(&head), 1009);
}

#[test]
fn no_more_memory_is_held_than_the_limit_allows() {
    const LIMIT: usize = 32 * 1024;
    // More than is allocated at once comes in the second frame, when the buffer is neither empty nor a power of two.
    let bytes = [frame(0x02, &[7; 15_000]), frame(0x80, &[8; LIMIT - 15_000])].concat();
    for step in [1, 1000, bytes.len() - 1] {
        let mut assembler = Assembler::default();
        let mut held = 0;
        for mut input in bytes[..bytes.len() - 1].chunks(step) {
            assert_eq!(assembler.next(&mut input, LIMIT), Ok(None));
            held = held.max(assembler.held_bytes());
        }
        assert!((LIMIT - 1..=LIMIT).contains(&held), "{held} in steps of {step}");
    }
}

#[test]
fn bad_text_is_told_at_its_first_bad_byte() {
    assert_eq!(refused(&frame(0x81, b"\xff")), 1007);
    assert_eq!(
        refused(&frame(0x81, b"\xc3")),
        1007,
        "a character that does not end"
    );
    assert_eq!(
        refused(&frame(0x81, b"\xed\xa0\x80")),
        1007,
        "half a surrogate pair"
    );
    // The rest of the message has not come.
    let early = frame(0x01, b"fine \xf4\x90\x80\x80 and more");
    assert_eq!(refused(&early[..12 + 2]), 1007);
    assert!(all(&frame(0x82, b"\xff"), 1).is_ok(), "binary may be anything");
}

#[test]
fn close_frames_carry_a_code_that_may_be_sent() {
    assert_eq!(all(&frame(0x88, b""), 1).unwrap(), [Event::Close(None)]);
    for code in [1000u16, 1003, 1007, 1014, 3000, 4999] {
        assert_eq!(
            all(&frame(0x88, &code.to_be_bytes()), 1).unwrap(),
            [Event::Close(Some(code))]
        );
    }
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535] {
        assert_eq!(refused(&frame(0x88, &code.to_be_bytes())), 1002, "{code}");
    }
    assert_eq!(refused(&frame(0x88, &[3])), 1002);
    assert_eq!(refused(&frame(0x88, b"\x03\xe8\xff")), 1007);
}
