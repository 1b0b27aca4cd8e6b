//! A set of objects of one kind, found by key, by id and by symbolic name.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::path::Selector;
use crate::sandbox::rng::Rng;

/// What the model calls an object by; never used twice, and unlike the id it outlives a restart.
pub(crate) type Key = u32;

/// A property's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Id(Uuid),
    Bool(bool),
    Int(i64),
    Null,
    /// The model does not know this property of the catalogue.
    Unknown,
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Value::Null, Value::Text)
    }
}

/// An object of the model.
pub(crate) trait Entity {
    fn id(&self) -> Uuid;
    fn set_id(&mut self, id: Uuid);
    /// The symbolic name.
    fn name(&self) -> Option<&str> {
        None
    }
    /// The value of a property of the catalogue, by its JSON name.
    fn property(&self, name: &str) -> Value<'_>;
    /// The properties the catalogue does not know.
    fn extra(&self) -> Vec<(&'static str, Value<'_>)> {
        Vec::new()
    }
}

#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<Key, T>,
    by_id: HashMap<Uuid, Key>,
    by_name: HashMap<String, Vec<Key>>,
    next: Key,
    revision: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { rows: BTreeMap::new(), by_id: HashMap::new(), by_name: HashMap::new(), next: 0, revision: 0 }
    }
}

impl<T: Entity> Table<T> {
    pub(crate) fn insert(&mut self, row: T) -> Key {
        let key = self.next;
        self.next += 1;
        self.revision += 1;
        self.by_id.insert(row.id(), key);
        if let Some(name) = row.name() {
            self.by_name.entry(name.to_owned()).or_default().push(key);
        }
        self.rows.insert(key, row);
        key
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let row = self.rows.remove(&key)?;
        self.revision += 1;
        self.by_id.remove(&row.id());
        self.forget_name(row.name(), key);
        Some(row)
    }

    pub(crate) fn clear(&mut self) {
        self.revision += 1;
        self.rows.clear();
        self.by_id.clear();
        self.by_name.clear();
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        self.rows.get(&key)
    }

    /// Changes what the API shows of an object.
    pub(crate) fn edit<R>(&mut self, key: Key, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let row = self.rows.get_mut(&key)?;
        let name = row.name().map(str::to_owned);
        let result = change(row);
        self.revision += 1;
        let new_name = row.name().map(str::to_owned);
        if name != new_name {
            self.forget_name(name.as_deref(), key);
            if let Some(name) = new_name {
                self.by_name.entry(name).or_default().push(key);
            }
        }
        Some(result)
    }

    /// Changes what no list shows of an object: its relations.
    pub(crate) fn relate(&mut self, key: Key, change: impl FnOnce(&mut T)) {
        if let Some(row) = self.rows.get_mut(&key) {
            change(row);
        }
    }

    fn forget_name(&mut self, name: Option<&str>, key: Key) {
        let Some(name) = name else { return };
        if let Some(keys) = self.by_name.get_mut(name) {
            keys.retain(|k| *k != key);
            if keys.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    /// Makes lists be written anew.
    pub(crate) fn touch(&mut self) {
        self.revision += 1;
    }

    pub(crate) fn by_id(&self, id: Uuid) -> Option<Key> {
        self.by_id.get(&id).copied()
    }

    /// The first object with this name: names are unique only as long as nobody makes a second one.
    pub(crate) fn by_name(&self, name: &str) -> Option<Key> {
        self.by_name.get(name)?.first().copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.rows.iter().map(|(key, row)| (*key, row))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Some object, as evenly chosen as the gaps between the keys allow.
    pub(crate) fn any(&self, rng: &mut Rng) -> Option<Key> {
        let from = rng.below(u64::from(self.next)) as Key;
        self.rows.range(from..).next().or_else(|| self.rows.iter().next()).map(|(key, _)| *key)
    }

    /// Gives every object a new id.
    pub(crate) fn renew_ids(&mut self, rng: &mut Rng) {
        self.revision += 1;
        self.by_id.clear();
        for (key, row) in &mut self.rows {
            row.set_id(rng.uuid());
            self.by_id.insert(row.id(), *key);
        }
    }
}

/// A table whatever it is of.
pub(crate) trait Rows {
    fn find(&self, selector: &Selector) -> Option<Key>;
    fn row(&self, key: Key) -> Option<&dyn Entity>;
    fn keys(&self) -> Box<dyn Iterator<Item = Key> + '_>;
    fn revision(&self) -> u64;
}

impl<T: Entity> Rows for Table<T> {
    fn find(&self, selector: &Selector) -> Option<Key> {
        match selector {
            Selector::Id(id) => self.by_id(*id),
            Selector::Name(name) => self.by_name(name),
        }
    }

    fn row(&self, key: Key) -> Option<&dyn Entity> {
        self.rows.get(&key).map(|row| row as &dyn Entity)
    }

    fn keys(&self) -> Box<dyn Iterator<Item = Key> + '_> {
        Box::new(self.rows.keys().copied())
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
