//! Router rules: what Traefik would make of one, and which hosts it can reach.
//!
//! Both syntaxes are read with one grammar. `ruleSyntax: v2` is read as v2, anything else as v3; where a router does not
//! say (Traefik's static configuration may then still say v2), the hosts are those of both readings.
//! Source: Traefik 3.7 `pkg/rules/parser.go`, `pkg/muxer/http`, `pkg/muxer/tcp`.

use std::net::IpAddr;

use crate::traefik::labels::suggest;
use crate::traefik::rules::expression::{Call, Expression, MAX_DEPTH};
use crate::traefik::rules::go_regex::{self, Problem};
pub use crate::traefik::rules::host_set::Reach;

/// A parsed rule.
#[derive(Clone, Debug)]
pub struct Rule {
    reach: Reach,
    named: Reach,
    problems: Vec<String>,
    priority: i64,
    needs_tls: bool,
}

impl Rule {
    /// Which hosts the rule can match, over every `||` branch; negations reach anything.
    pub fn hosts(&self) -> &Reach {
        &self.reach
    }

    /// The hosts that are written in the rule besides, behind a negation or where they can never match. No request comes in
    /// by them, but Traefik gives the router's TLS options and certificates to every host that a rule names; two that differ
    /// leave a host with the default ones. Source: Traefik `pkg/rules/parser.go` (`ParseMatchers`),
    /// `pkg/server/router/tcp/manager.go`.
    pub fn named(&self) -> &Reach {
        &self.named
    }

    /// [`Self::hosts`], [`Self::named`] and [`Self::problems`].
    pub fn into_parts(self) -> (Reach, Reach, Vec<String>) {
        (self.reach, self.named, self.problems)
    }

    /// Why Traefik would not take the rule, and so drop the router: one line each. Empty: it would take it.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The priority that Traefik gives a router with this rule and none of its own.
    pub fn priority(&self) -> i64 {
        self.priority
    }

    /// Whether Traefik, of any release, takes it only for a router with TLS: it is a TCP router's, and the first `HostSNI` in it
    /// names a server.
    /// Source: Traefik `pkg/server/router/tcp/manager.go`.
    pub fn needs_tls(&self) -> bool {
        self.needs_tls
    }
}

/// Reads an HTTP router's rule; `syntax` is the router's `ruleSyntax`.
///
/// Errors: not an expression at all, one line that says where. Traefik drops such a router.
pub fn parse_http(rule: &str, syntax: Option<&str>) -> Result<Rule, String> {
    read(rule, syntax, &HTTP_V3, &HTTP_V2)
}

/// Reads a TCP router's rule; `syntax` is the router's `ruleSyntax`.
///
/// Errors: not an expression at all, one line that says where. Traefik drops such a router.
pub fn parse_tcp(rule: &str, syntax: Option<&str>) -> Result<Rule, String> {
    let mut parsed = read(rule, syntax, &TCP_V3, &TCP_V2)?;
    let expression = Expression::parse(rule)?;
    let mut servers = Vec::new();
    each_server(&expression, false, &mut servers);
    // The first decides: Traefik up to 3.6 also counts what stands behind a negation, 3.7.15 does not.
    let is_named = |first: Option<&(&str, bool)>| first.is_some_and(|(name, _)| *name != "*");
    parsed.needs_tls = is_named(servers.first()) && is_named(servers.iter().find(|(_, negated)| !negated));
    if matches!(&expression, Expression::Call(call) if call.arguments == ["*"] && spelled(&call.name, "HostSNI")) {
        // Traefik asks the catch-all last.
        parsed.priority = -1;
    }
    Ok(parsed)
}

/// The first name of every `HostSNI`, and whether it is negated.
fn each_server<'a>(expression: &'a Expression, negated: bool, servers: &mut Vec<(&'a str, bool)>) {
    match expression {
        Expression::Call(call) if spelled(&call.name, "HostSNI") => {
            servers.extend(call.arguments.first().map(|name| (name.as_str(), negated)));
        }
        Expression::Call(_) => {}
        Expression::Not(inner) => each_server(inner, !negated, servers),
        Expression::All(parts) | Expression::Any(parts) => {
            for part in parts {
                each_server(part, negated, servers);
            }
        }
    }
}

