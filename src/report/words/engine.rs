//! ENG: the engine, and what its API cannot tell.

use super::{engine_name, listed};
use crate::policy::rules::engine::Cause;

pub(super) fn words(cause: &Cause) -> String {
    match cause {
        Cause::Dns(engine) => format!("{} looks names up outside for internal networks", engine_name(engine)),
        Cause::Affected(engine) => format!("{} is affected", engine_name(engine)),
        Cause::Firewalld(engine) => format!("{} runs with firewalld", engine_name(engine)),
        Cause::FirewalldUnknown(engine) => {
            format!("{} does not say whether firewalld is in use; with it, it is affected", engine_name(engine))
        }
        Cause::NoBridgeFilter(engine) => format!("{} says that bridge-nf-call-iptables is off", engine_name(engine)),
        Cause::Unseen => {
            "whether the packet filter is in place (iptables, br_netfilter, rp_filter, DOCKER-USER), what \
                          listens on the host and where its resolver is"
                .to_owned()
        }
        Cause::Warns(warning) => {
            let warning = warning.trim().trim_end_matches('.').split_whitespace().collect::<Vec<_>>().join(" ");
            format!("the engine warns: {warning}")
        }
        Cause::NoSeccomp(engine) => format!("{} runs without seccomp", engine_name(engine)),
        Cause::NoMandatoryControl(engine) => {
            format!("{} runs containers without AppArmor and without SELinux", engine_name(engine))
        }
        Cause::OwnSeccomp(path) => format!("what the engine's system call filter `{path}` allows is not in its API"),
        Cause::FewRanges { total, left, own } => {
            let own_pools = "Docker's own address pools (unless daemon.json sets others)";
            let whose = if *own { own_pools } else { "the engine's address pools" };
            format!("of {total} ranges in {whose}, {left} are left for new networks")
        }
        Cause::SwarmUnused => "swarm mode is active, and no service is here".to_owned(),
        Cause::Old(engine) => format!("{} gets no security fixes any more", engine_name(engine)),
        Cause::Until { engine, day } => format!("{} gets security fixes until {day}", engine_name(engine)),
        Cause::NotKnown(engine) => format!("`{}` is not known", engine_name(engine)),
        Cause::OldNetavark(engine) => format!("{} comes with a netavark that may be older", engine_name(engine)),
        Cause::Unreadable(containers) => {
            format!("{} could not be read, and may be anybody's neighbour", listed(containers))
        }
    }
}
