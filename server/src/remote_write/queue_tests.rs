use super::*;

const ROOM: u64 = 1024 * 1024;

fn meta(n: i64) -> Meta {
    Meta {
        newest_ms: n,
        oldest_ms: n - 1,
        samples: 10,
    }
}

fn push(queue: &mut Queue, n: i64, bytes: usize) {
    queue.push(meta(n), &vec![n as u8; bytes]).unwrap();
}

/// Takes all that waits; the newest time of each.
fn drain(queue: &mut Queue) -> Vec<i64> {
    let mut all = Vec::new();
    while let Some(waiting) = queue.peek().unwrap() {
        assert_eq!(waiting.meta, meta(waiting.meta.newest_ms));
        assert!(
            waiting
                .body
                .iter()
                .all(|byte| *byte == waiting.meta.newest_ms as u8)
        );
        all.push(waiting.meta.newest_ms);
        queue.done(&waiting).unwrap();
    }
    all
}

/// The only file with records.
fn file(dir: &Path) -> PathBuf {
    let mut logs = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| number_of(path).is_some());
    let found = logs.next().unwrap();
    assert_eq!(logs.next(), None);
    found
}

#[test]
fn what_waits_is_there_again_after_a_start_and_what_was_taken_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(dir.path(), ROOM).unwrap();
    assert_eq!((queue.newest_ms(), queue.peek().unwrap()), (i64::MIN, None));
    for n in 1..=5 {
        push(&mut queue, n, 100);
    }
    for n in 1..=2 {
        let first = queue.peek().unwrap().unwrap();
        assert_eq!(queue.peek().unwrap().as_ref(), Some(&first), "until it is done");
        assert_eq!((first.meta.newest_ms, queue.oldest_ms()), (n, Some(n - 1)));
        queue.done(&first).unwrap();
    }
    // As after SIGKILL: nothing is closed.
    drop(queue);
    let mut queue = Queue::open(dir.path(), ROOM).unwrap();
    assert_eq!(queue.newest_ms(), 5);
    push(&mut queue, 6, 100);
    assert_eq!(drain(&mut queue), [3, 4, 5, 6]);
    assert_eq!((queue.bytes(), queue.lost()), (0, Lost::default()));
    drop(queue);
    let mut queue = Queue::open(dir.path(), ROOM).unwrap();
    assert_eq!((queue.newest_ms(), drain(&mut queue)), (6, vec![]));
    push(&mut queue, 7, 100);
    assert_eq!(drain(&mut queue), [7]);
}

#[test]
fn a_torn_end_costs_its_record_and_a_flipped_byte_the_one_it_is_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(dir.path(), ROOM).unwrap();
    (1..=3).for_each(|n| push(&mut queue, n, 40));
    drop(queue);
    let path = file(dir.path());
    let whole = fs::read(&path).unwrap();
    let record = whole.len() / 3;
    for at in 0..whole.len() {
        for torn in [false, true] {
            let mut bytes = whole.clone();
            if torn {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 0x10;
            }
            fs::write(&path, bytes).unwrap();
            let _ = fs::remove_file(dir.path().join(CURSOR));
            let mut queue = Queue::open(dir.path(), ROOM).unwrap();
            let hit = at / record;
            let mut found = Vec::new();
            // Not drained, so that the file stays for the next.
            while let Some(waiting) = queue.peek().unwrap() {
                found.push(waiting.meta.newest_ms);
                queue.taken = waiting.end;
                if queue.taken >= queue.files[0].1 {
                    break;
                }
            }
            let whole_ones: Vec<i64> = (1..=3)
                .filter(|n| {
                    if torn {
                        *n <= hit as i64
                    } else {
                        *n != hit as i64 + 1
                    }
                })
                .collect();
            assert_eq!(found, whole_ones, "byte {at}, torn {torn}");
        }
    }
}

#[test]
fn above_the_bound_the_oldest_go_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(dir.path(), 16 * 1024).unwrap();
    for n in 1..=100 {
        push(&mut queue, n, 400);
        assert!(queue.on_disk() <= 16 * 1024);
    }
    let lost = queue.lost();
    let left = drain(&mut queue);
    assert_eq!(*left.last().unwrap(), 100);
    assert_eq!(
        lost.full,
        10 * (100 - left.len() as u64),
        "all that is not left was counted"
    );
    assert_eq!(lost.broken, 0);
    assert!(left.windows(2).all(|pair| pair[1] == pair[0] + 1));
    assert!(left.len() > 25, "{}", left.len());
    // One that went while it was being sent: what is next stays.
    push(&mut queue, 101, 400);
    let sending = queue.peek().unwrap().unwrap();
    for n in 102..=200 {
        push(&mut queue, n, 400);
    }
    let next = queue.peek().unwrap().unwrap();
    queue.done(&sending).unwrap();
    assert_eq!(queue.peek().unwrap().unwrap(), next);
}

#[test]
fn a_lost_cursor_sends_again_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(dir.path(), ROOM).unwrap();
    (1..=3).for_each(|n| push(&mut queue, n, 10));
    let first = queue.peek().unwrap().unwrap();
    queue.done(&first).unwrap();
    drop(queue);
    fs::write(dir.path().join(CURSOR), b"rubbish").unwrap();
    let mut queue = Queue::open(dir.path(), ROOM).unwrap();
    assert_eq!(drain(&mut queue), [1, 2, 3]);
}

#[test]
fn what_cannot_be_written_is_told_and_the_next_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(dir.path(), ROOM).unwrap();
    push(&mut queue, 1, 10);
    // A file that takes nothing: as a full disk.
    queue.writing = Some(File::open("/dev/null").unwrap());
    assert!(queue.push(meta(2), &[2]).is_err());
    queue.writing = Some(OpenOptions::new().append(true).open(file(dir.path())).unwrap());
    push(&mut queue, 3, 10);
    assert_eq!((drain(&mut queue), queue.lost()), (vec![1, 3], Lost::default()));
}
