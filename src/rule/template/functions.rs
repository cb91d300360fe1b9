//! The functions a template may call, by name: Go's own, sprig's, and Traefik's `normalize`.

use std::rc::Rc;

use super::value::{Entries, Of, Value};
use super::{coding, collections, numbers, patterns, printing, semver, texts, urls, words};

/// A function: the least and the largest number of arguments, and what it does.
#[derive(Clone, Copy)]
pub(super) struct Function {
    least: usize,
    most: usize,
    run: fn(&Arguments<'_>) -> Outcome,
}

/// What a function answers: a value, or why the template fails.
pub(super) type Outcome = Result<Value, String>;

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    name: &'a str,
    values: &'a [Value],
    /// Which of them stand there as numbers: those fit where a whole number or a fraction is wanted, computed ones only
    /// where their own type is.
    literals: &'a [bool],
    /// What the answer may weigh.
    room: usize,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(name: &'a str, values: &'a [Value], literals: &'a [bool], room: usize) -> Self {
        Self { name, values, literals, room }
    }

    fn is_literal(&self, at: usize) -> bool {
        self.literals.get(at).copied().unwrap_or_default()
    }

    /// Calls a function with these arguments.
    pub(super) fn call(&self, function: &Function) -> Outcome {
        let count = self.values.len();
        if count < function.least || count > function.most {
            let least = function.least;
            let wanted = if function.most == least { least.to_string() } else { format!("at least {least}") };
            return Err(format!("wrong number of args for {}: want {wanted} got {count}", self.name));
        }
        (function.run)(self).map_err(|problem| format!("{}: {problem}", self.name))
    }

    pub(super) fn all(&self) -> &'a [Value] {
        self.values
    }

    /// The arguments from the one at `at` on.
    pub(super) fn from(&self, at: usize) -> &'a [Value] {
        self.values.get(at..).unwrap_or_default()
    }

    pub(super) fn value(&self, at: usize) -> &'a Value {
        self.values.get(at).unwrap_or(&Value::Nil)
    }

    pub(super) fn text(&self, at: usize) -> Result<&'a str, String> {
        text_of(self.value(at))
    }

    pub(super) fn int(&self, at: usize) -> Result<i64, String> {
        match self.value(at) {
            Value::Int(number) => Ok(*number),
            #[expect(clippy::cast_possible_truncation, reason = "only whole numbers in range come here")]
            Value::Float(number) if self.is_literal(at) && number.fract() == 0.0 && number.abs() < 1e15 => {
                Ok(*number as i64)
            }
            other => Err(wrong("int", other)),
        }
    }

    pub(super) fn float(&self, at: usize) -> Result<f64, String> {
        match self.value(at) {
            Value::Float(number) => Ok(*number),
            #[expect(clippy::cast_precision_loss, reason = "Go converts a literal as well")]
            Value::Int(number) if self.is_literal(at) => Ok(*number as f64),
            other => Err(wrong("float64", other)),
        }
    }

    pub(super) fn bool(&self, at: usize) -> Result<bool, String> {
        match self.value(at) {
            Value::Bool(it) => Ok(*it),
            other => Err(wrong("bool", other)),
        }
    }

    pub(super) fn dict(&self, at: usize) -> Result<Entries, String> {
        dict_of(self.value(at))
    }

    pub(super) fn list(&self, at: usize) -> Result<Rc<[Value]>, String> {
        match self.value(at) {
            Value::List(items, _) => Ok(Rc::clone(items)),
            other => Err(format!("not a list: {}", other.kind_name())),
        }
    }

    /// Refuses what would weigh too much before it is made.
    pub(super) fn fits(&self, weight: usize) -> Result<(), String> {
        if weight <= self.room { Ok(()) } else { Err("that is too much: the template's work has a bound".to_owned()) }
    }
}

pub(super) fn text_of(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(wrong("string", other)),
    }
}

