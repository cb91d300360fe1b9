//! Functions over lists and dictionaries.
//!
//! Source: sprig `list.go`, `dict.go`, `defaults.go`; Go `text/template/funcs.go`; mergo 0.3.11 for merging.

#![expect(clippy::unnecessary_wraps, reason = "every function of a template has one signature")]

use std::collections::BTreeMap;
use std::rc::Rc;

use super::functions::{Arguments, Outcome, dict_of, text_of};
use super::numbers::to_int;
use super::run::MAX_NESTING;
use super::value::{Entries, Of, Value};

/// Sprig's notion of empty: as the template's, but that a struct never is.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

/// Sprig's `strslice`: the parts as texts, without nils; what is no list is its only part.
pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Nil => Vec::new(),
        Value::List(items, _) => items.iter().filter(|it| !matches!(it, Value::Nil)).map(Value::show).collect(),
        other => vec![other.show()],
    }
}

pub(super) fn join(it: &Arguments<'_>) -> Outcome {
    let (by, parts) = (it.text(0)?, strings(it.value(1)));
    it.fits(parts.len().saturating_mul(by.len()))?;
    Ok(Value::text(parts.join(by)))
}

pub(super) fn len(it: &Arguments<'_>) -> Outcome {
    let length = match it.value(0) {
        Value::Text(text) => text.len(),
        Value::List(items, _) => items.len(),
        Value::Map(entries, _) => entries.borrow().len(),
        Value::Nil => return Err("len of nil".to_owned()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// `index`: an item by its number, an entry by its key; an entry that is missing is its type's zero.
pub(super) fn index(it: &Arguments<'_>) -> Outcome {
    let mut value = it.value(0).clone();
    if matches!(value, Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    for index in it.from(1) {
        value = match &value {
            Value::Map(entries, of) => {
                let Value::Text(key) = index else {
                    return Err(format!("value has type {}; should be string", index.type_name()));
                };
                let missing = if *of == Of::Text { Value::text("") } else { Value::Nil };
                entries.borrow().get(key).cloned().unwrap_or(missing)
            }
            Value::List(items, _) => items.get(number(index)?).cloned().ok_or("index out of range")?,
            Value::Text(text) => {
                text.as_bytes().get(number(index)?).map(|it| Value::Byte(*it)).ok_or("index out of range")?
            }
            Value::Nil => return Err("index of nil pointer".to_owned()),
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn number(value: &Value) -> Result<usize, String> {
    match value {
        Value::Int(number) | Value::Int64(number) => {
            usize::try_from(*number).map_err(|_| "index out of range".to_owned())
        }
        Value::Byte(number) => Ok(usize::from(*number)),
        Value::Uint64(number) => usize::try_from(*number).map_err(|_| "index out of range".to_owned()),
        Value::Nil => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

/// `split`'s answer: `_0`, `_1`, ...
pub(super) fn numbered(parts: &[&str]) -> Value {
    let entries = parts.iter().enumerate().map(|(at, part)| (format!("_{at}").into(), Value::text(*part)));
    Value::map(entries.collect(), Of::Text)
}

pub(super) fn sort_alpha(it: &Arguments<'_>) -> Outcome {
    let mut texts = match it.value(0) {
        list @ Value::List(..) => strings(list),
        other => vec![other.show()],
    };
    texts.sort_unstable();
    Ok(Value::texts(texts))
}

pub(super) fn uniq(it: &Arguments<'_>) -> Outcome {
    let list = it.list(0)?;
    it.fits(list.len().saturating_mul(list.len()))?;
    let mut once: Vec<Value> = Vec::new();
    for item in list.iter() {
        if !once.iter().any(|known| known.same(item)) {
            once.push(item.clone());
        }
    }
    Ok(Value::list(once))
}

pub(super) fn slice(it: &Arguments<'_>) -> Outcome {
    let list = it.list(0)?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |value: &Value| usize::try_from(to_int(value)).map_err(|_| "slice index out of range".to_owned());
    let start = it.from(1).first().map_or(Ok(0), bound)?;
    let end = it.from(2).first().map_or(Ok(list.len()), bound)?;
    let items = list.get(start..end).ok_or("slice index out of range")?;
    let of = if let Value::List(_, of) = it.value(0) { *of } else { Of::Any };
    Ok(Value::List(items.into(), of))
}

pub(super) fn concat(it: &Arguments<'_>) -> Outcome {
    let mut whole = Vec::new();
    for list in it.all() {
        let Value::List(items, _) = list else {
            return Err(format!("cannot concat type {} as list", list.kind_name()));
        };
        whole.extend(items.iter().cloned());
        it.fits(whole.len())?;
    }
    Ok(Value::list(whole))
}

pub(super) fn chunk(it: &Arguments<'_>) -> Outcome {
    let (size, list) = (it.int(0)?, it.list(1)?);
    let chunks = match usize::try_from(size) {
        Ok(size) if size > 0 => list.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect(),
        // As found: a negative size leaves nothing of a longer list, and fails on a list that is longer still.
        Err(_) if list.len() == 1 && size != -1 => [Value::list(list.to_vec())].into(),
        Err(_) if !list.is_empty() && list.len() as u64 - 1 <= size.unsigned_abs() => [].into(),
        _ => return Err("a chunk's size must be positive".to_owned()),
    };
    Ok(Value::List(chunks, Of::Lists))
}

pub(super) fn dict(it: &Arguments<'_>) -> Outcome {
    let pairs = it.all().chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or(Value::text(""));
        (pair.first().map(Value::show).unwrap_or_default().into(), value)
    });
    Ok(Value::map(pairs.collect(), Of::Any))
}

/// Whether `value` holds `entries` somewhere: then they must not hold it.
fn holds(value: &Value, entries: &Entries, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return true };
    match value {
        Value::Map(inner, _) => {
            Rc::ptr_eq(inner, entries) || inner.borrow().values().any(|it| holds(it, entries, depth))
        }
        Value::List(items, _) => items.iter().any(|it| holds(it, entries, depth)),
        _ => false,
    }
}

pub(super) fn set(it: &Arguments<'_>) -> Outcome {
    if matches!(it.value(0), Value::Nil) {
        return Err("assignment to entry in nil map".to_owned());
    }
    let (entries, value) = (it.dict(0)?, it.value(2));
    if holds(value, &entries, MAX_NESTING) {
        return Err("a dictionary cannot hold itself".to_owned());
    }
    entries.borrow_mut().insert(it.text(1)?.into(), value.clone());
    Ok(it.value(0).clone())
}

pub(super) fn pluck(it: &Arguments<'_>) -> Outcome {
    let key = it.text(0)?;
    let mut found = Vec::new();
    for dict in it.from(1) {
        found.extend(dict_of(dict)?.borrow().get(key).cloned());
    }
    Ok(Value::list(found))
}

pub(super) fn keys(it: &Arguments<'_>) -> Outcome {
    let mut keys: Vec<Rc<str>> = Vec::new();
    for dict in it.all() {
        keys.extend(dict_of(dict)?.borrow().keys().cloned());
    }
    Ok(Value::texts(keys))
}

/// `pick`, `omit`: the entries with, or without, these keys.
pub(super) fn pick(it: &Arguments<'_>, with: bool) -> Outcome {
    let mut names = Vec::new();
    for name in it.from(1) {
        names.push(text_of(name)?);
    }
    let entries = it.dict(0)?;
    let picked: BTreeMap<_, _> = entries
        .borrow()
        .iter()
        .filter(|(key, _)| names.contains(&&***key) == with)
        .map(|(key, value)| (Rc::clone(key), value.clone()))
        .collect();
    Ok(Value::map(picked, Of::Any))
}

/// `merge`, `mergeOverwrite`: the entries of the others go into the first, dictionaries into dictionaries.
pub(super) fn merge(it: &Arguments<'_>, overwrite: bool) -> Outcome {
    let target = it.dict(0)?;
    for source in it.from(1) {
        let source = dict_of(source)?;
        if !Rc::ptr_eq(&target, &source) {
            merge_into(&target, &source, overwrite, MAX_NESTING)?;
        }
    }
    Ok(if matches!(it.value(0), Value::Nil) { Value::Map(target, Of::Any) } else { it.value(0).clone() })
}

fn merge_into(target: &Entries, source: &Entries, overwrite: bool, depth: usize) -> Result<(), String> {
    let depth = depth.checked_sub(1).ok_or("dictionaries nested too deep")?;
    for (key, value) in source.borrow().iter() {
        let there = target.borrow().get(key).cloned();
        match (&there, value) {
            (_, Value::Nil) if !overwrite => {}
            (Some(Value::Map(inner, Of::Any)), Value::Map(more, Of::Any)) => {
                if !Rc::ptr_eq(inner, more) {
                    merge_into(inner, more, overwrite, depth)?;
                }
            }
            (Some(known), _) if !is_empty(known) && !overwrite => {}
            _ => {
                if holds(value, target, MAX_NESTING) {
                    return Err("a dictionary cannot hold itself".to_owned());
                }
                target.borrow_mut().insert(Rc::clone(key), value.clone());
            }
        }
    }
    Ok(())
}

/// A copy that shares nothing that can change.
pub(super) fn deep_copy(value: &Value) -> Value {
    match value {
        Value::Map(entries, of) => {
            Value::map(entries.borrow().iter().map(|(key, it)| (Rc::clone(key), deep_copy(it))).collect(), *of)
        }
        Value::List(items, of) => Value::List(items.iter().map(deep_copy).collect(), *of),
        other => other.clone(),
    }
}

/// `dig`: an entry of an entry of ... the last argument; the one before it if there is none.
pub(super) fn dig(it: &Arguments<'_>) -> Outcome {
    let [path @ .., default, dict] = it.all() else { return Err("dig needs at least three arguments".to_owned()) };
    let mut value = dict.clone();
    for key in path {
        let key = text_of(key)?;
        if matches!(value, Value::Nil) {
            return Err("not a dictionary".to_owned());
        }
        let next = dict_of(&value)?.borrow().get(key).cloned();
        match next {
            Some(next) => value = next,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}