/// How large the regular expressions of a rule are as Traefik compiles them, in instructions: see [`go_regex::size`]. In
/// either syntax, and rather too much than too little: every matcher costs something too. Once they are larger than `most`,
/// the rest is not read.
pub fn regex_size(rule: &str, most: u64) -> u64 {
    let Ok(expression) = Expression::parse(rule) else {
        // Traefik reads what nests deeper than this reader goes: each letter may stand for a thousand.
        let is_deep = rule.bytes().filter(|byte| *byte == b'(').count() > MAX_DEPTH;
        return if is_deep { (rule.len() as u64).saturating_mul(1_000) } else { 0 };
    };
    let mut sum = 0_u64;
    for call in expression.calls() {
        let is_regex = call.name.to_ascii_lowercase().contains("regex");
        for argument in &call.arguments {
            if sum > most {
                return sum;
            }
            let plain = if is_regex { go_regex::size(argument) } else { MATCHER_SIZE };
            let braces = argument.contains('{').then(|| template(argument)).flatten();
            sum = sum.saturating_add(braces.map_or(0, |pattern| go_regex::size(&pattern)).max(plain));
        }
    }
    sum
}

/// How many problems of one rule are told.
const MOST_PROBLEMS: usize = 20;

/// What a matcher without a regular expression costs.
const MATCHER_SIZE: u64 = 10;

/// What a matcher's arguments must be, and which hosts it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A host: ASCII, `*.` allowed, `*` for all.
    Host,
    /// A TLS server name: as a host, of letters, digits and `-_.:`.
    ServerName,
    /// As before, without `*.` (v2).
    PlainServerName,
    /// A regular expression over hosts.
    HostRegexp,
    /// Text with `{name:pattern}` in it, over hosts (v2).
    HostTemplate,
    /// The same over TLS server names, where Traefik lets characters beyond ASCII pass (v2).
    ServerNameTemplate,
    /// A path, from `/` on.
    Path,
    /// A path with `{name:pattern}` in it (v2).
    PathTemplate,
    /// Names and values in turn (v2).
    Pairs,
    /// Names and regular expressions in turn (v2).
    RegexpPairs,
    /// `name=value`, or names and values in turn (v2).
    Queries,
    /// Addresses or CIDR ranges.
    ClientIp,
    /// Text, the last argument being a regular expression.
    Regexp,
    /// A regular expression if there are two arguments.
    QueryRegexp,
    /// An ALPN protocol.
    Alpn,
    /// Any text.
    Text,
}

impl Kind {
    /// Whether the values are hosts as they stand.
    fn is_name(self) -> bool {
        matches!(self, Self::Host | Self::ServerName | Self::PlainServerName)
    }
}

