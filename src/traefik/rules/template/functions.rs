//! The functions that a default rule may call, by name, and the bound on what one run makes with them.
//!
//! Source: Go `text/template/funcs.go`; sprig 3.2.3; Traefik's `normalize`.

use std::cell::Cell;

use gotmpl::{Template, TemplateError, Value};

use super::value::{bytes, int64, integer, is_model, show, text, type_name, weight};
use super::{numbers, patterns, printf, texts};

/// What one run may read and make: bytes and parts.
const BUDGET: usize = 1 << 20;
/// How often the loops of one run may go round, all together.
const MAX_ROUNDS: u64 = 10_000;

/// What the rewritten template calls; no template can name these.
pub(super) const FIELD: &str = "a field";
/// Writes the value of an action.
pub(super) const WRITE: &str = "the output";
/// Takes what `range` runs over.
pub(super) const EACH: &str = "the range";

/// What a function answers: a value, or why the template fails.
pub(super) type Outcome = Result<Value, String>;

/// A function: its name, the least and the largest number of arguments, and what it does.
type Function = (&'static str, usize, usize, fn(&Arguments<'_>) -> Outcome);

const MANY: usize = usize::MAX;

/// Every function but `and` and `or`, which look at no more arguments than they need: those are gotmpl's own.
const FUNCTIONS: &[Function] = &[
    ("normalize", 1, 1, |it| Ok(text(super::normalize(it.text(0)?)))),
    // Texts.
    ("lower", 1, 1, |it| Ok(text(texts::lower(it.text(0)?)))),
    ("upper", 1, 1, |it| Ok(text(texts::upper(it.text(0)?)))),
    ("title", 1, 1, |it| Ok(text(texts::title(it.text(0)?)))),
    ("trim", 1, 1, |it| Ok(text(it.text(0)?.trim()))),
    ("trimAll", 2, 2, trim_all),
    ("trimall", 2, 2, trim_all),
    ("trimPrefix", 2, 2, |it| Ok(text(it.text(1)?.strip_prefix(it.text(0)?).unwrap_or(it.text(1)?)))),
    ("trimSuffix", 2, 2, |it| Ok(text(it.text(1)?.strip_suffix(it.text(0)?).unwrap_or(it.text(1)?)))),
    ("trunc", 2, 2, |it| texts::trunc(it.int(0)?, it.text(1)?).map(bytes)),
    ("substr", 3, 3, |it| texts::substr(it.int(0)?, it.int(1)?, it.text(2)?).map(bytes)),
    ("replace", 3, 3, |it| {
        let (old, new, whole) = (it.text(0)?, it.text(1)?, it.text(2)?);
        it.fits(whole.matches(old).count().saturating_mul(new.len()))?;
        Ok(text(whole.replace(old, new)))
    }),
    ("contains", 2, 2, |it| Ok(Value::Bool(it.text(1)?.contains(it.text(0)?)))),
    ("hasPrefix", 2, 2, |it| Ok(Value::Bool(it.text(1)?.starts_with(it.text(0)?)))),
    ("hasSuffix", 2, 2, |it| Ok(Value::Bool(it.text(1)?.ends_with(it.text(0)?)))),
    // Lists and maps.
    ("split", 2, 2, |it| {
        let parts = texts::split(it.text(0)?, it.text(1)?);
        let entries = parts.iter().enumerate().map(|(at, part)| (format!("_{at}").into(), text(*part)));
        Ok(Value::Map(std::sync::Arc::new(entries.collect())))
    }),
    ("splitList", 2, 2, |it| Ok(Value::List(texts::split(it.text(0)?, it.text(1)?).into_iter().map(text).collect()))),
    ("join", 2, 2, |it| {
        let parts: Vec<String> = match it.value(1) {
            Value::Nil => Vec::new(),
            Value::List(items) => items.iter().map(show).collect(),
            other => vec![show(other)],
        };
        it.fits(parts.len().saturating_mul(it.text(0)?.len()))?;
        Ok(text(parts.join(it.text(0)?)))
    }),
    ("index", 1, MANY, |it| {
        let first = it.value(0);
        if matches!(first, Value::Nil) {
            return Err("index of untyped nil".to_owned());
        }
        it.from(1).iter().try_fold(first.clone(), |value, at| index(&value, at))
    }),
    ("first", 1, 1, |it| Ok(it.list(0)?.first().cloned().unwrap_or(Value::Nil))),
    ("last", 1, 1, |it| Ok(it.list(0)?.last().cloned().unwrap_or(Value::Nil))),
    ("len", 1, 1, |it| {
        let length = it.value(0).len().filter(|_| !is_model(it.value(0)));
        let length = length.ok_or_else(|| format!("len of type {}", type_name(it.value(0))))?;
        Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
    }),
    // Choices.
    ("not", 1, 1, |it| Ok(Value::Bool(!it.value(0).is_truthy()))),
    ("default", 1, MANY, |it| Ok(it.value(usize::from(it.value(1).is_truthy())).clone())),
    ("empty", 1, 1, |it| Ok(Value::Bool(!it.value(0).is_truthy()))),
    ("coalesce", 0, MANY, |it| Ok(it.from(0).iter().find(|it| it.is_truthy()).cloned().unwrap_or(Value::Nil))),
    ("ternary", 3, 3, |it| match it.value(2) {
        Value::Bool(is_true) => Ok(it.value(usize::from(!is_true)).clone()),
        other => Err(wrong("bool", other)),
    }),
    ("eq", 1, MANY, |it| {
        if it.from(1).is_empty() {
            return Err("missing argument for comparison".to_owned());
        }
        for other in it.from(1) {
            if numbers::equal(it.value(0), other)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    ("ne", 2, 2, |it| Ok(Value::Bool(!numbers::equal(it.value(0), it.value(1))?))),
    ("lt", 2, 2, |it| Ok(Value::Bool(numbers::less(it.value(0), it.value(1))?))),
    ("ge", 2, 2, |it| Ok(Value::Bool(!numbers::less(it.value(0), it.value(1))?))),
    ("le", 2, 2, |it| Ok(Value::Bool(numbers::less_or_equal(it.value(0), it.value(1))?))),
    ("gt", 2, 2, |it| Ok(Value::Bool(!numbers::less_or_equal(it.value(0), it.value(1))?))),
    // Numbers.
    ("int", 1, 1, |it| Ok(Value::Int(numbers::to_int(it.value(0))))),
    ("add", 0, MANY, |it| Ok(numbers::fold(0, it.from(0), i64::wrapping_add))),
    ("add1", 1, 1, |it| Ok(numbers::fold(1, it.from(0), i64::wrapping_add))),
    ("sub", 2, 2, |it| Ok(numbers::fold(numbers::to_int(it.value(0)), it.from(1), i64::wrapping_sub))),
    ("mul", 1, MANY, |it| Ok(numbers::fold(1, it.from(0), i64::wrapping_mul))),
    ("div", 2, 2, |it| numbers::divide(it.value(0), it.value(1), i64::wrapping_div)),
    ("mod", 2, 2, |it| numbers::divide(it.value(0), it.value(1), i64::wrapping_rem)),
    ("max", 1, MANY, |it| Ok(numbers::fold(i64::MIN, it.from(0), i64::max))),
    ("min", 1, MANY, |it| Ok(numbers::fold(i64::MAX, it.from(0), i64::min))),
    // Regular expressions.
    ("regexMatch", 2, 2, |it| Ok(Value::Bool(patterns::is_match(it.text(0)?, it.text(1)?)))),
    ("regexFind", 2, 2, |it| patterns::find(it.text(0)?, it.text(1)?).map(text)),
    ("regexReplaceAll", 3, 3, |it| patterns::replace_all(it.text(0)?, it.text(1)?, it.text(2)?, it.room).map(text)),
    // What prints.
    ("print", 0, MANY, |it| Ok(text(printf::print(it.from(0))))),
    ("printf", 1, MANY, |it| printf::printf(it.text(0)?, it.from(1), it.room).map(text)),
    ("quote", 0, MANY, |it| Ok(text(printf::each(it.from(0), |shown| printf::quote(shown, '"', false))))),
    ("squote", 0, MANY, |it| Ok(text(printf::each(it.from(0), |shown| format!("'{shown}'"))))),
    // What a rewritten template calls.
    (FIELD, 2, MANY, |it| it.from(1).iter().try_fold(it.value(0).clone(), |value, name| field(&value, name))),
    (WRITE, 1, 1, |it| {
        Ok(if matches!(it.value(0), Value::Nil) { text("<no value>") } else { text(show(it.value(0))) })
    }),
    (EACH, 1, 1, |it| match it.value(0) {
        model if is_model(model) => Err(format!("range can't iterate over {}", show(model))),
        // No round, as Go has it.
        Value::Uint(count) if count.cast_signed() < 0 => Ok(Value::Uint(0)),
        other => Ok(other.clone()),
    }),
];

/// The names of the functions, `and` and `or` as well.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let ours = FUNCTIONS.iter().map(|(name, ..)| *name).filter(|name| !name.contains(' '));
    ours.chain(["and", "or"])
}

thread_local! {
    /// What is left of the budget of the run on this thread: gotmpl hands a function its arguments and nothing else.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// A template with these functions.
pub(super) fn template() -> Template {
    FUNCTIONS.iter().fold(Template::new("").max_range_iters(MAX_ROUNDS), |template, function| {
        template.func(function.0, |values| call(function, values).map_err(TemplateError::Exec))
    })
}

/// Begins a run: the budget is whole again.
pub(super) fn begin() {
    LEFT.set(BUDGET);
}

/// Takes `amount` from the budget; what is left.
pub(super) fn spend(amount: usize) -> Result<usize, String> {
    let left = LEFT.get().checked_sub(amount).ok_or(TOO_MUCH)?;
    LEFT.set(left);
    Ok(left)
}

/// Why a run ends that asks for too much.
pub(super) const TOO_MUCH: &str = "the template does too much: a run may read and make 1 MiB of text";

fn call(&(name, least, most, run): &Function, values: &[Value]) -> Outcome {
    let count = values.len();
    if count < least || count > most {
        let wanted = if most == least { least.to_string() } else { format!("at least {least}") };
        return Err(format!("wrong number of args for {name}: want {wanted} got {count}"));
    }
    // A text is read; of a list or a map, a part.
    let read = values.iter().map(|it| if let Value::String(text) = it { text.len() } else { 1 }).sum();
    let room = spend(read)?;
    let value = run(&Arguments { values, room }).map_err(|problem| format!("{name}: {problem}"))?;
    spend(weight(&value))?;
    Ok(value)
}

/// The arguments of one call.
struct Arguments<'a> {
    values: &'a [Value],
    /// What the answer may weigh.
    room: usize,
}

impl<'a> Arguments<'a> {
    /// The arguments from the one at `at` on.
    fn from(&self, at: usize) -> &'a [Value] {
        self.values.get(at..).unwrap_or_default()
    }

    fn value(&self, at: usize) -> &'a Value {
        self.values.get(at).unwrap_or(&Value::Nil)
    }

    fn text(&self, at: usize) -> Result<&'a str, String> {
        match self.value(at) {
            Value::String(text) => Ok(text),
            other => Err(wrong("string", other)),
        }
    }

    fn int(&self, at: usize) -> Result<i64, String> {
        match self.value(at) {
            Value::Int(number) => Ok(*number),
            other => Err(wrong("int", other)),
        }
    }

    fn list(&self, at: usize) -> Result<&'a [Value], String> {
        match self.value(at) {
            Value::List(items) => Ok(items),
            other => Err(wrong("list", other)),
        }
    }

    /// Refuses what would weigh too much before it is made.
    fn fits(&self, weight: usize) -> Result<(), String> {
        if weight <= self.room { Ok(()) } else { Err(TOO_MUCH.to_owned()) }
    }
}

