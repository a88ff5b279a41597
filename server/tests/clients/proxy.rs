//! A TCP proxy that harms what passes: kills with a reset, stalls and then kills, half-closes.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::watch,
    time::sleep,
};

/// A proxy in front of one address. Stops with the test.
pub struct Proxy {
    pub address: SocketAddr,
    done: watch::Receiver<bool>,
}

/// What happens to the connections that stand, all of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    None,
    /// Both sides see a reset.
    Kill,
    /// Nothing passes for a moment, then as `Kill`.
    Stall,
    /// The client's side is told that nothing more comes; what it sends still arrives for a moment.
    HalfClose,
}

impl Proxy {
    /// Cuts `cuts` times, each time some milliseconds after traffic has passed from the server since the last cut.
    pub async fn start(server: SocketAddr, cuts: usize) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (harm, harmed) = watch::channel((0, Harm::None));
        let (passed, passing) = watch::channel(0_u64);
        let (finished, done) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (harmed, passed) = (harmed.clone(), passed.clone());
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(server).await {
                        pass(client, server, harmed, passed).await;
                    }
                });
            }
        });
        tokio::spawn(cut(cuts, harm, passing, finished));
        Proxy { address, done }
    }

    /// Waits until the last cut.
    pub async fn done(&mut self) {
        self.done.wait_for(|done| *done).await.unwrap();
    }
}

async fn cut(
    cuts: usize,
    harm: watch::Sender<(usize, Harm)>,
    mut passing: watch::Receiver<u64>,
    finished: watch::Sender<bool>,
) {
    for number in 1..=cuts {
        // Some of it lands in the middle of a handshake, some in the middle of a stream.
        for _ in 0..=number % 5 {
            let _ = passing.changed().await;
        }
        sleep(Duration::from_millis(u64::try_from(number).unwrap() * 7 % 40)).await;
        let kind = [Harm::Kill, Harm::Stall, Harm::HalfClose][number % 3];
        harm.send_replace((number, kind));
    }
    finished.send_replace(true);
    // From here on it lets everything pass.
    std::future::pending::<()>().await;
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    mut harmed: watch::Receiver<(usize, Harm)>,
    passed: watch::Sender<u64>,
) {
    harmed.mark_unchanged();
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut up = vec![0; 16 * 1024];
    let mut down = vec![0; 16 * 1024];
    let harm = loop {
        tokio::select! {
            changed = harmed.changed() => match changed {
                Ok(()) => break harmed.borrow().1,
                Err(_) => break Harm::Kill,
            },
            read = client.read(&mut up) => match read {
                Ok(count) if count > 0 => if server.write_all(&up[..count]).await.is_err() { return },
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(count) if count > 0 => {
                    if client.write_all(&down[..count]).await.is_err() { return }
                    passed.send_modify(|passed| *passed += 1);
                }
                _ => return,
            },
        }
    };
    match harm {
        Harm::None | Harm::Kill => {}
        Harm::Stall => sleep(Duration::from_millis(60)).await,
        Harm::HalfClose => {
            let (reading, mut writing) = client.into_split();
            let _ = writing.shutdown().await;
            let _ = tokio::time::timeout(Duration::from_millis(60), swallow(reading, server)).await;
            return;
        }
    }
    // A reset and no orderly end (SO_LINGER 0, tcp(7)).
    let _ = (client.set_zero_linger(), server.set_zero_linger());
}

async fn swallow(mut client: OwnedReadHalf, mut server: TcpStream) {
    let _ = tokio::io::copy(&mut client, &mut server).await;
}
