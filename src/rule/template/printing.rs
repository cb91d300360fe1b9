//! Functions that print: `print`, `printf`, `quote` and their kin.
//!
//! Source: Go `fmt`; sprig `strings.go`. What `printf` does is in [`formatting`].

#![expect(clippy::unnecessary_wraps, reason = "every function of a template has one signature")]

use super::formatting;
use super::functions::{Arguments, Outcome};
use super::value::Value;

/// Go's `fmt.Sprint`: blanks between operands that are both no texts.
fn sprint(values: &[Value]) -> String {
    let mut text = String::new();
    let mut before = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !text.is_empty() && !before && !is_text {
            text.push(' ');
        }
        text.push_str(&value.show());
        before = is_text;
    }
    text
}

/// The arguments of `html`, `js` and `urlquery` as one text.
pub(super) fn joined(it: &Arguments<'_>) -> String {
    let known = |it: &Value| if matches!(it, Value::Nil) { Value::text("<no value>") } else { it.clone() };
    sprint(&it.all().iter().map(known).collect::<Vec<_>>())
}

pub(super) fn print(it: &Arguments<'_>) -> Outcome {
    Ok(Value::text(sprint(it.all())))
}

pub(super) fn println(it: &Arguments<'_>) -> Outcome {
    Ok(Value::text(format!("{}\n", it.all().iter().map(Value::show).collect::<Vec<_>>().join(" "))))
}

pub(super) fn printf(it: &Arguments<'_>) -> Outcome {
    formatting::sprintf(it.text(0)?, it.from(1), &|weight| it.fits(weight)).map(Value::text)
}

pub(super) fn quote(it: &Arguments<'_>) -> Outcome {
    let quoted =
        it.all().iter().filter(|it| !matches!(it, Value::Nil)).map(|it| formatting::quote(&it.show(), '"', false));
    Ok(Value::text(quoted.collect::<Vec<_>>().join(" ")))
}

pub(super) fn squote(it: &Arguments<'_>) -> Outcome {
    let quoted = it.all().iter().filter(|it| !matches!(it, Value::Nil)).map(|it| format!("'{}'", it.show()));
    Ok(Value::text(quoted.collect::<Vec<_>>().join(" ")))
}

pub(super) fn cat(it: &Arguments<'_>) -> Outcome {
    let parts = it.all().iter().filter(|it| !matches!(it, Value::Nil)).map(Value::show);
    Ok(Value::text(parts.collect::<Vec<_>>().join(" ")))
}
