//! The flags that decide what is routed, and what they mean: [`Settings`]. Named as in Traefik where Traefik has them.

use std::num::NonZeroU32;

use clap::{Args, ValueEnum, builder::BoolishValueParser};
use leeward::budgets::Budgets;
use leeward::settings::{
    self, Glob, IsolationOf, NamedEgress, OutboundPorts, OwnEntryPoint, Settings, SharedMiddleware,
};
use leeward::traefik::Version;
use leeward::traefik::rules::constraint::Constraint;
use leeward::traefik::rules::template::{self, DefaultRule};

use super::Failure;

/// Flags of every verb that compiles a plan.
#[derive(Args, Debug)]
#[command(next_help_heading = "What is routed")]
pub(crate) struct Policy {
    /// Route containers without the label `traefik.enable` [default: false]
    ///
    /// With `--isolation off --names traefik --image-labels honor` the default is true, as in Traefik.
    #[arg(long, value_name = "true|false", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    exposed_by_default: Option<bool>,

    /// Rule of routers without one: a Go template over .Name, .ContainerName and .Labels
    #[arg(long, hide_short_help = true, value_name = "TEMPLATE", default_value = template::DEFAULT)]
    default_rule: DefaultRule,

    /// Route only containers whose labels match, as Label(`key`, `value`) && !LabelRegex(`key`, `regex`)
    #[arg(long, hide_short_help = true, value_name = "EXPRESSION", default_value = "", hide_default_value = true)]
    constraints: Constraint,

    /// Proxy network to use if a container is on several and no label names one
    #[arg(long, hide_short_help = true, value_name = "NETWORK")]
    network: Option<String>,

    /// Use the host address and port that a container publishes, if it publishes one
    #[arg(long, hide_short_help = true, value_name = "true|false", default_value = "false", value_parser = BoolishValueParser::new(), hide_possible_values = true, action = clap::ArgAction::Set)]
    use_bind_port_ip: bool,

    /// Keep the service of an unhealthy container, without a server: Traefik answers 503, not 404
    #[arg(long, hide_short_help = true, value_name = "true|false", default_value = "false", value_parser = BoolishValueParser::new(), hide_possible_values = true, action = clap::ArgAction::Set)]
    allow_empty_services: bool,

    /// What happens to containers that are not isolated
    #[arg(long, value_name = "LEVEL", default_value = "enforce")]
    isolation: Isolation,

    /// The same for one project, as `nextcloud=warn`; repeatable
    ///
    /// strict, enforce or warn, for the containers of a Compose project, a Swarm stack or `~NAME`, a container alone. `warn`
    /// relaxes isolation and the use of other projects' middlewares; what the project claims of others (hosts, catch-alls,
    /// server addresses) is judged as --isolation says.
    #[arg(long, hide_short_help = true, value_name = "PROJECT=LEVEL", value_delimiter = ',')]
    isolation_of: Vec<IsolationOf>,

    /// How routers, services and middlewares are named in the document
    #[arg(long, hide_short_help = true, value_name = "SCHEME", default_value = "project")]
    names: Names,

    /// Whether labels baked into an image count
    #[arg(long, hide_short_help = true, value_name = "WHETHER", default_value = "ignore")]
    image_labels: ImageLabels,

    /// Whether containers of `docker compose run` are routed [default: ignore]
    ///
    /// With `--isolation off --names traefik --image-labels honor` the default is route, as in Traefik.
    #[arg(long, hide_short_help = true, value_name = "WHETHER")]
    one_off: Option<OneOff>,

    /// Container that is a Traefik; the label `leeward.traefik` then has no effect; repeatable
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    traefik: Vec<String>,

    /// Container that is an egress Traefik, or with `=proxy` a forward proxy; the label `leeward.egress` then has no effect; repeatable
    #[arg(long, hide_short_help = true, value_name = "NAME", value_delimiter = ',')]
    egress: Vec<NamedEgress>,

