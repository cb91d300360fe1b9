//! What a container's own system call filter lets through.
//!
//! The engine's client reads a profile's file and sends its text: `seccomp={"defaultAction":…}` in `SecurityOpt`. A
//! profile is some ten kilobytes, for each container; kept of it is only what is judged, in the same form.
//!
//! Source: moby `profiles/seccomp` for the form, the conditions and the engine's own profile; libseccomp for the actions.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::json;

/// A profile of the engine's own kind has less than twenty kilobytes.
const MOST_BYTES: usize = 1 << 20;

/// What comes before the profile in a security option.
const OPTION: &str = "seccomp";

/// The calls that the engine's own profile gives to nobody, or only with a capability that opens the host (PRV-003): they
/// mount, make or join namespaces, load code into the kernel, or open what lies outside of the container.
const GUARDED: [&str; 40] = [
    "add_key",
    "bpf",
    "clone",
    "clone3",
    "create_module",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "open_tree_attr",
    "perf_event_open",
    "pivot_root",
    "query_module",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "setns",
    "swapoff",
    "swapon",
    "umount",
    "umount2",
    "unshare",
    "userfaultfd",
];

/// Who has one of these is refused by PRV-003: the engine's own profile asks for them as well.
const OPENING: [&str; 9] = [
    "CAP_BPF",
    "CAP_DAC_READ_SEARCH",
    "CAP_PERFMON",
    "CAP_SYSLOG",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",
];

/// What a filter of a container's own does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filter {
    /// `unconfined`: there is none.
    None,
    /// What it does not name is let through.
    AllowsByDefault(String),
    /// A list of what is let through, and which of the guarded calls are on it; none of them is as good as the engine's.
    List(BTreeSet<String>),
    /// It cannot be read.
    Unreadable,
}

/// The filter that a security option sets. `None`: it sets none, or the engine's own.
pub fn filter(option: &str) -> Option<Filter> {
    let profile = profile(option)?;
    Some(match profile {
        "" | "builtin" | "default" => return None,
        "unconfined" => Filter::None,
        text => read(text),
    })
}

/// A security option with no more of a profile than is judged. Others are left as they are.
pub fn shortened(option: &str) -> String {
    if profile(option).is_none_or(|profile| !profile.starts_with('{')) {
        return option.to_owned();
    }
    let profile = match filter(option) {
        Some(Filter::AllowsByDefault(action)) => json!({ "defaultAction": action }),
        Some(Filter::List(calls)) => json!({
            "defaultAction": "SCMP_ACT_ERRNO",
            "syscalls": [{ "names": calls, "action": "SCMP_ACT_ALLOW" }],
        }),
        Some(Filter::None | Filter::Unreadable) | None => return format!("{OPTION}={{unreadable}}"),
    };
    format!("{OPTION}={profile}")
}

/// `seccomp=…`, or, as older clients write it, `seccomp:…`.
fn profile(option: &str) -> Option<&str> {
    let (key, value) =
        option.split_once('=').filter(|(key, _)| !key.contains(':')).or_else(|| option.split_once(':'))?;
    (key.trim() == OPTION).then_some(value.trim())
}

fn read(text: &str) -> Filter {
    if text.len() > MOST_BYTES {
        return Filter::Unreadable;
    }
    let Ok(Json::Object(profile)) = serde_json::from_str::<Json>(text) else { return Filter::Unreadable };
    let Some([default, calls]) = fields(&profile, ["defaultAction", "syscalls"]) else { return Filter::Unreadable };
    match default {
        Some(Json::Text(action)) if denies(action) => {}
        Some(Json::Text(action)) => return Filter::AllowsByDefault(action.chars().take(32).collect()),
        _ => return Filter::Unreadable,
    }
    let calls = match calls {
        None | Some(Json::Null) => &[],
        Some(Json::List(calls)) => calls.as_slice(),
        Some(_) => return Filter::Unreadable,
    };
    let mut open = BTreeSet::new();
    for call in calls {
        if opened(call, &mut open).is_none() {
            return Filter::Unreadable;
        }
    }
    Filter::List(open)
}

/// Adds the guarded calls that one entry opens. `None`: it cannot be read.
fn opened(entry: &Json, open: &mut BTreeSet<String>) -> Option<()> {
    let Json::Object(entry) = entry else { return None };
    let [name, names, action, args, includes] = fields(entry, ["name", "names", "action", "args", "includes"])?;
    let Some(Json::Text(action)) = action else { return None };
    if denies(action) {
        return Some(());
    }
    let Includes { opening, only_s390 } = Includes::read(includes)?;
    let mut called: Vec<&str> = Vec::new();
    match name {
        None | Some(Json::Null) => {}
        Some(Json::Text(name)) => called.push(name),
        Some(_) => return None,
    }
    match names {
        None | Some(Json::Null) => {}
        Some(Json::List(names)) => {
            for name in names {
                let Json::Text(name) = name else { return None };
                called.push(name);
            }
        }
        Some(_) => return None,
    }
    if opening {
        return Some(());
    }
    for call in called.into_iter().filter(|call| GUARDED.contains(call)) {
        if !(call == "clone" && makes_no_namespace(args, only_s390)) {
            open.insert(call.to_owned());
        }
    }
    Some(())
}