/// A matcher: its name, the smallest and largest number of arguments, and what they are.
type Matcher = (&'static str, usize, usize, Kind);

const MANY: usize = usize::MAX;

const HTTP_V3: [Matcher; 11] = [
    ("ClientIP", 1, 1, Kind::ClientIp),
    ("Header", 2, 2, Kind::Text),
    ("HeaderRegexp", 2, 2, Kind::Regexp),
    ("Host", 1, 1, Kind::Host),
    ("HostRegexp", 1, 1, Kind::HostRegexp),
    ("Method", 1, 1, Kind::Text),
    ("Path", 1, 1, Kind::Path),
    ("PathPrefix", 1, 1, Kind::Path),
    ("PathRegexp", 1, 1, Kind::Regexp),
    ("Query", 1, 2, Kind::Text),
    ("QueryRegexp", 1, 2, Kind::QueryRegexp),
];

const HTTP_V2: [Matcher; 10] = [
    ("ClientIP", 1, MANY, Kind::ClientIp),
    ("Headers", 1, MANY, Kind::Pairs),
    ("HeadersRegexp", 1, MANY, Kind::RegexpPairs),
    ("Host", 1, MANY, Kind::Host),
    ("HostHeader", 1, MANY, Kind::Host),
    ("HostRegexp", 1, MANY, Kind::HostTemplate),
    ("Method", 1, MANY, Kind::Text),
    ("Path", 1, MANY, Kind::PathTemplate),
    ("PathPrefix", 1, MANY, Kind::PathTemplate),
    ("Query", 1, MANY, Kind::Queries),
];

const TCP_V3: [Matcher; 4] = [
    ("ALPN", 1, 1, Kind::Alpn),
    ("ClientIP", 1, 1, Kind::ClientIp),
    ("HostSNI", 1, 1, Kind::ServerName),
    ("HostSNIRegexp", 1, 1, Kind::HostRegexp),
];

const TCP_V2: [Matcher; 4] = [
    ("ALPN", 1, MANY, Kind::Alpn),
    ("ClientIP", 1, MANY, Kind::ClientIp),
    ("HostSNI", 1, MANY, Kind::PlainServerName),
    ("HostSNIRegexp", 1, MANY, Kind::ServerNameTemplate),
];

fn read(rule: &str, syntax: Option<&str>, v3: &[Matcher], v2: &[Matcher]) -> Result<Rule, String> {
    let expression = Expression::parse(rule)?;
    let calls = expression.calls();
    // An unset `ruleSyntax` is the empty string to Traefik.
    let syntax = syntax.filter(|it| !it.is_empty());
    let (first, second) = if syntax == Some("v2") { (v2, None) } else { (v3, syntax.is_none().then_some(v2)) };
    let mut problems: Vec<String> = calls.iter().filter_map(|call| problem(call, first)).take(MOST_PROBLEMS).collect();
    // A v2 reading counts where Traefik could make it.
    let second = second.filter(|second| calls.iter().all(|call| problem(call, second).is_none()));
    if second.is_some() && !problems.is_empty() {
        problems = problems.into_iter().map(|words| format!("{words} (this looks like the syntax of v2)")).collect();
    }
    let reach = reach(&expression, false, &|call| {
        let one = hosts(call, first);
        match second {
            Some(second) => one.or(hosts(call, second)),
            None => one,
        }
    });
    let literal = |call: &Call, matchers| {
        let is_name = matcher(call, matchers).is_some_and(|(.., kind)| kind.is_name());
        let names = call.arguments.iter().filter(move |_| is_name).map(|it| Reach::host(it));
        names.filter(|it| !it.any).fold(Reach::default(), Reach::or)
    };
    let mut named = calls.iter().map(|call| literal(call, first)).fold(Reach::default(), Reach::or);
    if let Some(second) = second {
        named = calls.iter().map(|call| literal(call, second)).fold(named, Reach::or);
    }
    named.hosts.retain(|host| !reach.hosts.contains(host));
    named.below.retain(|parent| !reach.below.contains(parent));
    Ok(Rule { reach, named, problems, priority: i64::try_from(rule.len()).unwrap_or(i64::MAX), needs_tls: false })
}

/// The hosts of a whole expression, negations pushed down to the calls.
fn reach(expression: &Expression, negated: bool, leaf: &dyn Fn(&Call) -> Reach) -> Reach {
    let each = |parts: &[Expression]| parts.iter().map(|it| reach(it, negated, leaf)).collect::<Vec<_>>();
    let (parts, all) = match expression {
        Expression::Call(_) if negated => return Reach::anything(),
        Expression::Call(call) => return leaf(call),
        Expression::Not(inner) => return reach(inner, !negated, leaf),
        Expression::All(parts) => (each(parts), !negated),
        Expression::Any(parts) => (each(parts), negated),
    };
    if all {
        parts.into_iter().fold(Reach::anything(), Reach::and)
    } else {
        parts.into_iter().fold(Reach::default(), Reach::or)
    }
}

/// Whether Traefik takes `written` for the matcher `name`: as it is, in lower case, in upper case, or capitalised.
fn spelled(written: &str, name: &str) -> bool {
    let is_upper = |letter: u8| letter.is_ascii_uppercase();
    written == name
        || (written.eq_ignore_ascii_case(name)
            && (written.bytes().all(is_upper) || !written.bytes().skip(1).any(is_upper)))
}

fn matcher<'a>(call: &Call, matchers: &'a [Matcher]) -> Option<&'a Matcher> {
    matchers.iter().find(|(name, ..)| spelled(&call.name, name))
}