/// A `map[string]interface {}`; a nil is an empty one. Labels are not: they are a `map[string]string`.
pub(super) fn dict_of(value: &Value) -> Result<Entries, String> {
    match value {
        Value::Map(entries, Of::Any) => Ok(Rc::clone(entries)),
        Value::Nil => Ok(Entries::default()),
        other => Err(wrong("map[string]interface {}", other)),
    }
}

fn wrong(wanted: &str, found: &Value) -> String {
    format!("wrong type for value; expected {wanted}; got {}", found.type_name())
}

/// Whether a name may be called. Errors: unknown, or refused and why.
pub(super) fn known(name: &str) -> Result<(), String> {
    let why = match name {
        "env" | "expandenv" => "it would read this program's environment",
        "getHostByName" => "it would ask the network",
        "now" | "ago" | "date" | "date_in_zone" | "date_modify" | "dateInZone" | "dateModify" | "htmlDate"
        | "htmlDateInZone" | "must_date_modify" | "mustDateModify" | "mustToDate" | "toDate" | "unixEpoch" => {
            "it works with the clock, and a rule must not change with it"
        }
        "randAlphaNum" | "randAlpha" | "randAscii" | "randNumeric" | "randBytes" | "randInt" | "shuffle" | "uuidv4" => {
            "it is random, and a rule must not change at every look"
        }
        "bcrypt"
        | "htpasswd"
        | "genPrivateKey"
        | "derivePassword"
        | "buildCustomCert"
        | "genCA"
        | "genCAWithKey"
        | "genSelfSignedCert"
        | "genSelfSignedCertWithKey"
        | "genSignedCert"
        | "genSignedCertWithKey"
        | "encryptAES"
        | "decryptAES" => "keys, certificates and passwords have no place in a rule",
        "and" | "or" => return Ok(()),
        _ if find(name).is_some() => return Ok(()),
        _ => return Err(format!("function `{name}` not defined")),
    };
    Err(format!("function `{name}` is refused: {why}"))
}

