//! Where a verb takes its plan from: a running service, or an engine or a snapshot that is read and judged here.
//!
//! A flag goes before either variable, and `LEEWARD_SERVER` before `LEEWARD_ENGINE`: where both are set, as in the shipped
//! Compose file, people are told what the service decided with its own flags. Of the flags that judge, those on the command
//! line are sent to the service, and it answers what it would decide with them; variables are not: they are the service's.

use std::time::Duration;

use anyhow::anyhow;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use hyper::{StatusCode, Uri};
use leeward::net::percent::encoded;
use leeward::report::asked::{Asked, SERVER};
use leeward::settings::{JUDGING, Settings};

use super::Failure;
use super::client::{Answer, Server};
use super::engine::{Engine, Source};
use super::policy::Policy;

/// How long a service may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Flags of every verb that shows a plan.
#[derive(Debug)]
pub(crate) struct Judged {
    flags: Flags,
    typed: Typed,
}

#[derive(Args, Debug)]
struct Flags {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    engine: Engine,
    #[command(flatten)]
    policy: Policy,
}

/// What stands on the command line, and not in a variable.
#[derive(Debug, Default)]
struct Typed {
    /// `--server`.
    server: bool,
    /// The flags that say where or how to read an engine, by name and value.
    engine: Vec<(String, String)>,
    /// The flags that say how to ask a service.
    asking: Vec<(String, String)>,
    /// The flags that judge, by name and value.
    policy: Vec<(String, String)>,
}

/// Where the plan comes from.
#[derive(Debug)]
pub(crate) enum Place {
    /// A running service.
    Server(Box<Asking>),
    /// Facts to be read and judged here.
    Here(Box<Source>, Box<Settings>),
}

/// A service, and how it is to judge.
#[derive(Debug)]
pub(crate) struct Asking {
    server: Server,
    url: Uri,
    policy: Vec<(String, String)>,
    /// `--server` stands on the command line.
    typed: bool,
}

impl Judged {
    /// What has to stand in a command that asks the same: what stands on the command line.
    pub(crate) fn asked(&self) -> Asked {
        Asked::with(self.typed.all())
    }

    /// The same of files.
    pub(crate) fn asked_of<'a>(
        &'a self,
        files: impl IntoIterator<Item = &'a str>,
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Asked {
        Asked::files(files, more.into_iter().chain(by_name(&self.typed.policy)))
    }

    /// How to judge what neither a service nor an engine has: files. Errors: flags that make no sense.
    pub(crate) fn settings(self) -> Result<Settings, Failure> {
        self.flags.policy.settings()
    }

    /// Which of the two it is. Errors: flags that contradict each other, or that a service cannot judge with.
    pub(crate) fn place(self) -> Result<Place, Failure> {
        let Self { flags: Flags { server, engine, policy }, typed } = self;
        if let (true, Some((flag, _))) = (typed.server, typed.engine.first()) {
            let words = format!("--server asks a running service, and --{flag} reads an engine: leave one of them out");
            return Err(Failure::Settings(words));
        }
        let url = server.server.clone().filter(|_| typed.engine.is_empty());
        // Also where they are sent: what makes no sense is said before anybody is asked.
        let settings = policy.settings()?;
        let Some(url) = url else { return Ok(Place::Here(Box::new(engine.source()?), Box::new(settings))) };
        if let Some((flag, _)) = typed.policy.iter().find(|(name, _)| !JUDGING.contains(&name.as_str())) {
            return Err(Failure::Settings(format!(
                "--{flag} says which labels are read, and the service at {url} has read them: give it to `leeward serve`, or \
                 read an engine here, with --engine"
            )));
        }
        Ok(Place::Server(Box::new(Asking { server, url, policy: typed.policy, typed: typed.server })))
    }
}

impl Asking {
    /// What the service answers for `path` with the parameters of the view's own. `accept` is the media type wanted.
    ///
    /// Errors: no answer, or one with a status that is not in `good`.
    pub(crate) fn ask(
        &self,
        path: &str,
        own: &[(&str, &str)],
        accept: &str,
        good: &[StatusCode],
    ) -> Result<Answer, Failure> {
        let judging = self.policy.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let url = self.url.to_string();
        // What it answers names commands, which have to ask it too.
        let typed = self.typed.then_some((SERVER, url.as_str()));
        let all =
            own.iter().copied().chain(typed).chain(judging).map(|(name, value)| format!("{name}={}", encoded(value)));
        let query = all.collect::<Vec<_>>().join("&");
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let answer = super::block_on(async { Ok(self.server.ask(&self.url, &path, accept, TIMEOUT).await?) })?;
        if good.contains(&answer.status) {
            return Ok(answer);
        }
        let remedy = match (answer.status, &self.server.token_file) {
            (StatusCode::UNAUTHORIZED, None) => {
                "; name the file with the token: --token-file FILE (LEEWARD_TOKEN_FILE)"
            }
            _ => "",
        };
        Err(anyhow!("{} answered {}: {}{remedy}", self.url, answer.status, answer.body.trim_end()).into())
    }
}

