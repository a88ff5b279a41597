//! Who is connected: the caps on connections, and the way to end them.

use super::{
    Ending, Identity,
    client::{Client, Newcomer},
    limits::LiveLimits,
    lock,
};
use crate::time::now_ms;
use farol_model::wire::codes::Disconnect;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// All connections of the process, whatever their carrier.
#[derive(Debug)]
pub struct Registry {
    connections: usize,
    per_user: usize,
    per_address: usize,
    next: AtomicU64,
    /// A std mutex: a few map operations, never over an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<u64, Arc<Client>>,
    by_address: HashMap<IpAddr, usize>,
    by_user: HashMap<i64, usize>,
}

/// Which cap was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Process,
    Address,
    User,
}

/// The place of one connection. Dropping it frees the place.
#[derive(Debug)]
pub struct Seat {
    registry: Arc<Registry>,
    id: u64,
    pub client: Arc<Client>,
}

impl Registry {
    pub fn new(limits: &LiveLimits) -> Arc<Self> {
        Arc::new(Registry {
            connections: limits.connections,
            per_user: limits.connections_per_user,
            per_address: limits.connections_per_address,
            next: AtomicU64::new(1),
            state: Mutex::default(),
        })
    }

    /// Takes a place for a connection.
    pub fn admit(self: &Arc<Self>, newcomer: Newcomer) -> Result<Seat, Refusal> {
        let address = network(newcomer.address);
        let mut state = lock(&self.state);
        if state.entries.len() >= self.connections {
            return Err(Refusal::Process);
        }
        let of_address = state.by_address.entry(address).or_default();
        if *of_address >= self.per_address {
            return Err(Refusal::Address);
        }
        *of_address += 1;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let client = Client::new(newcomer, now_ms());
        state.entries.insert(id, client.clone());
        metrics::gauge!("farol_live_connections").set(state.entries.len() as f64);
        Ok(Seat {
            registry: self.clone(),
            id,
            client,
        })
    }

    /// Connections now.
    pub fn len(&self) -> usize {
        lock(&self.state).entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the connections that hang on what has ended.
    pub fn end(&self, ending: &Ending) {
        for client in lock(&self.state).entries.values() {
            let Some(identity) = client.identity() else {
                continue;
            };
            match ending {
                Ending::Proof(proof) if *proof == identity.proof => client.kill.end(Disconnect::SIGNED_OUT),
                Ending::User(user) if *user == identity.viewer.user_id => {
                    client.kill.end(Disconnect::SESSION_ENDED);
                }
                Ending::Rights(user) if *user == identity.viewer.user_id => {
                    client.kill.end(Disconnect::FORCE_RECONNECT);
                }
                _ => {}
            }
        }
    }

    /// Takes the rates of all connections since the last look, and says how many bytes wait for their readers.
    pub fn look(&self, ago: Duration) -> usize {
        let clients = self.clients();
        let outboxes = clients.iter().filter_map(|client| client.outbox());
        outboxes.map(|outbox| outbox.look(ago)).sum()
    }

    /// The connection of this name.
    pub fn client(&self, name: &str) -> Option<Arc<Client>> {
        let id = u128::from_str_radix(name, 16).ok().filter(|_| name.len() == 32)?;
        let state = lock(&self.state);
        state.entries.values().find(|client| client.id == id).cloned()
    }

    /// All connections, in order of admission.
    pub fn clients(&self) -> Vec<Arc<Client>> {
        let mut entries: Vec<(u64, Arc<Client>)> = {
            let state = lock(&self.state);
            state
                .entries
                .iter()
                .map(|(id, client)| (*id, client.clone()))
                .collect()
        };
        entries.sort_unstable_by_key(|(id, _)| *id);
        entries.into_iter().map(|(_, client)| client).collect()
    }
}

impl Seat {
    /// Says who sits here. From now on the connection ends with this identity.
    pub fn identify(&self, identity: &Arc<Identity>) -> Result<(), Refusal> {
        let mut state = lock(&self.registry.state);
        let user = identity.viewer.user_id;
        let known = self.client.identity().map(|identity| identity.viewer.user_id);
        if known != Some(user) {
            let of_user = state.by_user.entry(user).or_default();
            if *of_user >= self.registry.per_user {
                return Err(Refusal::User);
            }
            *of_user += 1;
            if let Some(before) = known {
                decrement(&mut state.by_user, &before);
            }
        }
        self.client.set_identity(identity.clone());
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.registry.state);
        if let Some(client) = state.entries.remove(&self.id) {
            decrement(&mut state.by_address, &network(client.address));
            if let Some(identity) = client.identity() {
                decrement(&mut state.by_user, &identity.viewer.user_id);
            }
        }
        metrics::gauge!("farol_live_connections").set(state.entries.len() as f64);
    }
}

