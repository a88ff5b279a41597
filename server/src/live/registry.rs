//! Who is connected: the caps on connections, and the way to end them.

use super::{Ending, Identity, limits::LiveLimits, lock, outbox::Kill};
use farol_model::wire::codes::Disconnect;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
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
    entries: HashMap<u64, Entry>,
    by_address: HashMap<IpAddr, usize>,
    by_user: HashMap<i64, usize>,
}

#[derive(Debug)]
struct Entry {
    address: IpAddr,
    identity: Option<Identity>,
    kill: Arc<Kill>,
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
    pub kill: Arc<Kill>,
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

    /// Takes a place for a connection from this address.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Refusal> {
        let address = network(address);
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
        let kill = Arc::new(Kill::default());
        let entry = Entry {
            address,
            identity: None,
            kill: kill.clone(),
        };
        state.entries.insert(id, entry);
        metrics::gauge!("farol_live_connections").set(state.entries.len() as f64);
        Ok(Seat {
            registry: self.clone(),
            id,
            kill,
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
        for entry in lock(&self.state).entries.values() {
            let Some(identity) = &entry.identity else { continue };
            match ending {
                Ending::Proof(proof) if *proof == identity.proof => entry.kill.end(Disconnect::SIGNED_OUT),
                Ending::User(user) if *user == identity.viewer.user_id => {
                    entry.kill.end(Disconnect::SESSION_ENDED);
                }
                _ => {}
            }
        }
    }

    /// Everybody who has said who they are, and how to end them.
    pub fn identities(&self) -> Vec<(Identity, Arc<Kill>)> {
        lock(&self.state)
            .entries
            .values()
            .filter_map(|entry| Some((entry.identity.clone()?, entry.kill.clone())))
            .collect()
    }
}

impl Seat {
    /// Says who sits here. From now on the connection ends with this identity.
    pub fn identify(&self, identity: &Identity) -> Result<(), Refusal> {
        let mut state = lock(&self.registry.state);
        let user = identity.viewer.user_id;
        let known = state
            .entries
            .get(&self.id)
            .and_then(|entry| entry.identity.as_ref())
            .map(|identity| identity.viewer.user_id);
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
        if let Some(entry) = state.entries.get_mut(&self.id) {
            entry.identity = Some(identity.clone());
        }
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.registry.state);
        if let Some(entry) = state.entries.remove(&self.id) {
            decrement(&mut state.by_address, &entry.address);
            if let Some(identity) = entry.identity {
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
    use farol_model::{Role, Viewer};

    fn identity(user_id: i64, session: &str) -> Identity {
        Identity {
            viewer: Viewer {
                user_id,
                name: "ana".into(),
                role: Role::Viewer,
            },
            proof: Proof::Session(session.into()),
        }
    }

    fn registry() -> Arc<Registry> {
        Registry::new(&LiveLimits {
            connections: 3,
            connections_per_user: 1,
            connections_per_address: 2,
            ..Default::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
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
    async fn an_ending_meets_those_it_names_and_nobody_else() {
        let registry = Registry::new(&LiveLimits::default());
        let [one, two, other] = [1, 2, 3].map(|_| registry.admit(address("10.0.0.1")).unwrap());
        one.identify(&identity(1, "a")).unwrap();
        two.identify(&identity(1, "b")).unwrap();
        other.identify(&identity(2, "c")).unwrap();
        registry.end(&Ending::Proof(Proof::Session("a".into())));
        registry.end(&Ending::User(1));
        assert_eq!(one.kill.ended().await, Disconnect::SIGNED_OUT);
        assert_eq!(two.kill.ended().await, Disconnect::SESSION_ENDED);
        assert!(futures::FutureExt::now_or_never(other.kill.ended()).is_none());
    }
}
