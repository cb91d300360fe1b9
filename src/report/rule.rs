//! One rule, or one code, as it is explained: what it is, why, what to do, where to read more.

use std::fmt::Write as _;

use super::audit::word;
use super::codes;
use crate::policy::finding::Action;
use crate::policy::refusal::Code;
use crate::policy::rule_id::RuleId;
use crate::policy::rules::{self, Check, OF_OTHERS, Rule};

/// How like another an id has to be to be meant.
const LIKE: f64 = 0.7;

/// The rule or the code of this name, whole. Ends with a newline.
///
/// Errors: nothing is called so; with what may be meant.
pub fn explain(name: &str) -> Result<String, String> {
    if let Ok(id) = name.trim().parse::<RuleId>() {
        return Ok(of_rule(id.rule()));
    }
    let wanted = name.trim().to_lowercase();
    if let Some(code) = Code::ALL.iter().find(|code| code.as_str() == wanted) {
        return Ok(format!("{}: {}\nsee docs/troubleshooting.md\n", code.as_str(), codes::title(*code)));
    }
    let ids = rules::all().map(|rule| rule.id.as_str());
    let all = ids.chain(Code::ALL.iter().map(|code| code.as_str()));
    // `NET1`, `net_001`: the number counts, however it is written.
    let number = |id: &str| {
        let letters: String = id.chars().filter(char::is_ascii_alphabetic).collect();
        let digits: String = id.chars().filter(char::is_ascii_digit).collect();
        (letters.to_lowercase(), digits.parse::<u32>().ok())
    };
    let score = |id: &&str| {
        let same = number(id).1.is_some() && number(id) == number(&wanted);
        if same { 1.0 } else { strsim::jaro_winkler(&id.to_lowercase(), &wanted) }
    };
    let near = all.max_by(|one, other| score(one).total_cmp(&score(other))).filter(|id| score(id) >= LIKE);
    let meant = near.map(|id| format!("; did you mean {id}?")).unwrap_or_default();
    Err(format!("`{name}` is no rule and no code{meant} docs/rules.md lists the rules"))
}

/// What a rule does, in words.
pub(super) fn action(action: Action) -> &'static str {
    match action {
        Action::Block => "refuses the container",
        Action::WarnStrictBlock => "warns; refuses the container under --isolation strict",
        Action::Warn => "warns",
        Action::Inform => "informs",
    }
}

/// A rule, whole. Ends with a newline.
pub(super) fn of_rule(rule: &Rule) -> String {
    let (severity, action) = (word(rule.severity), action(rule.action));
    let mut text = format!("{}: {}\n{severity}; {action}\n\n", rule.id, rule.title);
    let _ = write!(text, "why: {}\n\nremedy: {}\n", rule.why, rule.fix_for(None));
    let refuses = matches!(rule.action, Action::Block | Action::WarnStrictBlock);
    if refuses && !matches!(rule.check, Check::Any(_) | Check::Step) && !OF_OTHERS.contains(&rule.id) {
        let _ = write!(
            text,
            "\nto allow it on one container (what else it needs then: leeward explain NAME):\nlabels:\n  leeward.allow: {}\n",
            rule.id
        );
    }
    let _ = write!(text, "\nsee: {}\n     docs/rules.md#{}\n", rule.reference, rule.id.as_str().to_lowercase());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_and_every_code_is_explained() {
        for rule in rules::all() {
            let text = explain(&rule.id.as_str().to_lowercase()).unwrap();
            assert!(text.contains(rule.title) && text.contains(rule.why) && text.contains(rule.reference), "{text}");
            assert!(!text.contains("{service}"), "{text}");
        }
        for code in Code::ALL {
            assert!(explain(code.as_str()).unwrap().contains(codes::title(*code)));
            // Where it sends the reader.
            let row = format!("\n| `{}`", code.as_str());
            assert!(include_str!("../../docs/troubleshooting.md").contains(&row), "no row{row}");
        }
    }

    #[test]
    fn how_to_allow_a_rule_is_told_where_a_label_can() {
        for (id, wanted) in [("NET-003", true), ("LBL-009", true), ("LBL-004", false), ("LBL-006", false)] {
            let text = explain(id).unwrap();
            assert_eq!(text.contains(&format!("leeward.allow: {id}")), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_nearly_a_rule_is_suggested() {
        for (name, meant) in
            [("NET-01", "NET-001"), ("net12", "NET-012"), ("PVR-016", "PRV-016"), ("noport", "no-port")]
        {
            assert!(explain(name).unwrap_err().contains(&format!("did you mean {meant}?")), "{:?}", explain(name));
        }
        assert!(!explain("qqqqqq").unwrap_err().contains("did you mean"));
    }
}