/// The function of this name.
pub(super) fn find(name: &str) -> Option<Function> {
    const MANY: usize = usize::MAX;
    let function = |least, most, run| Some(Function { least, most, run });
    match name {
        "normalize" => function(1, 1, |it| Ok(Value::text(super::normalize(it.text(0)?)))),
        // Go's own.
        "not" => function(1, 1, |it| Ok(Value::Bool(!it.value(0).is_true()))),
        "len" => function(1, 1, collections::len),
        "index" => function(1, MANY, collections::index),
        "call" => function(1, MANY, |_| Err("there are no function values".to_owned())),
        "print" => function(0, MANY, printing::print),
        "println" => function(0, MANY, printing::println),
        "printf" => function(1, MANY, printing::printf),
        "html" => function(0, MANY, |it| Ok(Value::text(gotmpl::html_escape(&printing::joined(it))))),
        "js" => function(0, MANY, |it| Ok(Value::text(gotmpl::js_escape(&printing::joined(it))))),
        "urlquery" => function(0, MANY, |it| Ok(Value::text(gotmpl::url_encode(&printing::joined(it))))),
        "eq" => function(1, MANY, numbers::eq),
        "ne" => function(2, 2, |it| numbers::equal(it.value(0), it.value(1)).map(|it| Value::Bool(!it))),
        "lt" => function(2, 2, |it| numbers::less(it.value(0), it.value(1)).map(Value::Bool)),
        "ge" => function(2, 2, |it| numbers::less(it.value(0), it.value(1)).map(|it| Value::Bool(!it))),
        "le" => function(2, 2, |it| numbers::less_or_equal(it.value(0), it.value(1)).map(Value::Bool)),
        "gt" => function(2, 2, |it| numbers::less_or_equal(it.value(0), it.value(1)).map(|it| Value::Bool(!it))),
        // Texts.
        "hello" => function(0, 0, |_| Ok(Value::text("Hello!"))),
        "abbrev" => function(2, 2, |it| texts::abbrev(0, it.int(0)?, it.text(1)?)),
        "abbrevboth" => function(3, 3, |it| texts::abbrev(it.int(0)?, it.int(1)?, it.text(2)?)),
        "trunc" => function(2, 2, texts::trunc),
        "trim" => function(1, 1, |it| Ok(Value::text(it.text(0)?.trim()))),
        "upper" => function(1, 1, |it| Ok(Value::text(texts::upper(it.text(0)?)))),
        "lower" => function(1, 1, |it| Ok(Value::text(texts::lower(it.text(0)?)))),
        "title" => function(1, 1, texts::title),
        "untitle" => function(1, 1, texts::untitle),
        "substr" => function(3, 3, texts::substr),
        "repeat" => function(2, 2, texts::repeat),
        "trimall" | "trimAll" => function(2, 2, |it| {
            let cut = it.text(0)?;
            Ok(Value::text(it.text(1)?.trim_matches(|c| cut.contains(c))))
        }),
        "trimSuffix" => function(2, 2, |it| {
            let (end, text) = (it.text(0)?, it.text(1)?);
            Ok(Value::text(text.strip_suffix(end).unwrap_or(text)))
        }),
        "trimPrefix" => function(2, 2, |it| {
            let (start, text) = (it.text(0)?, it.text(1)?);
            Ok(Value::text(text.strip_prefix(start).unwrap_or(text)))
        }),
        "nospace" => function(1, 1, texts::nospace),
        "initials" => function(1, 1, texts::initials),
        "swapcase" => function(1, 1, texts::swapcase),
        "snakecase" => function(1, 1, |it| Ok(Value::text(words::connected(it.text(0)?, '_')))),
        "kebabcase" => function(1, 1, |it| Ok(Value::text(words::connected(it.text(0)?, '-')))),
        "camelcase" => function(1, 1, words::camelcase),
        "wrap" => function(2, 2, |it| texts::wrap(it, it.int(0)?, "", it.text(1)?, false)),
        "wrapWith" => function(3, 3, |it| texts::wrap(it, it.int(0)?, it.text(1)?, it.text(2)?, true)),
        "contains" => function(2, 2, |it| Ok(Value::Bool(it.text(1)?.contains(it.text(0)?)))),
        "hasPrefix" => function(2, 2, |it| Ok(Value::Bool(it.text(1)?.starts_with(it.text(0)?)))),
        "hasSuffix" => function(2, 2, |it| Ok(Value::Bool(it.text(1)?.ends_with(it.text(0)?)))),
        "quote" => function(0, MANY, printing::quote),
        "squote" => function(0, MANY, printing::squote),
        "cat" => function(0, MANY, printing::cat),
        "indent" => function(2, 2, |it| texts::indent(it, "")),
        "nindent" => function(2, 2, |it| texts::indent(it, "\n")),
        "replace" => function(3, 3, texts::replace),
        "plural" => function(3, 3, |it| {
            let (one, many) = (it.text(0)?, it.text(1)?);
            Ok(Value::text(if it.int(2)? == 1 { one } else { many }))
        }),
        "toString" => function(1, 1, |it| Ok(Value::text(it.value(0).show()))),
        "toStrings" => function(1, 1, |it| Ok(Value::texts(collections::strings(it.value(0))))),
        "join" => function(2, 2, collections::join),
        "sortAlpha" => function(1, 1, collections::sort_alpha),
        "split" => function(2, 2, |it| Ok(collections::numbered(&texts::split(it.text(0)?, it.text(1)?, -1)))),
        "splitn" => function(3, 3, |it| Ok(collections::numbered(&texts::split(it.text(0)?, it.text(2)?, it.int(1)?)))),
        "splitList" => function(2, 2, |it| Ok(Value::texts(texts::split(it.text(0)?, it.text(1)?, -1)))),
        "fail" => function(1, 1, |it| Err(it.text(0)?.to_owned())),
        // Regular expressions.
        "regexMatch" => function(2, 2, |it| {
            let (pattern, text) = (it.text(0)?, it.text(1)?);
            Ok(Value::Bool(patterns::regex(pattern).is_ok_and(|regex| regex.is_match(text))))
        }),
        "mustRegexMatch" => function(2, 2, |it| Ok(Value::Bool(patterns::regex(it.text(0)?)?.is_match(it.text(1)?)))),
        "regexFind" | "mustRegexFind" => function(2, 2, patterns::regex_find),
        "regexFindAll" | "mustRegexFindAll" => function(3, 3, patterns::regex_find_all),
        "regexReplaceAll" | "mustRegexReplaceAll" => function(3, 3, |it| patterns::regex_replace(it, false)),
        "regexReplaceAllLiteral" | "mustRegexReplaceAllLiteral" => {
            function(3, 3, |it| patterns::regex_replace(it, true))
        }
        "regexSplit" | "mustRegexSplit" => function(3, 3, patterns::regex_split),
        "regexQuoteMeta" => function(1, 1, patterns::regex_quote),
        // Numbers.
        "atoi" => function(1, 1, |it| Ok(Value::Int(numbers::atoi(it.text(0)?)))),
        "int64" => function(1, 1, |it| Ok(Value::Int64(numbers::to_int(it.value(0))))),
        "int" => function(1, 1, |it| Ok(Value::Int(numbers::to_int(it.value(0))))),
        "float64" => function(1, 1, |it| Ok(Value::Float(numbers::to_float(it.value(0))))),
        "toDecimal" => function(1, 1, |it| Ok(Value::Int64(i64::from_str_radix(&it.value(0).show(), 8).unwrap_or(0)))),
        "seq" => function(0, MANY, numbers::seq),
        "until" => function(1, 1, |it| {
            let count = it.int(0)?;
            numbers::steps(it, 0, count, if count < 0 { -1 } else { 1 }).map(numbers::ints)
        }),
        "untilStep" => function(3, 3, |it| numbers::steps(it, it.int(0)?, it.int(1)?, it.int(2)?).map(numbers::ints)),
        "add1" => function(1, 1, |it| Ok(Value::Int64(numbers::to_int(it.value(0)).wrapping_add(1)))),
        "add" => function(0, MANY, |it| numbers::fold(it, Some(0), i64::wrapping_add)),
        "mul" => function(1, MANY, |it| numbers::fold(it, None, i64::wrapping_mul)),
        "sub" => function(2, 2, |it| numbers::fold(it, None, i64::wrapping_sub)),
        "div" => function(2, 2, |it| numbers::divide(it, i64::wrapping_div)),
        "mod" => function(2, 2, |it| numbers::divide(it, i64::wrapping_rem)),
        "max" | "biggest" => function(1, MANY, |it| numbers::fold(it, None, i64::max)),
        "min" => function(1, MANY, |it| numbers::fold(it, None, i64::min)),
        "maxf" => function(1, MANY, |it| numbers::fold_float(it, true)),
        "minf" => function(1, MANY, |it| numbers::fold_float(it, false)),
        "ceil" => function(1, 1, |it| Ok(Value::Float(numbers::to_float(it.value(0)).ceil()))),
        "floor" => function(1, 1, |it| Ok(Value::Float(numbers::to_float(it.value(0)).floor()))),
        "round" => function(2, MANY, numbers::round),
        "add1f" => function(1, 1, |it| numbers::exact(&[it.value(0).clone(), Value::Int(1)], '+')),
        "addf" => function(0, MANY, |it| {
            let mut values = vec![Value::Int(0)];
            values.extend_from_slice(it.all());
            numbers::exact(&values, '+')
        }),
        "subf" => function(1, MANY, |it| numbers::exact(it.all(), '-')),
        "mulf" => function(1, MANY, |it| numbers::exact(it.all(), '*')),
        "divf" => function(1, MANY, |it| numbers::exact(it.all(), '/')),
        "duration" => function(1, 1, numbers::duration),
        "durationRound" => function(1, 1, |it| Ok(Value::text(numbers::duration_round(it.value(0))))),
        // Defaults and types.
        "default" => function(1, MANY, |it| {
            let given = it.value(1);
            Ok(if collections::is_empty(given) { it.value(0) } else { given }.clone())
        }),
        "empty" => function(1, 1, |it| Ok(Value::Bool(collections::is_empty(it.value(0))))),
        "coalesce" => function(0, MANY, |it| {
            Ok(it.all().iter().find(|it| !collections::is_empty(it)).cloned().unwrap_or(Value::Nil))
        }),
        "all" => function(0, MANY, |it| Ok(Value::Bool(!it.all().iter().any(collections::is_empty)))),
        "any" => function(0, MANY, |it| Ok(Value::Bool(!it.all().iter().all(collections::is_empty)))),
        "ternary" => function(3, 3, |it| Ok(it.value(usize::from(!it.bool(2)?)).clone())),
        "typeOf" => function(1, 1, |it| Ok(Value::text(it.value(0).type_name()))),
        "typeIs" => function(2, 2, |it| Ok(Value::Bool(it.value(1).type_name() == it.text(0)?))),
        "typeIsLike" => function(2, 2, |it| {
            let (target, name) = (it.text(0)?, it.value(1).type_name());
            Ok(Value::Bool(name == target || name.strip_prefix('*') == Some(target)))
        }),
        "kindOf" => function(1, 1, |it| Ok(Value::text(it.value(0).kind_name()))),
        "kindIs" => function(2, 2, |it| Ok(Value::Bool(it.value(1).kind_name() == it.text(0)?))),
        "deepEqual" => function(2, 2, |it| Ok(Value::Bool(it.value(0).same(it.value(1))))),
        // Paths.
        "base" | "osBase" => function(1, 1, |it| Ok(Value::text(coding::base(it.text(0)?)))),
        "dir" | "osDir" => function(1, 1, |it| Ok(Value::text(coding::dir(it.text(0)?)))),
        "clean" | "osClean" => function(1, 1, |it| Ok(Value::text(coding::clean(it.text(0)?)))),
        "ext" | "osExt" => function(1, 1, |it| Ok(Value::text(coding::ext(it.text(0)?)))),
        "isAbs" | "osIsAbs" => function(1, 1, |it| Ok(Value::Bool(it.text(0)?.starts_with('/')))),
        // Encodings and digests.
        "urlParse" => function(1, 1, urls::parse),
        "urlJoin" => function(1, 1, urls::join),
        "b64enc" => function(1, 1, |it| Ok(Value::text(coding::BASE64.encode(it.text(0)?.as_bytes())))),
        "b64dec" => function(1, 1, |it| Ok(coding::BASE64.decode(it.text(0)?))),
        "b32enc" => function(1, 1, |it| Ok(Value::text(coding::BASE32.encode(it.text(0)?.as_bytes())))),
        "b32dec" => function(1, 1, |it| Ok(coding::BASE32.decode(it.text(0)?))),
        "sha256sum" => function(1, 1, |it| Ok(Value::text(coding::sha256(it.text(0)?)))),
        "sha1sum" => function(1, 1, |it| Ok(Value::text(coding::sha1(it.text(0)?)))),
        "adler32sum" => function(1, 1, |it| Ok(Value::text(coding::adler32(it.text(0)?)))),
        "fromJson" => function(1, 1, |it| Ok(coding::from_json(it.text(0)?).unwrap_or(Value::Nil))),
        "mustFromJson" => function(1, 1, |it| coding::from_json(it.text(0)?)),
        "toJson" | "mustToJson" => function(1, 1, |it| Ok(Value::text(coding::json(it.value(0), false, true)))),
        "toRawJson" | "mustToRawJson" => function(1, 1, |it| Ok(Value::text(coding::json(it.value(0), false, false)))),
        "toPrettyJson" | "mustToPrettyJson" => {
            function(1, 1, |it| Ok(Value::text(coding::json(it.value(0), true, true))))
        }
        // Lists and dictionaries.
        "list" | "tuple" => function(0, MANY, |it| Ok(Value::list(it.all().to_vec()))),
        "append" | "push" | "mustAppend" | "mustPush" => {
            function(2, 2, |it| Ok(Value::list(it.list(0)?.iter().chain([it.value(1)]).cloned().collect())))
        }
        "prepend" | "mustPrepend" => {
            function(2, 2, |it| Ok(Value::list([it.value(1)].into_iter().chain(it.list(0)?.iter()).cloned().collect())))
        }
        "first" | "mustFirst" => function(1, 1, |it| Ok(it.list(0)?.first().cloned().unwrap_or(Value::Nil))),
        "last" | "mustLast" => function(1, 1, |it| Ok(it.list(0)?.last().cloned().unwrap_or(Value::Nil))),
        "rest" | "mustRest" => function(1, 1, |it| Ok(Value::list(it.list(0)?.iter().skip(1).cloned().collect()))),
        "initial" | "mustInitial" => function(1, 1, |it| {
            let list = it.list(0)?;
            Ok(Value::list(list.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default()))
        }),
        "reverse" | "mustReverse" => function(1, 1, |it| Ok(Value::list(it.list(0)?.iter().rev().cloned().collect()))),
        "compact" | "mustCompact" => function(1, 1, |it| {
            Ok(Value::list(it.list(0)?.iter().filter(|it| !collections::is_empty(it)).cloned().collect()))
        }),
        "uniq" | "mustUniq" => function(1, 1, collections::uniq),
        "without" | "mustWithout" => function(1, MANY, |it| {
            let omit = it.from(1);
            it.fits(omit.len().saturating_mul(it.list(0)?.len()))?;
            Ok(Value::list(it.list(0)?.iter().filter(|it| !omit.iter().any(|one| one.same(it))).cloned().collect()))
        }),
        "has" | "mustHas" => function(2, 2, |it| match it.value(1) {
            Value::Nil => Ok(Value::Bool(false)),
            _ => Ok(Value::Bool(it.list(1)?.iter().any(|one| one.same(it.value(0))))),
        }),
        "slice" | "mustSlice" => function(1, MANY, collections::slice),
        "concat" => function(0, MANY, collections::concat),
        "chunk" | "mustChunk" => function(2, 2, collections::chunk),
        "dict" => function(0, MANY, collections::dict),
        "get" => function(2, 2, |it| Ok(it.dict(0)?.borrow().get(it.text(1)?).cloned().unwrap_or(Value::text("")))),
        "set" => function(3, 3, collections::set),
        "unset" => function(2, 2, |it| {
            let entries = it.dict(0)?;
            entries.borrow_mut().remove(it.text(1)?);
            Ok(Value::Map(entries, Of::Any))
        }),
        "hasKey" => function(2, 2, |it| Ok(Value::Bool(it.dict(0)?.borrow().contains_key(it.text(1)?)))),
        "pluck" => function(1, MANY, collections::pluck),
        "keys" => function(0, MANY, collections::keys),
        "values" => function(1, 1, |it| Ok(Value::list(it.dict(0)?.borrow().values().cloned().collect()))),
        "pick" => function(1, MANY, |it| collections::pick(it, true)),
        "omit" => function(1, MANY, |it| collections::pick(it, false)),
        "merge" | "mustMerge" => function(1, MANY, |it| collections::merge(it, false)),
        "mergeOverwrite" | "mustMergeOverwrite" => function(1, MANY, |it| collections::merge(it, true)),
        "deepCopy" | "mustDeepCopy" => function(1, 1, |it| match it.value(0) {
            Value::Nil => Err("there is nothing to copy".to_owned()),
            value => Ok(collections::deep_copy(value)),
        }),
        "dig" => function(3, MANY, collections::dig),
        // Versions and addresses.
        "semver" => function(1, 1, |it| Ok(Value::Version(Rc::new(semver::Version::parse(it.text(0)?)?)))),
        "semverCompare" => function(2, 2, |it| semver::compare(it.text(0)?, it.text(1)?).map(Value::Bool)),
        _ => None,
    }
}