/// Why Traefik would not take this call.
fn problem(call: &Call, matchers: &[Matcher]) -> Option<String> {
    let Call { name, arguments, at } = call;
    let words = |words: String| Some(format!("at character {at}: {words}"));
    let Some((_, least, most, kind)) = matcher(call, matchers) else {
        let near = suggest::nearest(name, matchers.iter().map(|(known, ..)| *known));
        return words(match near {
            Some(known) => format!("no matcher `{name}`; did you mean `{known}`?"),
            None => format!("no matcher `{name}`; there are {}", names(matchers)),
        });
    };
    let count = arguments.len();
    if count < *least || count > *most {
        let wanted = if least == most { least.to_string() } else { format!("{least} or {most}") };
        let wanted = if *most == MANY { "one or more".to_owned() } else { wanted };
        return words(format!("`{name}` takes {wanted} values, not {count}"));
    }
    if arguments.iter().any(String::is_empty) {
        return words(format!("`{name}` with an empty value"));
    }
    // Only read, not compiled: that takes milliseconds, and a rule holds a thousand.
    let regex = |pattern: &String| match go_regex::translate(pattern) {
        Err(Problem::Invalid(problem)) => Some(format!("`{pattern}` is not a regular expression: {problem}")),
        Err(Problem::Unsupported(_)) | Ok(_) => None,
    };
    let braces = |text: &str| match template(text) {
        Some(pattern) => regex(&pattern),
        None => Some(format!("`{text}` does not balance its braces, or names nothing in them")),
    };
    let slash = |text: &str| (!text.starts_with('/')).then(|| format!("`{text}` does not start with `/`"));
    let found = match kind {
        Kind::Host => {
            arguments.iter().find(|it| !it.is_ascii()).map(|it| format!("`{it}` is not ASCII; write it in punycode"))
        }
        Kind::ServerName => {
            arguments.iter().find(|it| !server_name(it)).map(|it| format!("`{it}` cannot be a server name"))
        }
        Kind::HostRegexp => {
            arguments.iter().find_map(|it| if it.is_ascii() { regex(it) } else { Some(format!("`{it}` is not ASCII")) })
        }
        Kind::PlainServerName => {
            let wrong = |it: &&String| *it != "*" && (it.contains('*') || !server_name(it));
            arguments.iter().find(wrong).map(|it| format!("`{it}` cannot be a server name"))
        }
        Kind::ServerNameTemplate => arguments.iter().find_map(|it| braces(it)),
        Kind::HostTemplate => arguments
            .iter()
            .find_map(|it| if it.is_ascii() { braces(it) } else { Some(format!("`{it}` is not ASCII")) }),
        Kind::Path => arguments.iter().find_map(|it| slash(it)),
        Kind::PathTemplate => arguments.iter().find_map(|it| slash(it).or_else(|| braces(it))),
        Kind::Pairs | Kind::RegexpPairs if count % 2 == 1 => Some("names and values must come in pairs".to_owned()),
        Kind::RegexpPairs => arguments.iter().skip(1).step_by(2).find_map(regex),
        Kind::Queries => {
            let parts: Vec<&str> = arguments.iter().flat_map(|it| it.splitn(2, '=')).collect();
            let pairs = (parts.len() % 2 == 1).then(|| "names and values must come in pairs".to_owned());
            pairs.or_else(|| parts.iter().find_map(|it| braces(it)))
        }
        Kind::ClientIp => {
            arguments.iter().find(|it| !address(it)).map(|it| format!("`{it}` is neither an address nor a CIDR range"))
        }
        Kind::Regexp => arguments.last().and_then(regex),
        Kind::QueryRegexp => arguments.get(1).and_then(regex),
        Kind::Alpn => arguments
            .iter()
            .find(|it| *it == "acme-tls/1")
            .map(|it| format!("the protocol `{it}` is kept for certificate challenges")),
        Kind::Pairs | Kind::Text => None,
    };
    found.and_then(words)
}

