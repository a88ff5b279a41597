//! The bus that systemd is on, and the few calls of it that are used (org.freedesktop.systemd1(5)).

use futures::TryFutureExt;
use std::{collections::HashMap, time::Duration};
use zbus::{
    Connection, MatchRule, Message, MessageStream, connection, message,
    zvariant::{DynamicType, OwnedObjectPath, OwnedValue},
};

pub const SYSTEMD: &str = "org.freedesktop.systemd1";
pub const MANAGER: &str = "org.freedesktop.systemd1.Manager";
pub const UNIT: &str = "org.freedesktop.systemd1.Unit";
pub const SERVICE: &str = "org.freedesktop.systemd1.Service";
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";

/// How long the bus may take to let us in.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long one call may take. systemd answers after it has put a job into its queue, not after the job.
const CALL_LIMIT: Duration = Duration::from_secs(20);
/// Signals that wait to be read; beyond that the socket waits.
const SIGNALS_WAITING: usize = 1024;

/// Which bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    System,
    /// Of the account that Farol runs as.
    User,
    /// A D-Bus address, e.g. `unix:path=/host/run/dbus/system_bus_socket`.
    At(String),
    Off,
}

impl Address {
    /// # Errors
    /// Why the text is none.
    pub fn parse(text: &str) -> Result<Address, String> {
        match text {
            "system" => Ok(Address::System),
            "user" => Ok(Address::User),
            "off" => Ok(Address::Off),
            address if address.parse::<zbus::Address>().is_ok() => Ok(Address::At(address.to_owned())),
            other => Err(format!(
                "`{other}` is no bus; write system, user, off, or an address: unix:path=/run/dbus/system_bus_socket"
            )),
        }
    }
}

/// Properties by name.
pub type Props = HashMap<String, OwnedValue>;

/// One unit of `ListUnits`: name, description, load state, active state, sub state, followed unit, object, job.
pub type Listed = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

/// What `EnableUnitFiles` changed: kind, link, target.
pub type Change = (String, String, String);

/// A bus with systemd on it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bus {
    connection: Connection,
}

impl Bus {
    pub async fn connect(address: &Address) -> zbus::Result<Bus> {
        let builder = match address {
            Address::System => connection::Builder::system()?,
            Address::User => connection::Builder::session()?,
            Address::At(address) => connection::Builder::address(address.as_str())?,
            Address::Off => return Err(zbus::Error::Unsupported),
        };
        let connecting = builder.method_timeout(CALL_LIMIT).build();
        let connection = tokio::time::timeout(CONNECT_LIMIT, connecting)
            .await
            .map_err(|_| zbus::Error::Failure("the bus did not answer in time".to_owned()))??;
        Ok(Bus { connection })
    }

    /// Everything that systemd says from now on, once [`subscribe`](Bus::subscribe) was called.
    pub async fn signals(&self) -> zbus::Result<MessageStream> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender(SYSTEMD)?
            .build();
        MessageStream::for_match_rule(rule, &self.connection, Some(SIGNALS_WAITING)).await
    }

    /// How jobs end, from now on.
    pub async fn job_ends(&self) -> zbus::Result<MessageStream> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender(SYSTEMD)?
            .interface(MANAGER)?
            .member("JobRemoved")?
            .build();
        MessageStream::for_match_rule(rule, &self.connection, Some(SIGNALS_WAITING)).await
    }

    /// Comings and goings on the bus, of systemd alone.
    pub async fn owners(&self) -> zbus::Result<MessageStream> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .arg(0, SYSTEMD)?
            .build();
        MessageStream::for_match_rule(rule, &self.connection, Some(16)).await
    }

    pub async fn subscribe(&self) -> zbus::Result<()> {
        self.manage("Subscribe", &()).await.map(drop)
    }

    /// The services that systemd has in memory.
    pub async fn list(&self) -> zbus::Result<Vec<Listed>> {
        let none: [&str; 0] = [];
        let reply = self
            .manage("ListUnitsByPatterns", &(&none[..], &["*.service"][..]))
            .await?;
        reply.body().deserialize()
    }

    /// Unit files of services by path, and whether they are enabled.
    pub async fn files(&self) -> zbus::Result<Vec<(String, String)>> {
        let none: [&str; 0] = [];
        let reply = self
            .manage("ListUnitFilesByPatterns", &(&none[..], &["*.service"][..]))
            .await?;
        reply.body().deserialize()
    }

    /// All properties of one service.
    pub async fn facts(&self, path: &str) -> zbus::Result<Props> {
        let unit = self.all(path, UNIT);
        let service = self.all(path, SERVICE);
        let (mut unit, service) = futures::try_join!(unit, service)?;
        unit.extend(service);
        Ok(unit)
    }

    /// The properties that every unit has.
    pub async fn unit(&self, path: &str) -> zbus::Result<Props> {
        self.all(path, UNIT).await
    }

    /// Some properties of a service.
    pub async fn some(&self, path: &str, names: &[&str]) -> zbus::Result<Props> {
        let one = |name: &str| {
            let name = name.to_owned();
            async move {
                let reply = self
                    .call(path, PROPERTIES, "Get", &(SERVICE, name.as_str()))
                    .await?;
                let value: OwnedValue = reply.body().deserialize()?;
                zbus::Result::Ok((name, value))
            }
        };
        let values = futures::future::try_join_all(names.iter().map(|name| one(name))).await?;
        Ok(values.into_iter().collect())
    }

    /// Puts a job into systemd's queue.
    pub async fn job(&self, method: &str, unit: &str) -> zbus::Result<OwnedObjectPath> {
        let reply = self.manage(method, &(unit, "replace")).await?;
        reply.body().deserialize()
    }

    pub async fn cancel(&self, job: u32) -> zbus::Result<()> {
        self.manage("CancelJob", &job).await.map(drop)
    }

    /// Whether the file says what enabling means, and what was changed.
    pub async fn enable(&self, unit: &str) -> zbus::Result<(bool, Vec<Change>)> {
        let reply = self
            .manage("EnableUnitFiles", &(&[unit][..], false, false))
            .await?;
        reply.body().deserialize()
    }

    pub async fn disable(&self, unit: &str) -> zbus::Result<Vec<Change>> {
        let reply = self.manage("DisableUnitFiles", &(&[unit][..], false)).await?;
        reply.body().deserialize()
    }

    /// Lets systemd read its files again, as is due after enabling.
    pub async fn reload(&self) -> zbus::Result<()> {
        self.manage("Reload", &()).await.map(drop)
    }

    async fn all(&self, path: &str, interface: &str) -> zbus::Result<Props> {
        self.call(path, PROPERTIES, "GetAll", &interface)
            .and_then(|reply| async move { reply.body().deserialize() })
            .await
    }

    async fn manage<B: serde::Serialize + DynamicType + Sync>(
        &self,
        method: &str,
        body: &B,
    ) -> zbus::Result<Message> {
        self.call(MANAGER_PATH, MANAGER, method, body).await
    }

    async fn call<B: serde::Serialize + DynamicType + Sync>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Result<Message> {
        self.connection
            .call_method(Some(SYSTEMD), path, Some(interface), method, body)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_a_word_or_an_address() {
        assert_eq!(Address::parse("user"), Ok(Address::User));
        assert!(matches!(Address::parse("unix:path=/tmp/bus"), Ok(Address::At(_))));
        let why = Address::parse("systemd").unwrap_err();
        assert!(why.contains("system, user, off"), "{why}");
    }
}
