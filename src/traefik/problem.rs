//! What is wrong with labels, as values: names, values, numbers. `report::words` puts them into words.

use super::Version;

/// What is wrong with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The whole key, as written where it is known.
    pub label: String,
    /// Why it is not accepted.
    pub(crate) reason: Reason,
    /// What its key was meant to be, where it is a matter of spelling; with [`Reason::BadValue`], its value.
    pub(crate) meant: Option<String>,
}

impl Problem {
    pub(crate) fn new(label: impl Into<String>, reason: Reason, meant: Option<String>) -> Self {
        Self { label: label.into(), reason, meant }
    }
}

/// Why Traefik does not accept a label, or no document can carry it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// The key's first name is this one, and not `traefik`.
    FirstName(String),
    EmptyName,
    /// A name that begins with `[`.
    IndexAlone(String),
    /// A name that ends with `]`, without a `[`.
    Unopened(String),
    /// Than this.
    MoreNames(usize),
    /// There is no `name` below `parent`, only what is `known`.
    UnknownName {
        name: String,
        parent: String,
        known: Box<[&'static str]>,
    },
    /// The name stands below an item of a list of strings, which has this key.
    BelowItem(String, String),
    /// Something stands below the name, which is a scalar: Go's word for it.
    BelowScalar(String, &'static str),
    /// The name is a structure, and nothing stands below it: what could.
    NoNameBelow(String, &'static str),
    /// Labels of both providers, `traefik.docker.*` and `traefik.swarm.*`.
    BothProviders,
    BadValue(String, ValueError),
    /// An item of a list holds what documents separate items with.
    SeparatorInItem(String),
    /// A plugin's setting has too long a name.
    LongSetting,
    /// The value of a plugin's setting begins with the separator.
    SeparatorInSetting(String),
    /// A plugin's setting has names below it beside an index.
    NamesBesideIndex,
}

/// What the value of a label is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ValueError {
    NotBool,
    NotInt,
    /// Of 64 bits.
    OutOfRange,
    NotDuration,
}

/// Why a label would stop Traefik, or hold it up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    NoUsers,
    /// The users are in a file, of which nobody knows whether it holds one; on this release.
    UsersFile(Version),
    /// A file that may be a device.
    Device(String),
    /// Of a visitor's body.
    Bytes(i64),
    /// To a Redis.
    Connections(i64),
    /// Of all its services, a minute.
    HealthChecks(u64),
    /// Of all its routers.
    EntryPoints {
        found: usize,
        most: usize,
    },
}

/// Why Traefik passes over a label that looks like one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unmatched {
    /// It knows the name, and reads it from no label.
    Dropped(&'static str),
    /// Of `traefik.tls` it reads the default store alone.
    Tls,
    /// There is none of this name; the nearest second name there is.
    Unknown(Option<&'static str>),
}