/// The hosts of one call under one syntax; more than it could be where the call is not valid.
fn hosts(call: &Call, matchers: &[Matcher]) -> Reach {
    let kind = matcher(call, matchers).map(|(.., kind)| *kind);
    let one = |argument: &String| match kind {
        Some(kind) if kind.is_name() => Reach::host(argument),
        Some(Kind::HostRegexp) => Reach::regex(argument).unwrap_or_else(|_| Reach::anything()),
        Some(Kind::HostTemplate | Kind::ServerNameTemplate) => {
            template(argument).and_then(|it| Reach::regex(&it).ok()).unwrap_or_else(Reach::anything).plausible()
        }
        _ => Reach::anything(),
    };
    if call.arguments.is_empty() {
        return Reach::anything();
    }
    call.arguments.iter().map(one).fold(Reach::default(), Reach::or)
}

impl Reach {
    /// Without the names that no request can carry: a v3 regular expression read as a v2 template is full of them.
    fn plausible(mut self) -> Self {
        let possible = |name: &String| !name.contains(['^', '\\', '{', '}', '|', '?', ' ']);
        self.hosts.retain(possible);
        self.below.retain(possible);
        self
    }
}

fn names(matchers: &[Matcher]) -> String {
    matchers.iter().map(|(name, ..)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn server_name(text: &str) -> bool {
    let name = if text == "*" { "a" } else { text.strip_prefix("*.").unwrap_or(text) };
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':'))
}

/// An address or a CIDR range, as Go reads them.
pub(crate) fn address(text: &str) -> bool {
    match text.split_once('/') {
        None => text.parse::<IpAddr>().is_ok(),
        Some((address, length)) => {
            let plain = length.bytes().all(|b| b.is_ascii_digit());
            let most = match address.parse() {
                Ok(IpAddr::V4(_)) => 32,
                Ok(IpAddr::V6(_)) => 128,
                Err(_) => return false,
            };
            plain && length.parse::<u32>().is_ok_and(|length| length <= most)
        }
    }
}