/// The flags that judge, of a verb that only reads files.
#[derive(Debug)]
pub(crate) struct OfFiles {
    policy: Policy,
    typed: Vec<(String, String)>,
}

impl OfFiles {
    /// Errors: flags that make no sense.
    pub(crate) fn settings(self) -> Result<Settings, Failure> {
        self.policy.settings()
    }

    /// The arguments that name the files again, with what stands on the command line besides.
    pub(crate) fn asked<'a>(
        &'a self,
        files: impl IntoIterator<Item = &'a str>,
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Asked {
        Asked::files(files, more.into_iter().chain(by_name(&self.typed)))
    }
}

impl Args for OfFiles {
    fn augment_args(command: Command) -> Command {
        Policy::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Policy::augment_args_for_update(command)
    }
}

impl FromArgMatches for OfFiles {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let typed = typed(matches, &Policy::augment_args(Command::new("policy")));
        Ok(Self { policy: Policy::from_arg_matches_mut(matches)?, typed })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Judged {
    fn augment_args(command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args_for_update(command)
    }
}

impl FromArgMatches for Judged {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        // Values are taken out of the matches as they are read.
        let typed = Typed::of(matches);
        Ok(Self { flags: Flags::from_arg_matches_mut(matches)?, typed })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn by_name(flags: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    flags.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

impl Typed {
    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        [&self.asking, &self.engine, &self.policy].into_iter().flat_map(|flags| by_name(flags))
    }

    fn of(matches: &ArgMatches) -> Self {
        let asking = typed(matches, &Server::augment_args(Command::new("server")));
        Self {
            server: asking.iter().any(|(name, _)| name == "server"),
            engine: typed(matches, &Engine::augment_args(Command::new("engine"))),
            asking,
            policy: typed(matches, &Policy::augment_args(Command::new("policy"))),
        }
    }
}

/// The flags of a group that stand on the command line, by name and value.
fn typed(matches: &ArgMatches, group: &Command) -> Vec<(String, String)> {
    let flags = group.get_arguments().filter_map(|flag| Some((flag.get_id().as_str(), flag.get_long()?)));
    let flags = flags.filter(|(id, _)| matches.value_source(id) == Some(ValueSource::CommandLine));
    let values = flags.flat_map(|(id, name)| {
        let raw = matches.get_raw(id).into_iter().flatten();
        raw.map(|value| (name.to_owned(), value.to_string_lossy().into_owned()))
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        judged: Judged,
    }

    fn place(flags: &[&str]) -> Result<Place, String> {
        let only = Only::try_parse_from([&["leeward"], flags].concat()).map_err(|error| error.to_string())?;
        only.judged.place().map_err(|failure| match failure {
            Failure::Settings(words) => words,
            Failure::Failed(error) => error.to_string(),
        })
    }

    const SERVER: &str = "--server=http://127.0.0.1:9";

    #[test]
    fn flags_that_judge_are_sent_as_they_are_typed() {
        let flags = [SERVER, "--isolation=enforce", "--share-middleware=a.b,c.d", "--isolation-of", "blog=warn"];
        let Ok(Place::Server(asking)) = place(&flags) else { panic!("it asks the service") };
        let sent: Vec<_> = asking.policy.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for wanted in [
            ("isolation", "enforce"),
            ("share-middleware", "a.b"),
            ("share-middleware", "c.d"),
            ("isolation-of", "blog=warn"),
        ] {
            assert!(sent.contains(&wanted), "{sent:?}");
        }
        assert_eq!(sent.len(), 4, "{sent:?}");
    }

    #[test]
    fn a_service_and_an_engine_are_not_asked_at_once() {
        for engine in ["--engine=demo", "--swarm=off"] {
            let words = place(&[SERVER, engine]).unwrap_err();
            assert!(words.contains(engine.split('=').next().unwrap()) && words.contains("leave one"), "{words}");
        }
        assert!(matches!(place(&["--engine=demo"]), Ok(Place::Here(..))));
    }

    #[test]
    fn what_a_service_cannot_judge_with_is_invalid() {
        for flag in ["--constraints=Label(`a`, `b`)", "--default-rule=Host(`a`)", "--max-labels=1"] {
            let words = place(&[SERVER, flag]).unwrap_err();
            assert!(words.starts_with(flag.split('=').next().unwrap()), "{words}");
        }
    }

    #[test]
    fn every_flag_that_judges_can_be_sent_or_says_what_is_read() {
        let policy = Policy::augment_args(Command::new("policy"));
        let names: Vec<_> = policy.get_arguments().filter_map(|flag| flag.get_long()).collect();
        for name in JUDGING {
            assert!(names.contains(&name), "--{name}");
        }
        for name in names {
            let reads = name.starts_with("max-") || ["default-rule", "constraints"].contains(&name);
            assert!(JUDGING.contains(&name) != reads, "--{name}");
        }
    }
}