fn wrong(wanted: &str, found: &Value) -> String {
    format!("wrong type for value; expected {wanted}; got {}", type_name(found))
}

fn trim_all(it: &Arguments<'_>) -> Outcome {
    let cut = it.text(0)?;
    Ok(text(it.text(1)?.trim_matches(|c| cut.contains(c))))
}

/// `index`: an item by its number, an entry by its key; an entry that is missing is an empty text.
fn index(value: &Value, at: &Value) -> Outcome {
    let number = || match integer(at) {
        Some(number) => usize::try_from(number).map_err(|_| "index out of range".to_owned()),
        None => Err(format!("cannot index slice/array with type {}", type_name(at))),
    };
    match value {
        Value::Map(entries) if !is_model(value) => match at {
            Value::String(key) => Ok(entries.get(key).cloned().unwrap_or_else(|| text(""))),
            other => Err(format!("value has type {}; should be string", type_name(other))),
        },
        Value::List(items) => Ok(items.get(number()?).cloned().ok_or("index out of range")?),
        Value::String(text) => {
            let byte = *text.as_bytes().get(number()?).ok_or("index out of range")?;
            Ok(int64(i64::from(byte)))
        }
        other => Err(format!("can't index item of type {}", type_name(other))),
    }
}

/// A field of the model, or an entry of another map; what is missing there is nothing, and so is what is in nothing.
fn field(value: &Value, name: &Value) -> Outcome {
    let known = if let Value::String(name) = name { value.field(name).cloned() } else { None };
    match value {
        Value::Nil => Ok(Value::Nil),
        Value::Map(_) if !is_model(value) => Ok(known.unwrap_or(Value::Nil)),
        _ => known.ok_or_else(|| format!("can't evaluate field {} in type {}", show(name), type_name(value))),
    }
}
