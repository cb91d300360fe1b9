//! What a rule or a step saw, as a value: names, labels, addresses, numbers. `report::words` puts it into words.

use super::rules::{image, logging, privilege, published, socket};

macro_rules! causes {
    ($($(#[$doc:meta])* $family:ident($cause:ty),)*) => {
        /// What was seen, and so what stands behind a finding, a refusal or a warning.
        ///
        /// What it is about (the container, the network, the label) is in the finding or the refusal already, and is not
        /// said again. Each family of rules has its own causes, beside its table.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Cause {
            /// What the rule's title says.
            Title(&'static str),
            /// The same of so many that it is better said once.
            Often { title: &'static str, names: Few },
            /// Words, until all of these are values.
            Said { words: String, fix: Option<String> },
            $($(#[$doc])* $family($cause),)*
        }

        $(impl From<$cause> for Cause {
            fn from(cause: $cause) -> Self {
                Self::$family(cause)
            }
        })*
    };
}

causes! {
    /// PUB.
    Published(published::Cause),
    /// PRV.
    Privilege(privilege::Cause),
    /// LOG.
    Logging(logging::Cause),
    /// IMG, and whose a container's labels are.
    Image(image::Cause),
    /// SOC.
    Socket(socket::Cause),
}

impl From<String> for Cause {
    fn from(words: String) -> Self {
        Self::Said { words, fix: None }
    }
}

impl From<&str> for Cause {
    fn from(words: &str) -> Self {
        Self::from(words.to_owned())
    }
}

/// A few of many names, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Few {
    pub(crate) names: Vec<String>,
    pub(crate) more: usize,
}

impl Few {
    /// The first five.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::up_to(5, names)
    }

    /// The first so many.
    pub(crate) fn up_to<'a>(most: usize, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = names.into_iter();
        let first = names.by_ref().take(most).map(str::to_owned).collect();
        Self { names: first, more: names.count() }
    }

    /// How many there are in all.
    pub(crate) fn len(&self) -> usize {
        self.names.len() + self.more
    }
}
