//! The ids of the rules: a closed set, read and written here alone.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::traefik::labels::suggest::nearest;

macro_rules! ids {
    ($($name:ident = $text:literal,)*) => {
        /// The id of a rule: its family and a number that is never used again. Ordered as in `docs/rules.md`, where it is
        /// the heading of its rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum RuleId {
            $(#[doc = $text] #[serde(rename = $text)] $name,)*
        }

        impl RuleId {
            /// Every id there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it is written: `NET-001`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

ids! {
    Net001 = "NET-001",
    Net002 = "NET-002",
    Net003 = "NET-003",
    Net004 = "NET-004",
    Net005 = "NET-005",
    Net006 = "NET-006",
    Net007 = "NET-007",
    Net008 = "NET-008",
    Net009 = "NET-009",
    Net010 = "NET-010",
    Net011 = "NET-011",
    Net012 = "NET-012",
    Net013 = "NET-013",
    Net014 = "NET-014",
    Net015 = "NET-015",
    Net016 = "NET-016",
    Net017 = "NET-017",
    Net018 = "NET-018",
    Net019 = "NET-019",
    Net021 = "NET-021",
    Net022 = "NET-022",
    Net023 = "NET-023",
    Net024 = "NET-024",
    Net025 = "NET-025",
    Net026 = "NET-026",
    Net027 = "NET-027",
    Net028 = "NET-028",
    Net029 = "NET-029",
    Net030 = "NET-030",
    Pub001 = "PUB-001",
    Pub002 = "PUB-002",
    Pub003 = "PUB-003",
    Pub004 = "PUB-004",
    Prv001 = "PRV-001",
    Prv002 = "PRV-002",
    Prv003 = "PRV-003",
    Prv004 = "PRV-004",
    Prv005 = "PRV-005",
    Prv006 = "PRV-006",
    Prv007 = "PRV-007",
    Prv008 = "PRV-008",
    Prv009 = "PRV-009",
    Prv010 = "PRV-010",
    Prv011 = "PRV-011",
    Prv012 = "PRV-012",
    Prv013 = "PRV-013",
    Prv014 = "PRV-014",
    Prv015 = "PRV-015",
    Prv016 = "PRV-016",
    Prv017 = "PRV-017",
    Prv018 = "PRV-018",
    Prv019 = "PRV-019",
    Prv020 = "PRV-020",
    Prv021 = "PRV-021",
    Prv022 = "PRV-022",
    Prv023 = "PRV-023",
    Prv024 = "PRV-024",
    Prv025 = "PRV-025",
    Vol001 = "VOL-001",
    Vol002 = "VOL-002",
    Vol003 = "VOL-003",
    Vol004 = "VOL-004",
    Vol005 = "VOL-005",
    Log001 = "LOG-001",
    Log002 = "LOG-002",
    Img001 = "IMG-001",
    Img002 = "IMG-002",
    Img003 = "IMG-003",
    Img004 = "IMG-004",
    Lbl001 = "LBL-001",
    Lbl002 = "LBL-002",
    Lbl003 = "LBL-003",
    Lbl004 = "LBL-004",
    Lbl005 = "LBL-005",
    Lbl006 = "LBL-006",
    Lbl007 = "LBL-007",
    Lbl008 = "LBL-008",
    Lbl009 = "LBL-009",
    Lbl010 = "LBL-010",
    Lbl011 = "LBL-011",
    Lbl014 = "LBL-014",
    Lbl015 = "LBL-015",
    Lbl017 = "LBL-017",
    Lbl018 = "LBL-018",
    Eng001 = "ENG-001",
    Eng002 = "ENG-002",
    Eng003 = "ENG-003",
    Eng004 = "ENG-004",
    Eng005 = "ENG-005",
    Eng006 = "ENG-006",
    Eng007 = "ENG-007",
    Eng008 = "ENG-008",
    Eng009 = "ENG-009",
    Eng010 = "ENG-010",
    Eng011 = "ENG-011",
    Eng012 = "ENG-012",
    Eng013 = "ENG-013",
    Trf001 = "TRF-001",
    Trf002 = "TRF-002",
    Trf003 = "TRF-003",
    Trf004 = "TRF-004",
    Trf005 = "TRF-005",
    Trf006 = "TRF-006",
    Trf007 = "TRF-007",
    Trf008 = "TRF-008",
    Trf009 = "TRF-009",
    Egr001 = "EGR-001",
    Egr002 = "EGR-002",
    Egr003 = "EGR-003",
    Egr004 = "EGR-004",
    Egr005 = "EGR-005",
    Egr006 = "EGR-006",
    Egr007 = "EGR-007",
    Egr008 = "EGR-008",
    Egr009 = "EGR-009",
    Egr010 = "EGR-010",
    Egr011 = "EGR-011",
    Egr012 = "EGR-012",
    Egr013 = "EGR-013",
    Egr014 = "EGR-014",
    Egr015 = "EGR-015",
    Egr016 = "EGR-016",
    Egr017 = "EGR-017",
    Egr018 = "EGR-018",
    Egr019 = "EGR-019",
    Egr020 = "EGR-020",
    Egr021 = "EGR-021",
    Egr022 = "EGR-022",
    Egr023 = "EGR-023",
    Egr024 = "EGR-024",
    Egr025 = "EGR-025",
    Egr026 = "EGR-026",
    Soc001 = "SOC-001",
    Soc002 = "SOC-002",
}

impl RuleId {
    /// Reads a list, as `leeward.allow` has it: ids in any case, between commas or blanks. The ids of rules, and what is
    /// none.
    pub fn list(text: &str) -> (BTreeSet<Self>, Vec<&str>) {
        let (mut ids, mut unknown) = (BTreeSet::new(), Vec::new());
        for word in text.split([',', ' ', '\t', '\n']).map(str::trim).filter(|word| !word.is_empty()) {
            match word.parse() {
                Ok(id) => drop(ids.insert(id)),
                Err(UnknownRule) => unknown.push(word),
            }
        }
        (ids, unknown)
    }

    /// The rule that a wrong id may mean: of its number, and of its family or one that is written much alike. Another number is
    /// another rule.
    pub fn nearest(wrong: &str) -> Option<Self> {
        fn parts(text: &str) -> Option<(&str, u16)> {
            let letters = text.trim_end_matches(|it: char| it.is_ascii_digit());
            let number = text.get(letters.len()..)?.parse().ok()?;
            Some((letters.trim_end_matches(|it: char| !it.is_ascii_alphanumeric()), number))
        }
        let (family, number) = parts(wrong)?;
        let same = Self::ALL.iter().filter_map(|id| parts(id.as_str())).filter(|(_, own)| *own == number);
        let family = nearest(family, same.map(|(family, _)| family))?;
        Self::ALL.iter().find(|id| parts(id.as_str()) == Some((family, number))).copied()
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A text that is no rule's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRule;

impl fmt::Display for UnknownRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("is no rule's id; docs/rules.md lists the rules")
    }
}

impl std::error::Error for UnknownRule {}

impl FromStr for RuleId {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        Self::ALL.iter().find(|id| id.as_str().eq_ignore_ascii_case(text)).copied().ok_or(UnknownRule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        for id in RuleId::ALL {
            assert_eq!(id.to_string().to_lowercase().parse(), Ok(*id));
            assert_eq!(serde_json::to_value(id).unwrap(), id.as_str());
        }
        assert_eq!("NET-999".parse::<RuleId>(), Err(UnknownRule));
    }

    #[test]
    fn a_list_names_what_is_no_rule() {
        let (ids, unknown) = RuleId::list("prv-001, NET-001 net-999\tPRV-2,");
        assert_eq!(ids, BTreeSet::from([RuleId::Net001, RuleId::Prv001]));
        assert_eq!(unknown, ["net-999", "PRV-2"]);
        for (wrong, meant) in [
            ("NET-13", Some(RuleId::Net013)),
            ("net001", Some(RuleId::Net001)),
            ("NTE-001", Some(RuleId::Net001)),
            ("PRV_2", Some(RuleId::Prv002)),
            ("NET-999", None),
            ("13", None),
            ("nonsense", None),
        ] {
            assert_eq!(RuleId::nearest(wrong), meant, "{wrong}");
        }
    }
}
