//! Whether a container asked for a route, and whether it is up to serving one.
//!
//! Source: Traefik `pkg/provider/docker/config.go` (`keepContainer`) and `shared_labels.go`; the order of the checks is
//! Traefik's.

use std::collections::BTreeMap;

use crate::inventory::Container;
use crate::policy::cause::Step;
use crate::policy::refusal::{Code, Refusal};
use crate::settings::Settings;
use crate::traefik::labels::{self, ProviderLabels};
use crate::traefik::rules::template::normalize;

/// What `traefik.enable`, `traefik.docker.*` and `traefik.swarm.*` say, or why they say nothing.
pub(crate) fn provider_labels(
    container: &Container,
    labels: &BTreeMap<String, String>,
    settings: &Settings,
) -> Result<ProviderLabels, Refusal> {
    labels::provider(labels, settings.exposed_by_default, container.swarm.is_some()).map_err(Refusal::for_problem)
}

/// Step 1. `Err`: it did not ask, or the operator's constraints leave it out.
///
/// `all` are the container's labels, `counted` those that count, `own` finds those that its image does not carry.
/// Discounting may only ever take a route away, so the container must ask by both, and meet the constraints by both.
pub(crate) fn asked_for<'a>(
    container: &Container,
    all: &ProviderLabels,
    counted: &ProviderLabels,
    own: &dyn Fn(&str) -> Option<&'a str>,
    settings: &Settings,
) -> Result<(), Refusal> {
    if !counted.enable && all.enable {
        return Err(Refusal::new(Code::NotEnabled, Step::EnabledByImage).by_label("traefik.enable"));
    }
    if !counted.enable || !all.enable {
        return Err(Refusal::new(Code::NotEnabled, Step::NotEnabled).by_label("traefik.enable"));
    }
    if let Some(swarm) = &container.swarm {
        // A service is one backend with `lbswarm`, else its tasks are backends each.
        if counted.lb_swarm && swarm.task.is_some() {
            return Err(Refusal::new(Code::NotEnabled, Step::ServiceAsWhole(swarm.service.clone())));
        }
        if !counted.lb_swarm && swarm.task.is_none() {
            return Err(Refusal::new(Code::NotEnabled, Step::TasksOneByOne));
        }
        if container.attachments.is_empty() {
            return Err(Refusal::new(Code::NoAddress, Step::ServiceWithoutAddress));
        }
    }
    if !settings.constraints.matches(&container.labels) || !settings.constraints.matches_by(own) {
        return Err(Refusal::new(Code::Constraints, Step::Constraints));
    }
    Ok(())
}

/// Step 2. `Err`: not up, and not allowed to be routed while it is not.
pub(crate) fn alive(container: &Container, labels: &ProviderLabels, settings: &Settings) -> Result<(), Refusal> {
    if container.swarm.is_some() || labels.allow_non_running {
        return Ok(());
    }
    if !container.is_running() {
        return Err(Refusal::new(Code::NotRunning, Step::NotRunning(container.state.clone())));
    }
    if !settings.allow_empty_services && !is_healthy(container) {
        let health = container.health.as_deref().unwrap_or_default().to_owned();
        return Err(Refusal::new(Code::Unhealthy, Step::Unhealthy(health)));
    }
    Ok(())
}

/// Running and healthy: its services get servers.
pub(crate) fn is_serving(container: &Container) -> bool {
    container.swarm.is_some() || (container.is_running() && is_healthy(container))
}

fn is_healthy(container: &Container) -> bool {
    container.health.as_deref().is_none_or(|health| health.is_empty() || health == "healthy")
}

/// The default service and router name: `<service>-<project>` under Compose, else the container's (or the Swarm
/// service's) name, normalised. `labels` are those that count. Source: Traefik `shared.go`, `getServiceName`.
pub(crate) fn service_name(container: &Container, labels: &BTreeMap<String, String>) -> String {
    let label = |key: &str| labels.get(key).filter(|value| !value.is_empty());
    match (label("com.docker.compose.service"), label("com.docker.compose.project")) {
        (Some(service), Some(project)) => normalize(&[service, "_", project].concat()),
        _ => normalize(container.swarm.as_ref().map_or(&container.name, |swarm| &swarm.service)),
    }
}