fn decrement<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// What counts as one address: an IPv6 user has a whole /64 to choose from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Proof;
    use farol_model::{Role, Viewer, connection::Carrier, wire::Encoding};

    fn identity(user_id: i64, session: &str) -> Arc<Identity> {
        Arc::new(Identity {
            viewer: Viewer::new(user_id, "ana", Role::Viewer),
            proof: Proof::Session(session.into()),
        })
    }

    fn registry() -> Arc<Registry> {
        Registry::new(&LiveLimits {
            connections: 3,
            connections_per_user: 1,
            connections_per_address: 2,
            ..Default::default()
        })
    }

    fn address(text: &str) -> Newcomer {
        Newcomer {
            address: text.parse().unwrap(),
            agent: String::new(),
            carrier: Carrier::WebSocket,
            encoding: Encoding::Json,
        }
    }

    #[test]
    fn each_cap_refuses_by_its_own_name_and_a_left_seat_is_free_again() {
        let registry = registry();
        let first = registry.admit(address("2001:db8::1")).unwrap();
        let _second = registry.admit(address("2001:db8::2")).unwrap();
        assert_eq!(
            registry.admit(address("2001:db8::3")).unwrap_err(),
            Refusal::Address
        );
        let third = registry.admit(address("10.0.0.1")).unwrap();
        assert_eq!(registry.admit(address("10.0.0.2")).unwrap_err(), Refusal::Process);
        first.identify(&identity(1, "a")).unwrap();
        first.identify(&identity(1, "a")).unwrap();
        assert_eq!(third.identify(&identity(1, "b")), Err(Refusal::User));
        drop(first);
        third.identify(&identity(1, "b")).unwrap();
        assert_eq!(registry.len(), 2);
    }

    #[tokio::test]
    async fn what_waits_is_summed_over_all_who_stand() {
        let registry = registry();
        let [one, two] = [address("10.0.0.1"), address("10.0.0.2")].map(|who| registry.admit(who).unwrap());
        assert_eq!(registry.look(Duration::from_secs(1)), 0, "no session has begun");
        let begin = |seat: &Seat| {
            let flusher = crate::live::flusher::Flusher::new(std::time::Duration::ZERO, 1);
            let outbox = crate::live::outbox::Outbox::new(seat.client.clone(), 1000, flusher, None);
            outbox.control(&farol_model::wire::Reply::default());
            outbox
        };
        let outboxes = [&one, &two].map(begin);
        assert_eq!(registry.look(Duration::from_secs(1)), 2 * "{}".len());
        drop(outboxes);
        assert_eq!(registry.look(Duration::from_secs(1)), 0);
    }

    #[tokio::test]
    async fn an_ending_meets_those_it_names_and_nobody_else() {
        let registry = Registry::new(&LiveLimits::default());
        let [one, two, other] = [1, 2, 3].map(|_| registry.admit(address("10.0.0.1")).unwrap());
        one.identify(&identity(1, "a")).unwrap();
        two.identify(&identity(1, "b")).unwrap();
        other.identify(&identity(2, "c")).unwrap();
        registry.end(&Ending::Proof(Proof::Session("a".into())));
        registry.end(&Ending::User(1));
        assert_eq!(one.client.kill.ended().await, Disconnect::SIGNED_OUT);
        assert_eq!(two.client.kill.ended().await, Disconnect::SESSION_ENDED);
        assert!(futures::FutureExt::now_or_never(other.client.kill.ended()).is_none());
    }
}
