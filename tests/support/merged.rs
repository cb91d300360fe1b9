//! Compose files, merged as Compose merges them.

use serde_json::{Map, Value, json};

/// Merges one value over another as Compose does; `<key>!reset` and `<key>!override` stand for its tags.
pub(crate) fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                if let Some(key) = key.strip_suffix("!reset") {
                    base.remove(key);
                } else if let Some(key) = key.strip_suffix("!override") {
                    base.insert(key.to_owned(), value.clone());
                } else {
                    merge(base.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(base), Value::Array(over)) => base.extend(over.iter().filter(|it| !it.is_null()).cloned()),
        // A list of names or pairs, and a map over it.
        (base @ Value::Array(_), Value::Object(over)) => {
            let words = base.as_array().unwrap().iter().filter_map(Value::as_str);
            let pair = |word: &str| match word.split_once('=') {
                Some((key, value)) => (key.to_owned(), json!(value)),
                None => (word.to_owned(), Value::Null),
            };
            let mut map: Value = words.map(pair).collect::<Map<String, Value>>().into();
            merge(&mut map, &Value::Object(over.clone()));
            *base = map;
        }
        (base, over) => *base = over.clone(),
    }
}

/// Reads a file, its tags as parts of its keys.
pub(crate) fn read(text: &str) -> Value {
    let tagged: String = text
        .lines()
        .map(|line| match line.split_once(": !reset null") {
            Some((key, _)) => format!("{key}!reset: null\n"),
            None => match line.split_once(": !override") {
                Some((key, rest)) => format!("{key}!override:{rest}\n"),
                None => format!("{line}\n"),
            },
        })
        .collect();
    serde_saphyr::from_str(&tagged).unwrap()
}
