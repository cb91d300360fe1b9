//! How findings, refusals and warnings are written for programs: their values, and the words that people read.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::words::{Remedy as _, Words as _};
use crate::plan::{Fact, Warning, Weighed};
use crate::policy::finding::{Action, Finding, Severity, Subject};
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::policy::rules::Standing;

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            rule: RuleId,
            severity: Severity,
            action: Action,
            subject: &'a Subject,
            #[serde(skip_serializing_if = "Option::is_none")]
            label: Option<&'a str>,
            words: String,
            remedy: Cow<'static, str>,
            blocks: bool,
            allowed: bool,
            not_verifiable: bool,
        }
        let Self {
            rule,
            severity,
            action,
            subject,
            label,
            cause: _,
            blocks,
            allowed,
            not_verifiable,
            undeclared_traefik: _,
        } = self;
        let shown = Shown {
            rule: *rule,
            severity: *severity,
            action: *action,
            subject,
            label: label.as_deref(),
            words: self.words(),
            remedy: self.remedy(),
            blocks: *blocks,
            allowed: *allowed,
            not_verifiable: *not_verifiable,
        };
        shown.serialize(serializer)
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            code: Code,
            #[serde(skip_serializing_if = "Option::is_none")]
            rule: Option<RuleId>,
            #[serde(skip_serializing_if = "Option::is_none")]
            label: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            subject: Option<&'a Subject>,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            hosts: &'a [String],
            words: String,
            remedy: Cow<'static, str>,
        }
        let Self { code, rule, label, subject, hosts, .. } = self;
        let shown = Shown {
            code: *code,
            rule: *rule,
            label: label.as_deref(),
            subject: subject.as_deref(),
            hosts,
            words: self.words(),
            remedy: self.remedy(),
        };
        shown.serialize(serializer)
    }
}

impl Serialize for Weighed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            rule: RuleId,
            subject: &'a Subject,
            standing: Standing,
            words: String,
        }
        let Self { rule, subject, standing, cause: _ } = self;
        Shown { rule: *rule, subject, standing: *standing, words: self.words() }.serialize(serializer)
    }
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.words())
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            label: Option<&'a str>,
            words: String,
        }
        Shown { label: self.label.as_deref(), words: self.words() }.serialize(serializer)
    }
}