    /// Ports of outbound names, and what each speaks: tls, plain or http
    #[arg(
        long,
        hide_short_help = true,
        value_name = "PORT=KIND,...",
        default_value = OutboundPorts::USUAL
    )]
    outbound_ports: OutboundPorts,

    /// Proxy network; `*` and `?` match as in a shell; repeatable, the first match wins
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    proxy_network: Vec<Glob>,

    /// Middleware that every container may use, as `authelia.auth`; repeatable
    #[arg(long, hide_short_help = true, value_name = "OWNER.NAME", value_delimiter = ',')]
    share_middleware: Vec<SharedMiddleware>,

    /// Reference to another provider that containers may use, as `api@internal`; repeatable
    #[arg(long, hide_short_help = true, value_name = "NAME@PROVIDER", value_delimiter = ',', value_parser = settings::reference)]
    allow_reference: Vec<String>,

    /// Entry point that belongs to one owner, as `mqtt=home`; repeatable
    ///
    /// The owner's routers may take all traffic of that entry point.
    #[arg(long, hide_short_help = true, value_name = "NAME=OWNER", value_delimiter = ',')]
    own_entrypoint: Vec<OwnEntryPoint>,

    /// Version of the Traefik that reads the document, as 3.6 [default: its image tag, else 3.0]
    #[arg(long, hide_short_help = true, value_name = "VERSION")]
    traefik_version: Option<Version>,

    /// Most labels of one container, of those that Leeward reads
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "10000", help_heading = "Budgets")]
    max_labels: NonZeroU32,

    /// Most bytes of these labels
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "1048576", help_heading = "Budgets")]
    max_label_bytes: NonZeroU32,

    /// Most routers of one container; as many services, middlewares and models, of each kind
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "500", help_heading = "Budgets")]
    max_routers: NonZeroU32,

    /// Most bytes of one rule
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "65536", help_heading = "Budgets")]
    max_rule_bytes: NonZeroU32,

    /// Most instructions of one container's regular expressions, some 110 bytes of Traefik's memory each
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "200000", help_heading = "Budgets")]
    max_regex_size: NonZeroU32,

    /// Limits of all containers of one owner together, as a multiple of those of one container
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "4", help_heading = "Budgets")]
    max_per_owner: NonZeroU32,
}

/// As [`settings::Isolation`], in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Isolation {
    /// Also refuse containers whose isolation is only weakened
    Strict,
    /// Refuse containers with a way out, or with power over the host
    Enforce,
    /// Route them anyway, and report
    Warn,
    /// Check nothing, as Traefik's own provider
    Off,
}

/// As [`settings::Names`], in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Names {
    /// `<owner>.<name>`: each Compose project, stack or lone container has its own names
    Project,
    /// Bare names that all share, as Traefik's own provider
    Traefik,
}

/// As [`settings::ImageLabels`], in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ImageLabels {
    /// They do not count: the author of an image does not configure the proxy
    Ignore,
    /// They count, as in Traefik
    Honor,
}

/// As [`settings::OneOff`], in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OneOff {
    /// They are ignored
    Ignore,
    /// They are routed like any other container
    Route,
}

