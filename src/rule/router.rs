//! Router rules: what Traefik would make of one, and which hosts it can reach.

use std::collections::BTreeSet;

/// Which hosts a rule can match a request for. Never less than Traefik matches; sometimes more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Exactly these: lower case, no trailing dot, ASCII (punycode as written).
    pub hosts: BTreeSet<String>,
    /// Every name below these, one or more labels deeper: `example.com` stands for `*.example.com`.
    pub below: BTreeSet<String>,
    /// Any host at all, or requests without one.
    pub any: bool,
}

/// A parsed rule.
#[derive(Clone, Debug)]
pub struct Rule {
    reach: Reach,
    problems: Vec<String>,
}

impl Rule {
    /// Which hosts the rule can match, over every `||` branch.
    pub fn hosts(&self) -> &Reach {
        &self.reach
    }

    /// Why Traefik would not take the rule, if it would not: one line each.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// Reads an HTTP router's rule; `syntax` is the router's `ruleSyntax`. Errors: not an expression at all.
pub fn parse_http(_rule: &str, _syntax: Option<&str>) -> Result<Rule, String> {
    Ok(Rule { reach: Reach { any: true, ..Reach::default() }, problems: Vec::new() })
}

/// Reads a TCP router's rule; `syntax` is the router's `ruleSyntax`. Errors: not an expression at all.
pub fn parse_tcp(_rule: &str, _syntax: Option<&str>) -> Result<Rule, String> {
    Ok(Rule { reach: Reach { any: true, ..Reach::default() }, problems: Vec::new() })
}
