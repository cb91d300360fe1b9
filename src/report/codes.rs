//! The codes of refusals, in a few words: what `check --explain` and SARIF say of one that has no rule.

use crate::policy::refusal::Code;

/// What a code means, without a full stop.
pub fn title(code: Code) -> &'static str {
    match code {
        Code::NotEnabled => "`traefik.enable` is not true, or the labels cannot be read",
        Code::Constraints => "the operator's --constraints do not match",
        Code::OneOff => "a container of `docker compose run`",
        Code::NotRunning => "it does not run",
        Code::Unhealthy => "the health check does not say healthy",
        Code::Budget => "it asks for more than one container, or one owner, may",
        Code::Unreadable => "the engine's answer about it could not be read",
        Code::ImageLabels => "labels of the image would be needed to route it",
        Code::NotIsolated => "it has a way out, or power over the host",
        Code::NoProxyNetwork => "it is on no proxy network, or has no address there",
        Code::AmbiguousNetwork => "it is on several networks that may be the proxy network, and nothing says which",
        Code::BadLabel => "a label that Traefik would not accept",
        Code::BadName => "a name that Traefik cannot take",
        Code::TraefikVersion => "a label needs a newer Traefik than the one that reads the configuration",
        Code::Reference => "a reference to something of another owner or provider",
        Code::ServerUrl => "a server address that is not the container's own",
        Code::EntryPoint => "an entry point that containers may not use",
        Code::Host => "a host that is bound to another network, or a rule that matches every host",
        Code::Middleware => "a middleware that weakens the isolation",
        Code::NoPort => "no port is known",
        Code::NoAddress => "no address is known",
    }
}