/// What an entry asks for: a capability that opens the host, an architecture.
#[derive(Default)]
struct Includes {
    opening: bool,
    only_s390: bool,
}

impl Includes {
    fn read(includes: Option<&Json>) -> Option<Self> {
        let includes = match includes {
            None | Some(Json::Null) => return Some(Self::default()),
            Some(Json::Object(includes)) => includes,
            Some(_) => return None,
        };
        let [caps, arches] = fields(includes, ["caps", "arches"])?;
        let words = |list: Option<&Json>| -> Option<Vec<String>> {
            match list {
                None | Some(Json::Null) => Some(Vec::new()),
                Some(Json::List(list)) => list.iter().map(|it| it.text().map(ToOwned::to_owned)).collect(),
                Some(_) => None,
            }
        };
        let (caps, arches) = (words(caps)?, words(arches)?);
        Some(Self {
            opening: caps.iter().any(|name| OPENING.contains(&name.as_str())),
            only_s390: !arches.is_empty() && arches.iter().all(|name| name.starts_with("s390")),
        })
    }
}

/// Whether the flags of `clone` are compared, and those that make namespaces have to be off. Other conditions on
/// arguments may always be true, and are no conditions here.
fn makes_no_namespace(args: Option<&Json>, only_s390: bool) -> bool {
    /// `CLONE_NEW…`: mounts, control groups, names, IPC, users, processes, network.
    const NAMESPACES: u64 = 0x7e02_0000;
    let Some(Json::List(args)) = args else { return false };
    args.iter().any(|arg| {
        let Json::Object(arg) = arg else { return false };
        let Some([index, value, value_two, op]) = fields(arg, ["index", "value", "valueTwo", "op"]) else {
            return false;
        };
        let number = |it: Option<&Json>| match it {
            Some(Json::Number(number)) => Some(*number),
            _ => None,
        };
        let flags = u64::from(only_s390);
        number(index).unwrap_or_default() == flags
            && number(value).is_some_and(|mask| mask & NAMESPACES == NAMESPACES)
            && number(value_two).unwrap_or_default() & NAMESPACES == 0
            && op.and_then(Json::text) == Some("SCMP_CMP_MASKED_EQ")
    })
}

/// Whether an action keeps a call from being made. Whatever is not known to does not.
fn denies(action: &str) -> bool {
    matches!(
        action,
        "SCMP_ACT_ERRNO" | "SCMP_ACT_KILL" | "SCMP_ACT_KILL_PROCESS" | "SCMP_ACT_KILL_THREAD" | "SCMP_ACT_TRAP"
    )
}

/// The fields of an object by name. `None`: one of them is there twice. Go, which the engine is written in, takes a name in
/// any letters, and of several the last; so a second one would hide from a reader what the engine does.
fn fields<'a, const N: usize>(object: &'a [(String, Json)], names: [&str; N]) -> Option<[Option<&'a Json>; N]> {
    let fold = |name: &str| name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect::<String>();
    let folded: Vec<(String, &Json)> = object.iter().map(|(name, value)| (fold(name), value)).collect();
    let mut twice = false;
    let found = names.map(|name| {
        let wanted = fold(name);
        let mut found = folded.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let first = found.next();
        twice |= found.next().is_some();
        first
    });
    (!twice).then_some(found)
}

/// JSON with every field that was written, also twice.
enum Json {
    Null,
    Text(String),
    /// A whole one; another is no argument of a call.
    Number(u64),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    Other,
}

