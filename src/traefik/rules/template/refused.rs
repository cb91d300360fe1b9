//! The functions of Go and sprig that a default rule may not call, and what to use instead.

use super::functions;

/// Whether a default rule may call this function.
///
/// Errors: it may not; with the name, and what to use instead.
pub(super) fn known(name: &str) -> Result<(), String> {
    if functions::names().any(|known| known == name) {
        return Ok(());
    }
    if let Some(instead) = instead(name) {
        return Err(format!("function `{name}` is not available in a default rule: {instead}"));
    }
    let names: Vec<&str> = functions::names().collect();
    Err(format!("function `{name}` is not defined; there are {}", names.join(", ")))
}

/// What to use instead of a function that Go or sprig has. None: neither has it.
fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "env" | "expandenv" | "getHostByName" => "it would read the host or the network; write the value out",
        "now" | "ago" | "date" | "date_in_zone" | "date_modify" | "dateInZone" | "dateModify" | "duration"
        | "durationRound" | "htmlDate" | "htmlDateInZone" | "must_date_modify" | "mustDateModify" | "mustToDate"
        | "toDate" | "unixEpoch" => "a rule must not change with the clock; write the value out",
        "randAlphaNum" | "randAlpha" | "randAscii" | "randNumeric" | "randBytes" | "randInt" | "shuffle" | "uuidv4" => {
            "a rule must not be another at every look; use `.Name` or a label"
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
        | "decryptAES" => "secrets have no place in a rule; use `.Name` or a label",
        "sha1sum" | "sha256sum" | "adler32sum" | "b32enc" | "b32dec" | "b64enc" | "b64dec" => {
            "write the host in a label and use `index .Labels`"
        }
        "abbrev" | "abbrevboth" | "initials" => "use `trunc` or `substr`",
        "swapcase" | "untitle" => "use `lower` or `upper`",
        "snakecase" | "kebabcase" | "camelcase" => "use `lower` with `replace` or `regexReplaceAll`",
        "nospace" | "regexReplaceAllLiteral" | "mustRegexReplaceAllLiteral" => "use `replace` or `regexReplaceAll`",
        "wrap" | "wrapWith" | "indent" | "nindent" | "println" | "cat" | "toString" | "hello" => {
            "a rule is one line; use `print` or `printf`"
        }
        "html" | "js" | "urlquery" => "a rule needs no such escapes; use the value as it is",
        "urlParse" | "urlJoin" | "base" | "dir" | "clean" | "ext" | "isAbs" | "osBase" | "osDir" | "osClean"
        | "osExt" | "osIsAbs" => "use `splitList`, `regexFind` or `regexReplaceAll`",
        "repeat" | "seq" | "until" | "untilStep" => "use `range 3`, or write the text out",
        "plural" => "use `ternary` or `if`",
        "splitn" => "use `split`",
        "mustRegexMatch" | "semver" | "semverCompare" => "use `regexMatch`",
        "regexFindAll" | "mustRegexFindAll" | "mustRegexFind" | "regexSplit" | "mustRegexSplit" => {
            "use `regexFind` or `splitList`"
        }
        "mustRegexReplaceAll" => "use `regexReplaceAll`",
        "regexQuoteMeta" => "write the pattern out",
        "atoi" | "int64" | "toDecimal" | "float64" | "round" | "ceil" | "floor" => "use `int`",
        "biggest" => "use `max`",
        "addf" | "add1f" | "subf" | "mulf" | "divf" | "maxf" | "minf" => {
            "use whole numbers: `add`, `sub`, `mul`, `div`, `max`, `min`"
        }
        "all" => "use `and`",
        "any" => "use `or`",
        "typeOf" | "typeIs" | "typeIsLike" | "kindOf" | "kindIs" => "labels and names are texts; use `eq` or `empty`",
        "deepEqual" => "use `eq`",
        "fail" | "call" => "use `if`; a rule that is empty gives no router",
        "fromJson" | "mustFromJson" | "toJson" | "mustToJson" | "toRawJson" | "mustToRawJson" | "toPrettyJson"
        | "mustToPrettyJson" => "use one label for each value",
        "mustFirst" => "use `first`",
        "mustLast" => "use `last`",
        "slice" | "mustSlice" => "use `substr` for a text, `index` for a list",
        "has" | "mustHas" | "without" | "mustWithout" => "use `range` and `eq`",
        "rest" | "mustRest" | "initial" | "mustInitial" | "reverse" | "mustReverse" | "compact" | "mustCompact"
        | "uniq" | "mustUniq" | "chunk" | "mustChunk" | "concat" | "append" | "mustAppend" | "push" | "mustPush"
        | "prepend" | "mustPrepend" | "list" | "tuple" | "sortAlpha" | "toStrings" => {
            "use `splitList` with `index`, `first`, `last` or `range`"
        }
        "get" | "dig" | "hasKey" | "pluck" => "use `index .Labels`",
        "dict" | "set" | "unset" | "keys" | "values" | "pick" | "omit" | "merge" | "mustMerge" | "mergeOverwrite"
        | "mustMergeOverwrite" | "deepCopy" | "mustDeepCopy" => {
            "use `index .Labels` or `range $key, $value := .Labels`"
        }
        _ => return None,
    })
}
