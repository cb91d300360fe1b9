//! The types are the schema: held against every field of Traefik's own types, releases 3.0 to 3.7.

use std::collections::BTreeMap;

use leeward::traefik::Version;
use leeward::traefik::labels;
use leeward::traefik::schema::{Access, Field, Kind, Shape};

use crate::reader::{ROWS, Row};

/// Every field that the types list, by its label.
fn ours() -> BTreeMap<String, &'static Field> {
    fn walk(shape: &'static Shape, above: &str, found: &mut BTreeMap<String, &'static Field>) {
        for field in shape.fields {
            let label = format!("{above}.{}", field.label_name().to_lowercase());
            assert!(found.insert(label.clone(), field).is_none(), "{label} twice");
            match field.kind {
                Kind::Record(shape) => walk(shape, &label, found),
                Kind::Records(shape) if field.access == Access::AsStruct => walk(shape, &label, found),
                Kind::Records(shape) => walk(shape, &format!("{label}[n]"), found),
                Kind::RecordMap(shape) => walk(shape, &format!("{label}.<name>"), found),
                Kind::Scalar(_) | Kind::Texts | Kind::TextMap | Kind::IntMap | Kind::Plugins => {}
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(labels::schema(), "traefik", &mut found);
    found
}

/// Every field of Traefik's newest types that a label may name, by its label.
fn traefiks() -> BTreeMap<&'static str, &'static Row> {
    ROWS.iter()
        .filter(|row| row.is_a == "field" && row.is_in(Version::NEWEST))
        .filter(|row| ["read", "ignored"].contains(&row.label_access.as_str()))
        .filter_map(|row| Some((row.label.as_deref()?, row)))
        .collect()
}

#[test]
fn every_field_is_known_with_its_type_and_nothing_else_is() {
    let (ours, traefiks) = (ours(), traefiks());
    let mut wrong = Vec::new();
    for label in traefiks.keys().filter(|label| !ours.contains_key(**label)) {
        wrong.push(format!("{label}: Traefik has it, we do not"));
    }
    // The way to the default store, the only one that labels reach.
    let ours = ours.iter().filter(|(label, _)| !["traefik.tls", "traefik.tls.stores"].contains(&label.as_str()));
    for (label, field) in ours {
        match traefiks.get(label.as_str()) {
            None => wrong.push(format!("{label}: we have it, Traefik does not")),
            Some(row) => wrong.extend(faults(field, row).iter().map(|fault| format!("{label}: {fault}"))),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), traefiks.len(), wrong.join("\n"));
    assert_eq!(traefiks.values().filter(|row| row.label_access == "read").count(), 329, "as many as were recorded");
}

/// What of a field's declaration is not as its row says.
fn faults(field: &Field, row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let mut hold = |what: &str, right: bool| {
        if !right {
            faults.push(format!("{what}: {field:?} is not {row:?}"));
        }
    };
    let read = row.label_access == "read";
    let dropped = matches!(field.access, Access::Dropped | Access::DocumentOnly);
    hold("name", row.path.rsplit('.').next().is_some_and(|name| name.eq_ignore_ascii_case(field.name)));
    hold("kind", kinds(field, read).contains(&row.kind.as_str()));
    // Below something that is dropped whatever is written is never read.
    hold("read", !read || !dropped);
    if read {
        hold("alone", row.label_alone.as_deref() == Some(alone(field)));
        let scalar = matches!(field.kind, Kind::Scalar(_));
        // A server's port and scheme become its address; documents hold that alone.
        let becomes_address = row.path.ends_with("servers[].port") || row.path.ends_with("servers[].scheme");
        hold("written", (field.access == Access::LabelOnly) == becomes_address);
        hold("readable", becomes_address || row.file_access == "read");
        hold("pointer", !scalar || row.pointer == (field.access == Access::Pointer));
        hold("embedded", (row.kind == "struct") == (field.access == Access::Embedded));
        hold("one element", row.label_slice_as_struct.is_some() == (field.access == Access::AsStruct));
        hold("since", row.since_patch.parse() == Ok(field.since));
    }
    if !read {
        hold("alone", (row.label_alone.as_deref() == Some("error")) == (alone(field) == "error"));
    }
    hold("never from labels", field.access != Access::DocumentOnly || (!read && row.file_access == "read"));
    faults
}

/// Traefik's kinds that one of ours may stand for. Of what is dropped only the shape matters.
fn kinds(field: &Field, read: bool) -> &'static [&'static str] {
    match field.kind {
        Kind::Scalar(_) if !read => &["string", "bool", "int", "uint", "duration-seconds-default"],
        Kind::Scalar("string") => &["string"],
        Kind::Scalar("bool") => &["bool"],
        Kind::Scalar("int") => &["int"],
        Kind::Scalar("duration") => &["duration-seconds-default"],
        Kind::Scalar(_) => &[],
        Kind::Texts => &["list<string>"],
        Kind::Record(_) => &["struct", "pointer-struct"],
        Kind::Records(_) => &["list<struct>", "list<pointer-struct>"],
        Kind::RecordMap(_) => &["map<string,struct>", "map<string,pointer-struct>"],
        Kind::TextMap if !read => &["map<string,string>", "map<string,list<string>>"],
        Kind::TextMap => &["map<string,string>"],
        Kind::IntMap => &["map<string,int>"],
        Kind::Plugins => &["map<string,raw-map>"],
    }
}

/// What the bare element does, in the table's words.
fn alone(field: &Field) -> &'static str {
    match (field.access, field.kind) {
        (Access::Dropped | Access::DocumentOnly, _) => "ignored",
        (Access::AllowEmpty, _) => "creates",
        (_, Kind::Record(_) | Kind::RecordMap(_) | Kind::TextMap | Kind::IntMap | Kind::Plugins)
        | (Access::AsStruct, _) => "error",
        (_, Kind::Records(_)) => "sets-empty-list",
        (_, Kind::Scalar(_) | Kind::Texts) => "sets",
    }
}

fn decode(label: &str, value: &str) -> Result<leeward::traefik::Dynamic, labels::LabelProblem> {
    let label = label.replace("<name>", "n").replace("stores.n", "stores.default").replace("[n]", "[0]");
    labels::decode(&BTreeMap::from([(label, value.to_owned())]))
}

/// The same said by the decoder itself: what stands alone, what has something below it, and a name that nobody knows.
#[test]
fn the_decoder_takes_what_the_table_says() {
    for (label, row) in traefiks() {
        let structure = row.kind.contains("struct") || row.kind.starts_with("map");
        if structure {
            let taken = decode(label, "true").is_ok();
            assert_eq!(taken, row.label_alone.as_deref() != Some("error"), "{label}: {row:?}");
        }
        let below = decode(&format!("{label}.no-such-name.x"), "1");
        // A list of structures takes any name for an index, a map any name for a key.
        let free =
            ["map<string,string>", "map<string,list<string>>", "map<string,raw-map>"].contains(&row.kind.as_str());
        // Traefik reads a whole number at the first name, and there is none.
        let number = row.kind == "map<string,int>";
        assert_eq!(below.is_ok(), free && !number, "{label}: {row:?}");
    }
}