impl Json {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Number(_) | Self::List(_) | Self::Object(_) | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list with one more entry than harmless ones.
    fn with(entry: &str) -> String {
        format!(
            r#"seccomp={{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64"],"syscalls":[
            {{"names":["read","write","exit_group","ptrace"],"action":"SCMP_ACT_ALLOW","args":[],"comment":"","includes":{{}},"excludes":{{}}}},{entry}]}}"#
        )
    }

    #[test]
    fn a_filter_that_lets_through_what_the_engines_does_not_is_seen() {
        let lists = [
            r#"{"names":["mount"],"action":"SCMP_ACT_ALLOW"}"#,
            r#"{"name":"mount","action":"SCMP_ACT_ALLOW"}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_LOG"}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_TRACE"}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_NOTIFY"}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_NEW"}"#,
            // A condition that is always true.
            r#"{"names":["mount"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":0,"op":"SCMP_CMP_GE"}]}"#,
            // A capability that it has, or may be given.
            r#"{"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_CHOWN"]}}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_NICE"]}}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}}"#,
            r#"{"NAMES":["mount"],"Action":"SCMP_ACT_ALLOW"}"#,
        ];
        for entry in lists {
            let found = filter(&with(entry));
            assert_eq!(found, Some(Filter::List(["mount".to_owned()].into())), "{entry}");
        }
        for call in
            ["unshare", "bpf", "keyctl", "setns", "clone", "clone3", "kexec_load", "open_by_handle_at", "userfaultfd"]
        {
            let found = filter(&with(&format!(r#"{{"names":["{call}"],"action":"SCMP_ACT_ALLOW"}}"#)));
            assert_eq!(found, Some(Filter::List([call.to_owned()].into())), "{call}");
        }
        // Flags that are compared, but not all, not those, or against themselves.
        for args in [
            r#"{"index":0,"value":0,"op":"SCMP_CMP_MASKED_EQ"}"#,
            r#"{"index":0,"value":268435456,"op":"SCMP_CMP_MASKED_EQ"}"#,
            r#"{"index":1,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"}"#,
            r#"{"index":0,"value":2114060288,"valueTwo":268435456,"op":"SCMP_CMP_MASKED_EQ"}"#,
            r#"{"index":0,"value":2114060288,"op":"SCMP_CMP_NE"}"#,
        ] {
            let found = filter(&with(&format!(r#"{{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{args}]}}"#)));
            assert_eq!(found, Some(Filter::List(["clone".to_owned()].into())), "{args}");
        }
        for action in ["ALLOW", "LOG", "TRACE", "NOTIFY", "SOMETHING"] {
            let option = format!(r#"seccomp={{"defaultAction":"SCMP_ACT_{action}","syscalls":[]}}"#);
            assert_eq!(filter(&option), Some(Filter::AllowsByDefault(format!("SCMP_ACT_{action}"))), "{action}");
        }
        assert_eq!(filter("seccomp=unconfined"), Some(Filter::None));
        assert_eq!(filter("seccomp:unconfined"), Some(Filter::None));
        assert_eq!(
            filter(r#"seccomp:{"defaultAction":"SCMP_ACT_ALLOW"}"#).map(|it| it == Filter::Unreadable),
            Some(false)
        );
    }

    #[test]
    fn a_filter_like_the_engines_is_as_good() {
        for entry in [
            r#"{"names":["mount","setns"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}}"#,
            r#"{"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38,"excludes":{"caps":["CAP_SYS_ADMIN"]}}"#,
            r#"{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"}]}"#,
            r#"{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}],"includes":{"arches":["s390","s390x"]}}"#,
            r#"{"names":["mount"],"action":"SCMP_ACT_KILL_PROCESS"}"#,
            r#"{"names":["io_uring_setup","fadvise64"],"action":"SCMP_ACT_ALLOW"}"#,
        ] {
            assert_eq!(filter(&with(entry)), Some(Filter::List(BTreeSet::new())), "{entry}");
        }
        for option in ["seccomp=builtin", "seccomp=", "no-new-privileges:true", "apparmor=unconfined", "label=disable"]
        {
            assert_eq!(filter(option), None, "{option}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_says_two_things_is_unreadable() {
        for profile in [
            "{}",
            "{",
            "/etc/profile.json",
            "./profile.json",
            "[]",
            r#"{"defaultAction":1}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultAction":"SCMP_ACT_ALLOW"}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO","DefaultAction":"SCMP_ACT_ALLOW"}"#,
            "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"\u{17f}yscalls\":[],\"syscalls\":[]}",
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[],"syscalls":[]}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":{}}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["mount"]}]}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":"mount","action":"SCMP_ACT_ALLOW"}]}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO"} {}"#,
        ] {
            assert_eq!(filter(&format!("seccomp={profile}")), Some(Filter::Unreadable), "{profile}");
        }
        let large = format!(r#"seccomp={{"defaultAction":"SCMP_ACT_ERRNO","comment":"{}"}}"#, "x".repeat(MOST_BYTES));
        assert_eq!(filter(&large), Some(Filter::Unreadable));
        let deep = format!("seccomp={{\"defaultAction\":{}", "[".repeat(100_000));
        assert_eq!(filter(&deep), Some(Filter::Unreadable));
    }

    #[test]
    fn what_is_kept_of_a_profile_is_short_and_says_the_same() {
        let mount = with(r#"{"names":["mount","unshare"],"action":"SCMP_ACT_ALLOW"}"#);
        let harmless = with(r#"{"names":["getpid"],"action":"SCMP_ACT_ALLOW"}"#);
        let default = r#"seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}"#.to_owned();
        for option in [mount, harmless, default, "seccomp={".to_owned(), "seccomp={}".to_owned()] {
            let short = shortened(&option);
            assert!(short.len() < 200, "{short}");
            assert_eq!(filter(&short), filter(&option), "{short}");
            assert_eq!(shortened(&short), short);
        }
        for option in ["seccomp=unconfined", "seccomp=builtin", "no-new-privileges", "label=user:x", "seccomp=/x.json"]
        {
            assert_eq!(shortened(option), option);
        }
    }
}
