//! A client of a running Farol, for the commands of the program that talk to one: the live protocol in JSON over
//! WebSocket, as docs/PROTOCOL.md has it. It answers pings; what the server pushes waits until it is asked for. [`rest`] is
//! what is asked over plain HTTP. The bytes under both are those of [`crate::outbound`].

pub mod rest;

pub use crate::outbound::Final;

use crate::outbound::line::{self, Duplex};

use anyhow::{Context, anyhow, bail};
use farol_model::wire::{
    Command, ConnectRequest, Encoding, Push, Reply, RpcRequest, SubscribeRequest, SubscribeResult, codec,
};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use std::{collections::VecDeque, path::PathBuf, time::Duration};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{HeaderValue, Uri},
    },
};

/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where a Farol is, and who asks.
#[derive(Debug, Clone)]
pub struct Server {
    /// `http://host:port` or `https://host`.
    pub url: String,
    pub token: String,
    /// Certificates in PEM that are trusted instead of the machine's.
    pub ca: Option<PathBuf>,
}

/// See the module.
pub struct Client {
    socket: WebSocketStream<Box<dyn Duplex>>,
    last_id: u32,
    pushed: VecDeque<Push>,
}

impl Client {
    /// Connects and says who we are.
    pub async fn connect(server: &Server) -> anyhow::Result<Client> {
        let at = format!("{}/connection/websocket", server.url.trim_end_matches('/'));
        let at: Uri = at
            .parse()
            .map_err(|error| Final(format!("{}: {error}", server.url)))?;
        // http becomes ws and https wss.
        let url = at.to_string().replacen("http", "ws", 1);
        let mut request = url
            .into_client_request()
            .map_err(|error| Final(error.to_string()))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", server.token));
        let bearer = bearer.map_err(|_| Final("The token has characters that no token has.".to_owned()))?;
        request.headers_mut().insert("authorization", bearer);
        let connected = async {
            let line = line::open(&at, server.ca.as_deref()).await?;
            anyhow::Ok(client_async(request, line).await)
        };
        let connected = timeout(PATIENCE, connected).await;
        let socket = match connected.map_err(|_| anyhow!("{} does not answer", server.url))?? {
            Ok((socket, _)) => socket,
            Err(Error::Http(response)) => {
                let words = response.body().as_deref().map(String::from_utf8_lossy);
                let words = format!(
                    "{}: {}",
                    response.status().as_u16(),
                    words.unwrap_or_default().trim()
                );
                return Err(match response.status().as_u16() {
                    429 | 500.. => anyhow!(words),
                    _ => Final(words).into(),
                });
            }
            Err(error) => return Err(error).with_context(|| format!("cannot reach {}", server.url)),
        };
        let mut client = Client {
            socket,
            last_id: 0,
            pushed: VecDeque::new(),
        };
        let connect = ConnectRequest {
            name: "farol-cli".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Default::default()
        };
        let command = Command {
            connect: Some(connect),
            ..Default::default()
        };
        client.ask(command).await?;
        Ok(client)
    }

    /// Calls a method.
    pub async fn call(&mut self, method: &str, data: &Value) -> anyhow::Result<Value> {
        let rpc = RpcRequest {
            method: method.to_owned(),
            data: data.to_string().into(),
        };
        let command = Command {
            rpc: Some(rpc),
            ..Default::default()
        };
        let data = self.ask(command).await?.rpc.unwrap_or_default().data;
        Ok(serde_json::from_slice(&data).unwrap_or_default())
    }

    /// Subscribes.
    pub async fn subscribe(&mut self, request: SubscribeRequest) -> anyhow::Result<SubscribeResult> {
        let command = Command {
            subscribe: Some(request),
            ..Default::default()
        };
        Ok(self.ask(command).await?.subscribe.unwrap_or_default())
    }

    /// The next push.
    pub async fn next(&mut self) -> anyhow::Result<Push> {
        loop {
            if let Some(push) = self.pushed.pop_front() {
                return Ok(push);
            }
            self.read().await?;
        }
    }

    async fn ask(&mut self, command: Command) -> anyhow::Result<Reply> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&Command { id, ..command }).await?;
        let answer = async {
            loop {
                let found = self.read().await?.into_iter().find(|reply| reply.id == id);
                if let Some(reply) = found {
                    return Ok(reply);
                }
            }
        };
        let reply: anyhow::Result<Reply> = timeout(PATIENCE, answer)
            .await
            .map_err(|_| anyhow!("the server took longer than {} s to answer", PATIENCE.as_secs()))?;
        let reply = reply?;
        match reply.error {
            Some(error) if error.temporary => bail!("{}: {}", error.code, error.message),
            Some(error) => Err(Final(format!("{}: {}", error.code, error.message)).into()),
            None => Ok(reply),
        }
    }

    async fn send(&mut self, command: &Command) -> anyhow::Result<()> {
        let text = codec::encode_command(Encoding::Json, command);
        let text = String::from_utf8(text.into()).context("a command that is no text")?;
        self.socket
            .send(Message::text(text))
            .await
            .context("the connection broke")
    }

    /// Reads one message: replies are returned, pushes wait, pings are answered.
    async fn read(&mut self) -> anyhow::Result<Vec<Reply>> {
        let message = match self.socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_)) | Err(_)) | None => bail!("the connection ended"),
            Some(Ok(_)) => return Ok(Vec::new()),
        };
        let replies = codec::decode_replies(Encoding::Json, message.as_bytes())
            .map_err(|error| Final(format!("the server does not speak this protocol: {error}")))?;
        let mut answers = Vec::new();
        for reply in replies {
            if reply == Reply::default() {
                self.send(&Command::default()).await?;
            } else if let Some(push) = reply.push {
                match push.disconnect {
                    Some(end) if end.reconnect => bail!("{}: {}", end.code, end.reason),
                    Some(end) => return Err(Final(format!("{}: {}", end.code, end.reason)).into()),
                    None => self.pushed.push_back(push),
                }
            } else {
                answers.push(reply);
            }
        }
        Ok(answers)
    }
}