impl Policy {
    /// What the flags mean. Errors: flags that contradict each other.
    pub(crate) fn settings(self) -> Result<Settings, Failure> {
        let isolation_of = settings::isolation_of(self.isolation_of)
            .map_err(|words| Failure::Settings(format!("--isolation-of: {words}")))?;
        if self.isolation == Isolation::Off && !isolation_of.is_empty() {
            let words = "--isolation-of has no effect with --isolation off, which checks nothing; use --isolation warn";
            return Err(Failure::Settings(words.to_owned()));
        }
        // Exactly this triple promises to be Traefik's own provider, and there the default is true.
        let as_traefik =
            (self.isolation, self.names, self.image_labels) == (Isolation::Off, Names::Traefik, ImageLabels::Honor);
        Ok(Settings {
            exposed_by_default: self.exposed_by_default.unwrap_or(as_traefik),
            constraints: self.constraints,
            default_rule: self.default_rule,
            network: self.network,
            use_bind_port_ip: self.use_bind_port_ip,
            allow_empty_services: self.allow_empty_services,
            isolation: match self.isolation {
                Isolation::Strict => settings::Isolation::Strict,
                Isolation::Enforce => settings::Isolation::Enforce,
                Isolation::Warn => settings::Isolation::Warn,
                Isolation::Off => settings::Isolation::Off,
            },
            isolation_of,
            names: match self.names {
                Names::Project => settings::Names::Project,
                Names::Traefik => settings::Names::Traefik,
            },
            image_labels: match self.image_labels {
                ImageLabels::Ignore => settings::ImageLabels::Ignore,
                ImageLabels::Honor => settings::ImageLabels::Honor,
            },
            one_off: match self.one_off.unwrap_or(if as_traefik { OneOff::Route } else { OneOff::Ignore }) {
                OneOff::Ignore => settings::OneOff::Ignore,
                OneOff::Route => settings::OneOff::Route,
            },
            traefiks: self.traefik.into_iter().collect(),
            egresses: self.egress.into_iter().map(|it| (it.name, it.egress)).collect(),
            // `serve` alone knows: another's answer must not depend on where it is asked.
            own_container: None,
            outbound_ports: self.outbound_ports,
            // A flag of `serve` alone, too.
            outbound_connections: None,
            proxy_networks: self.proxy_network,
            share_middlewares: self.share_middleware.into_iter().collect(),
            allow_references: self.allow_reference.into_iter().collect(),
            own_entry_points: self.own_entrypoint.into_iter().collect(),
            traefik_version: self.traefik_version,
            // A flag of `serve` alone: nobody else writes a document.
            default_certificate: None,
            budgets: Budgets {
                labels: self.max_labels.get().into(),
                label_bytes: self.max_label_bytes.get().into(),
                routers: self.max_routers.get().into(),
                rule_bytes: self.max_rule_bytes.get().into(),
                regex_size: self.max_regex_size.get().into(),
                per_owner: self.max_per_owner.get().into(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        policy: Policy,
    }

    fn settings(flags: &[&str]) -> Settings {
        Only::try_parse_from([&["leeward"], flags].concat()).unwrap().policy.settings().unwrap()
    }

    #[test]
    fn containers_must_ask_unless_leeward_is_to_be_traefiks_own_provider() {
        for (flags, wanted) in [
            (&[] as &[&str], false),
            (&["--isolation=off", "--names=traefik"], false),
            (&["--isolation=warn", "--names=traefik", "--image-labels=honor"], false),
            (&["--isolation=off", "--names=traefik", "--image-labels=honor"], true),
            (&["--isolation=off", "--names=traefik", "--image-labels=honor", "--exposed-by-default=false"], false),
            (&["--exposed-by-default=true"], true),
        ] {
            assert_eq!(settings(flags).exposed_by_default, wanted, "{flags:?}");
        }
    }

    #[test]
    fn containers_of_compose_run_are_routed_only_where_leeward_is_to_be_traefiks_own_provider_or_told_so() {
        let as_traefik = ["--isolation=off", "--names=traefik", "--image-labels=honor"];
        for (flags, wanted) in [
            (&[] as &[&str], settings::OneOff::Ignore),
            (&["--isolation=warn"], settings::OneOff::Ignore),
            (&["--one-off=route"], settings::OneOff::Route),
            (&as_traefik, settings::OneOff::Route),
            (&[&as_traefik[..], &["--one-off=ignore"]].concat(), settings::OneOff::Ignore),
        ] {
            assert_eq!(settings(flags).one_off, wanted, "{flags:?}");
        }
    }

    #[test]
    fn the_flags_defaults_are_the_budgets_defaults() {
        assert_eq!(settings(&[]).budgets, Budgets::default());
    }

    #[test]
    fn lists_repeat_and_split_at_commas_and_keep_their_order() {
        let settings = settings(&["--proxy-network=z-*,a", "--proxy-network", "m", "--allow-reference=api@internal"]);
        assert_eq!(settings.proxy_networks.iter().map(Glob::as_str).collect::<Vec<_>>(), ["z-*", "a", "m"]);
        assert!(settings.allow_references.contains("api@internal"));
    }

    #[test]
    fn modes_of_projects_that_contradict_each_other_are_invalid() {
        let own = settings(&["--isolation-of=blog=warn,~box=strict", "--isolation-of", "shop=enforce"]).isolation_of;
        assert_eq!(own.keys().collect::<Vec<_>>(), ["blog", "shop", "~box"]);
        for (flags, wanted) in [
            (["--isolation=off", "--isolation-of=blog=warn"], "has no effect with --isolation off"),
            (["--isolation-of=blog=strict", "--isolation-of=blog=warn"], "--isolation-of: `blog` has two modes"),
        ] {
            let Ok(only) = Only::try_parse_from([&["leeward"], &flags[..]].concat()) else { panic!("{flags:?}") };
            let Err(Failure::Settings(words)) = only.policy.settings() else { panic!("{flags:?}") };
            assert!(words.contains(wanted), "{words}");
        }
    }

    #[test]
    fn a_bad_value_is_named_with_its_flag() {
        for (flag, value) in [
            ("--constraints", "Lable(`a`, `b`)"),
            ("--allow-reference", "api"),
            ("--share-middleware", "auth"),
            ("--own-entrypoint", "mqtt"),
            ("--outbound-ports", "443=TLS"),
            ("--isolation", "hard"),
            ("--isolation-of", "blog=off"),
            ("--exposed-by-default", "perhaps"),
        ] {
            let error = Only::try_parse_from(["leeward", flag, value]).err().unwrap().to_string();
            let line = error.lines().next().unwrap();
            assert!(line.contains(flag) && line.contains(value), "{line}");
        }
    }
}
