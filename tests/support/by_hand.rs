//! What somebody with docker-compose 1.29 does by hand.

use serde_json::Value;

/// Deletes from a file what a line of the list says: a path, whose last word may be an entry of a list.
pub(crate) fn remove(file: &mut Value, line: &str) {
    let words: Vec<&str> = line.split(": ").collect();
    let (last, path) = words.split_last().unwrap();
    let place = path.iter().try_fold(&mut *file, |at, word| at.get_mut(*word));
    let found = match place {
        Some(Value::Array(items)) => {
            let there = items.len();
            items.retain(|it| it != *last);
            items.len() < there
        }
        Some(Value::Object(map)) => map.remove(*last).is_some(),
        _ => false,
    };
    assert!(found, "there is no {line} to delete in {file}");
}
