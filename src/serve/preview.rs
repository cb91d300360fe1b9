//! The query of a view: what the view itself is asked for, and flags to judge anew with. A view with such flags is a
//! preview: it is compiled for this one request where views are made, apart from the polls, and nothing of it is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Query;
use axum::http::Uri;

use super::published::Published;
use crate::plan::{self, Plan};
use crate::report::asked::{Asked, SERVER};
use crate::report::visible::short;
use crate::settings::{JUDGING, Settings};

/// The most letters that are repeated of what somebody else wrote, maybe into a link.
const LONGEST: usize = 80;

/// The most values of a parameter that is repeatable.
const MOST: usize = 32;

/// What every view takes: the address under which a client asks, which the commands in an answer then name.
const CLIENT: Parameter = (SERVER, &[]);

/// A parameter of a view's own, and the values it takes; none: any, as often as wanted.
pub(super) type Parameter = (&'static str, &'static [&'static str]);

/// What a view is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The view's own parameters that were given, with one of the values that they take.
    own: BTreeMap<&'static str, &'static str>,
    /// Those that take any value.
    free: BTreeMap<&'static str, Vec<String>>,
    /// What the flags in the query make of the service's settings, and these flags as one line; `None`: there are none.
    preview: Option<(Box<Settings>, String)>,
    /// These flags, by name and value.
    flags: Vec<(String, String)>,
}

impl Wanted {
    /// Reads a query. A parameter that takes `true` may stand without a value.
    ///
    /// Errors: a parameter that is neither the view's own nor one of [`JUDGING`], one of the view's own that is given twice,
    /// a value that it does not take. One line, which names those there are.
    pub(super) fn read(uri: &Uri, parameters: &[Parameter], settings: &Settings) -> Result<Self, String> {
        let Query(all) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|problem| problem.body_text())?;
        let mut own = BTreeMap::new();
        let mut free: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut changes = Vec::new();
        for (name, value) in all {
            let own_and_client = || parameters.iter().chain([&CLIENT]);
            let Some((known, values)) = own_and_client().find(|(known, _)| *known == name) else {
                if !JUDGING.contains(&name.as_str()) {
                    let there = own_and_client().map(|(name, _)| name).chain(&JUDGING).copied();
                    let there = there.collect::<Vec<_>>().join(", ");
                    return Err(format!("there is no parameter `{}`; there are: {there}", short(&name, LONGEST)));
                }
                changes.push((name, value));
                continue;
            };
            if values.is_empty() {
                let values = free.entry(*known).or_default();
                if !values.contains(&value) {
                    values.push(value);
                }
                if values.len() > MOST {
                    return Err(format!("`{known}` is given more than {MOST} times"));
                }
                continue;
            }
            let given = if value.is_empty() { "true" } else { value.as_str() };
            let Some(value) = values.iter().find(|value| **value == given) else {
                return Err(format!(
                    "`{known}`: `{}` is none of its values: {}",
                    short(&value, LONGEST),
                    values.join(", ")
                ));
            };
            if own.insert(*known, *value).is_some() {
                return Err(format!("`{known}` is given twice; give it once"));
            }
        }
        if changes.is_empty() {
            return Ok(Self { own, free, preview: None, flags: changes });
        }
        let changed = settings.changed(changes.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
        let shown = changes.iter().map(|(name, value)| format!("--{name} {}", short(value, LONGEST)));
        let shown = shown.collect::<Vec<_>>().join(" ");
        Ok(Self { own, free, preview: Some((Box::new(changed), shown)), flags: changes })
    }

    /// The value of a parameter of the view's own.
    pub(super) fn get(&self, parameter: &str) -> Option<&'static str> {
        self.own.get(parameter).copied()
    }

    /// The values of a parameter of the view's own that takes any.
    pub(super) fn all(&self, parameter: &str) -> &[String] {
        self.free.get(parameter).map_or(&[], Vec::as_slice)
    }

    /// What has to stand in a command that asks the same.
    pub(super) fn asked(&self) -> Asked {
        let is_address =
            |it: &&String| it.parse::<Uri>().is_ok_and(|uri| uri.scheme().is_some() && uri.host().is_some());
        let server = self.all(SERVER).first().filter(is_address).map(|it| (SERVER, it.as_str()));
        let flags = self.flags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Asked::with(server.into_iter().chain(flags))
    }

    /// The plan that is asked for. Takes as long as a compilation where it is a preview.
    pub(super) fn plan(&self, now: &Published) -> Arc<Plan> {
        match &self.preview {
            None => Arc::clone(&now.plan),
            Some((settings, _)) => {
                let mut plan = plan::compile(&now.inventory, settings);
                if now.plan.outbound_withdrawn {
                    plan.withdraw_outbound();
                }
                Arc::new(plan)
            }
        }
    }

    /// The settings that its plan is made with. `own`: the service's.
    pub(super) fn settings<'a>(&'a self, own: &'a Settings) -> &'a Settings {
        self.preview.as_ref().map_or(own, |(settings, _)| settings)
    }

    /// What people read first: that it is a preview, if it is one.
    pub(super) fn headed(&self, text: String) -> String {
        match &self.preview {
            None => text,
            Some((_, flags)) => format!("preview with {flags}: the service goes on as it is\n\n{text}"),
        }
    }
}