/// The regular expression of a v2 template: `{name}` is one label, `{name:pattern}` its pattern, the rest literal.
///
/// None: braces that do not balance, or an empty name or pattern.
fn template(text: &str) -> Option<String> {
    let mut pattern = String::from("(?i)^");
    let mut variable = String::new();
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '{' => {
                depth += 1;
                if depth > 1 {
                    variable.push(c);
                }
            }
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth > 0 {
                    variable.push(c);
                } else {
                    let whole = std::mem::take(&mut variable);
                    let (name, part) = whole.split_once(':').unwrap_or((&whole, "[^.]+"));
                    if name.is_empty() || part.is_empty() {
                        return None;
                    }
                    pattern.push('(');
                    pattern.push_str(part);
                    pattern.push(')');
                }
            }
            _ if depth > 0 => variable.push(c),
            _ => {
                if c.is_ascii_punctuation() {
                    pattern.push('\\');
                }
                pattern.push(c);
            }
        }
    }
    pattern.push('$');
    (depth == 0).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(reach: &Reach) -> String {
        let below = reach.below.iter().map(|it| format!("*.{it}"));
        let any = reach.any.then(|| "*".to_owned());
        reach.hosts.iter().cloned().chain(below).chain(any).collect::<Vec<_>>().join(" ")
    }

    fn check(rule: &str, wanted: &str) {
        let parsed = parse_http(rule, None).unwrap();
        assert_eq!(show(parsed.hosts()), wanted, "{rule}");
        assert!(parsed.problems().is_empty(), "{rule}: {:?}", parsed.problems());
    }

    fn check_tcp(rule: &str, wanted: &str) {
        let parsed = parse_tcp(rule, None).unwrap();
        assert_eq!(show(parsed.hosts()), wanted, "{rule}");
        assert!(parsed.problems().is_empty(), "{rule}: {:?}", parsed.problems());
    }

    fn refuse(rule: &str, syntax: Option<&str>, words: &str, reached: &str) {
        let parsed = parse_http(rule, syntax).unwrap();
        assert!(parsed.problems().first().is_some_and(|it| it.contains(words)), "{rule}: {:?}", parsed.problems());
        assert_eq!(show(parsed.hosts()), reached, "{rule}");
    }

    #[test]
    fn hosts_are_found_in_every_branch() {
        check("Host(`a.example`)", "a.example");
        check("Host(`BANK.test.`)", "bank.test");
        check("Host(`mine`) || Host(`bank.test`)", "bank.test mine");
        check("Host(`a`) && PathPrefix(`/x`)", "a");
        check("Host(`a`) && (Path(`/x`) || Host(`b`))", "a");
        check("(Host(`a`) || Host(`b`)) && (Host(`b`) || Host(`c`))", "b");
        check("Host(`a`) || PathPrefix(`/`)", "*");
        check("Host(`*.example.com`)", "*.example.com");
        check("Host(`*`)", "*");
        check("HOST(`a`) && pathprefix(`/`)", "a");
        check("Hostregexp(`^b$`) || host(`a`)", "a b");
        check("HostRegexp(`^[a-z]{1,3}\\.app1\\.example\\.com$`)", "*.app1.example.com");
        for catch_all in [
            "PathPrefix(`/`)",
            "HostRegexp(`.+`)",
            "ClientIP(`0.0.0.0/0`)",
            "Method(`GET`)",
            "Header(`X`, `y`)",
            "HeaderRegexp(`X`, `y`)",
            "Query(`q`)",
            "Query(`q`, `r`)",
            "QueryRegexp(`q`, `r`)",
            "PathRegexp(`.*`)",
            "!Host(`x`)",
        ] {
            check(catch_all, "*");
        }
    }

    #[test]
    fn negation_reaches_anything() {
        check("!(Host(`a`) || Host(`b`))", "*");
        check("!!Host(`a`)", "a");
        check("!(!Host(`a`) && !Host(`b`))", "a b");
        check("!(Host(`a`) && Host(`b`))", "*");
        check("!(!(Host(`a`)))", "a");
        check("Host(`a`) && !Host(`b`)", "a");
        check("Host(`a`) && !Path(`/x`)", "a");
        check("!(!Host(`a`) || Path(`/x`))", "a");
        check("!(!Host(`a`) && Path(`/x`))", "*");
    }

    #[test]
    fn the_syntax_of_v2_hides_no_host() {
        refuse(
            "Host(`a`, `bank.test`)",
            None,
            "takes 1 values, not 2 (this looks like the syntax of v2)",
            "a bank.test",
        );
        refuse("HostHeader(`a`)", None, "no matcher `HostHeader`", "*");
        refuse("Headers(`a`, `b`)", Some("v3"), "no matcher `Headers`; did you mean `Header`?", "*");
        for (rule, wanted) in [
            ("Host(`a`, `Bank.test`)", "a bank.test"),
            ("HostHeader(`a`) || Headers(`x`, `y`)", "*"),
            ("HostHeader(`a`)", "a"),
            ("HostRegexp(`{x:.*}`)", "*"),
            ("HostRegexp(`{x}.example.com`)", "*.example.com"),
            ("HostRegexp(`{x:[a-z]{2}}.example.com`, `b.test`)", "b.test *.example.com"),
            ("HostRegexp(`a.example.com`)", "a.example.com"),
            ("HostRegexp(`{x:a|b}.test`)", "a.test b.test"),
        ] {
            let parsed = parse_http(rule, Some("v2")).unwrap();
            assert_eq!(show(parsed.hosts()), wanted, "{rule}");
            assert!(parsed.problems().is_empty(), "{rule}: {:?}", parsed.problems());
        }
        // With `ruleSyntax` unset, Traefik's own default may be v2.
        check("HostRegexp(`^{x:.*}\\.a\\.test$`)", "*.a.test");
        check("HostRegexp(`{x:.*}`)", "*");
    }

    #[test]
    fn problems_are_those_of_traefik() {
        refuse("Host(`bücher.example`)", None, "not ASCII; write it in punycode", "bücher.example");
        refuse("Path(`x`)", None, "at character 1: `x` does not start with `/`", "*");
        refuse("Host(`a`) && Path(``)", None, "at character 14: `Path` with an empty value", "a");
        refuse("Host()", None, "takes 1 values, not 0", "*");
        refuse("hostRegexp(`a`)", None, "no matcher `hostRegexp`; did you mean `HostRegexp`?", "*");
        refuse("HostRegexp(`a[`)", None, "`a[` is not a regular expression", "*");
        refuse("ClientIP(`10.0.0.0/33`)", None, "neither an address nor a CIDR range", "*");
        refuse("Query(`a`, `b`, `c`)", None, "takes 1 or 2 values, not 3", "*");
        assert!(parse_http("Host(`a`", None).unwrap_err().starts_with("at character 9: expected `,` or `)`"));
        assert!(parse_http("", None).is_err());
    }

    #[test]
    fn of_a_rule_full_of_problems_a_few_are_told() {
        let parsed = parse_http(&vec!["x()"; 5_000].join(" || "), None).unwrap();
        assert_eq!(parsed.problems().len(), MOST_PROBLEMS);
    }

    #[test]
    fn server_names_are_hosts() {
        check_tcp("HostSNI(`A.example.`)", "a.example");
        check_tcp("HostSNI(`*`)", "*");
        check_tcp("HostSNI(`*.a.example`)", "*.a.example");
        check_tcp("HostSNIRegexp(`^.+\\.a\\.example$`)", "*.a.example");
        check_tcp("HostSNI(`a`) && ALPN(`h2`) || ClientIP(`10.0.0.1`)", "*");
        check_tcp("HostSNI(`a`) && ClientIP(`fd00::/8`)", "a");
        for (rule, words) in [
            ("HostSNI(`a b`)", "cannot be a server name"),
            ("HostSNI(`**.a`)", "cannot be a server name"),
            ("Host(`a`)", "no matcher `Host`; there are `ALPN`, `ClientIP`, `HostSNI`, `HostSNIRegexp`"),
            ("ALPN(`acme-tls/1`)", "kept for certificate challenges"),
        ] {
            let parsed = parse_tcp(rule, None).unwrap();
            assert!(parsed.problems().first().is_some_and(|it| it.contains(words)), "{rule}: {:?}", parsed.problems());
        }
    }

    #[test]
    fn priorities_are_those_of_traefik() {
        assert_eq!(parse_http("Host(`é`)", None).unwrap().priority(), 10);
        assert_eq!(parse_tcp("HostSNI(`*`)", None).unwrap().priority(), -1);
        assert_eq!(parse_tcp("(hostsni(\"*\"))", None).unwrap().priority(), -1);
        assert_eq!(parse_tcp("HostSNI(`*`) || HostSNI(`a`)", None).unwrap().priority(), 28);
    }

    proptest::proptest! {
        #[test]
        fn any_rule_is_read_or_refused(rule in "\\PC{0,60}|((Host|HostRegexp|Path|!)?[(]?`[*a.^$|{}:]{0,6}`[)]?( && | [|][|] )?){0,5}") {
            for syntax in [None, Some("v2"), Some("v3")] {
                parse_http(&rule, syntax).ok();
                parse_tcp(&rule, syntax).ok();
            }
        }
    }
}
