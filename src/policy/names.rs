//! The owner of a container, and the names in the document of what it declares.

use std::fmt;

use super::image_labels::OperatorLabels;
use crate::inventory::Container;
use crate::settings::Names;

/// The owner of a container: containers of one owner share their names, and nobody else's.
///
/// Shape: shown as `app1` for a Compose project or a Swarm stack, as `~name` for a container alone, as `~~name` for a Swarm
/// service alone. A container's name and a service's are each unique in their engine, neither starts with `~`, and no
/// group may: no two owners look alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A Compose project (`com.docker.compose.project`, where the group of Compose labels counts) or a Swarm stack
    /// (`com.docker.stack.namespace` of the service). One space of names: the operator names both.
    Group(String),
    /// A container that belongs to neither, by its name; or a Swarm service, by its name after a `~`.
    Alone(String),
}

impl Owner {
    /// The owner of `container`, by the labels of it that count.
    ///
    /// A group's name that could forge another owner or break a reference does not count: an empty one, one that
    /// starts with `~`, and one that holds `@` or a control character. The container is then alone.
    pub fn of(container: &Container, labels: &OperatorLabels<'_>) -> Self {
        let group = if container.swarm.is_some() {
            labels.get("com.docker.stack.namespace")
        } else if labels.compose {
            labels.get("com.docker.compose.project")
        } else {
            None
        };
        // The tasks of one Swarm service are one owner's: the service's.
        let service = container.swarm.as_ref().map(|swarm| swarm.service.as_str()).filter(|it| !it.is_empty());
        let alone = service.unwrap_or(&container.name);
        let mark = if container.swarm.is_some() { "~" } else { "" };
        match group.filter(|name| is_plain(name) && !name.starts_with('~')) {
            Some(name) => Self::Group(name.to_owned()),
            // The engine lets no container be called so; another engine might.
            None if is_plain(alone) => Self::Alone(format!("{mark}{alone}")),
            None => Self::Alone(container.id.to_string()),
        }
    }

    /// What it is shown as: a mark, and a name.
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Group(name) => ("", name),
            Self::Alone(name) => ("~", name),
        }
    }

    /// The name of the group, if it is one.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Group(name) => Some(name),
            Self::Alone(_) => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, name) = self.parts();
        formatter.write_str(mark)?;
        formatter.write_str(name)
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(|letter: char| letter == '@' || letter.is_control())
}

/// How many bytes [`published`] puts before a name at most.
pub fn width(owner: &Owner) -> usize {
    let (mark, own) = owner.parts();
    mark.len() + own.len() + 1
}

/// The name under which `name`, declared by `owner`, is in the document: `<owner>.<name>`, or bare.
///
/// A name in a label cannot hold a dot, so the last dot splits it: `a.b` is never mistaken for another owner's.
pub fn published(owner: &Owner, name: &str, names: Names) -> String {
    match names {
        Names::Project => {
            let (mark, own) = owner.parts();
            [mark, own, ".", name].concat()
        }
        Names::Traefik => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::inventory::{Image, Swarm};
    use crate::policy::image_labels::operator_labels;
    use crate::settings::Settings;

    fn owner(name: &str, labels: &[(&str, &str)], swarm: bool) -> String {
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let swarm = swarm.then(Swarm::default);
        let container = Container { id: "0123".into(), name: name.to_owned(), labels, swarm, ..Container::default() };
        let labels = operator_labels(&container, Some(&Image::default()), &Settings::default());
        Owner::of(&container, &labels).to_string()
    }

    #[test]
    fn an_owner_is_a_project_a_stack_or_the_container() {
        let project = "com.docker.compose.project";
        assert_eq!(owner("app1-web-1", &[(project, "app1")], false), "app1");
        assert_eq!(owner("lone", &[], false), "~lone");
        assert_eq!(owner("blog_web", &[("com.docker.stack.namespace", "blog")], true), "blog");
        assert_eq!(owner("web", &[], true), "~~web");
        // A stack's label on a plain container is no stack.
        assert_eq!(owner("web", &[("com.docker.stack.namespace", "blog")], false), "~web");
    }

    #[test]
    fn no_owner_can_be_forged() {
        let project = "com.docker.compose.project";
        for forged in ["", "~victim", "victim@docker", "vic\ntim", "a\u{85}b"] {
            assert_eq!(owner("lone", &[(project, forged)], false), "~lone", "{forged:?}");
        }
        assert_eq!(owner("", &[], false), "~0123");
        assert_eq!(owner("a@b", &[], false), "~0123");
    }

    #[test]
    fn names_carry_their_owner() {
        let group = Owner::Group("a.b".into());
        assert_eq!(published(&group, "c", Names::Project), "a.b.c");
        assert_eq!(published(&Owner::Alone("a".into()), "c", Names::Project), "~a.c");
        assert_eq!(published(&group, "c", Names::Traefik), "c");
    }
}
