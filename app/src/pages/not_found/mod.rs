//! No such page or thing.

mod page;

pub use page::NotFound;
