//! The one grammar of constraints and router rules: calls on string literals, joined by `&&`, `||`, `!` and parentheses.
//!
//! Source: vulcand/predicate over Go's expression parser. What Go would parse and predicate then refuse (numbers,
//! comparisons, selectors, ...) is refused here at once. A line break ends an expression after a string, a name or `)`,
//! as in Go. One stated difference: Go nests 100,000 deep, this reader [`MAX_DEPTH`].

/// How deep parentheses may nest: far beyond what people write, and small enough to walk by recursion.
pub(crate) const MAX_DEPTH: usize = 500;

/// An expression: calls, and how they are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    /// `Name("a", "b")`.
    Call(Call),
    /// `!x`; never directly around another `Not`.
    Not(Box<Self>),
    /// `a && b && ...`, two or more.
    All(Vec<Self>),
    /// `a || b || ...`, two or more.
    Any(Vec<Self>),
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The function's name as written.
    pub(crate) name: String,
    /// Its arguments, unquoted.
    pub(crate) arguments: Vec<String>,
    /// Where the name begins: characters from the start, from 1.
    pub(crate) at: usize,
}

impl Expression {
    /// Reads a whole text. Errors: one line that says where, what was expected and what stands there.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Parser { lexer: Lexer::new(text)?, depth: Vec::new() }.run()
    }

    /// The opposite; two negations cancel out.
    fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Several alternatives, or the only one.
    fn any(mut parts: Vec<Self>) -> Option<Self> {
        if parts.len() > 1 { Some(Self::Any(parts)) } else { parts.pop() }
    }

    /// Several conditions, or the only one.
    fn all(mut parts: Vec<Self>) -> Option<Self> {
        if parts.len() > 1 { Some(Self::All(parts)) } else { parts.pop() }
    }

    /// Every call, in the order written.
    pub(crate) fn calls(&self) -> Vec<&Call> {
        match self {
            Self::Call(call) => vec![call],
            Self::Not(inner) => inner.calls(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::calls).collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
    Ellipsis,
    /// The semicolon that Go puts at a line's end.
    Line,
    End,
}

impl Token {
    fn words(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Text(_) => "a string".to_owned(),
            Self::And => "`&&`".to_owned(),
            Self::Or => "`||`".to_owned(),
            Self::Not => "`!`".to_owned(),
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Ellipsis => "`...`".to_owned(),
            Self::Line => "a line break".to_owned(),
            Self::End => "the end".to_owned(),
        }
    }
}

/// What is open at one level of parentheses.
#[derive(Default)]
struct Level {
    /// Alternatives that are complete.
    any: Vec<Expression>,
    /// Conditions of the alternative being read.
    all: Vec<Expression>,
    /// Whether an odd number of `!` stands before the operand to come.
    negate: bool,
}

impl Level {
    fn take(&mut self, operand: Expression) {
        let operand = if std::mem::take(&mut self.negate) { operand.negated() } else { operand };
        self.all.push(operand);
    }

    fn close(mut self) -> Option<Expression> {
        self.any.extend(Expression::all(self.all));
        Expression::any(self.any)
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: Vec<Level>,
}

impl Parser<'_> {
    /// Reads without recursion, so that no text can exhaust the stack.
    fn run(mut self) -> Result<Expression, String> {
        let mut level = Level::default();
        loop {
            // An operand.
            let (at, token) = self.lexer.next()?;
            match token {
                Token::Not => {
                    level.negate = !level.negate;
                    continue;
                }
                Token::Open => {
                    if self.depth.len() >= MAX_DEPTH {
                        return Err(format!("at character {at}: more than {MAX_DEPTH} parentheses inside each other"));
                    }
                    self.depth.push(std::mem::take(&mut level));
                    continue;
                }
                Token::Name(name) => level.take(Expression::Call(self.call(name, at)?)),
                other => return Err(expected(at, "a call such as ``Name(`value`)``", &other)),
            }
            // What may follow an operand, until the next one is due.
            loop {
                let (at, token) = self.lexer.next()?;
                match token {
                    Token::And => break,
                    Token::Or => {
                        let done = std::mem::take(&mut level.all);
                        level.any.extend(Expression::all(done));
                        break;
                    }
                    Token::Close => {
                        let Some(outer) = self.depth.pop() else {
                            return Err(expected(at, "`&&`, `||` or the end", &Token::Close));
                        };
                        let inner = std::mem::replace(&mut level, outer).close();
                        if let Some(inner) = inner {
                            level.take(inner);
                        }
                    }
                    Token::Line | Token::End if self.depth.is_empty() => {
                        let (at, after) = if token == Token::Line { self.lexer.next()? } else { (at, Token::End) };
                        if after != Token::End {
                            return Err(format!(
                                "at character {at}: {} after a line break that ends the expression; put `&&` or `||` at the end of the line",
                                after.words()
                            ));
                        }
                        return level.close().ok_or_else(|| "is empty".to_owned());
                    }
                    other => {
                        let end = if self.depth.is_empty() { "`&&`, `||` or the end" } else { "`&&`, `||` or `)`" };
                        return Err(expected(at, end, &other));
                    }
                }
            }
        }
    }

    /// The rest of a call, from its `(` on.
    fn call(&mut self, name: String, at: usize) -> Result<Call, String> {
        match self.lexer.next()? {
            (_, Token::Open) => {}
            (at, other) => return Err(expected(at, &format!("`(` after `{name}`"), &other)),
        }
        let mut arguments = Vec::new();
        loop {
            match self.lexer.next()? {
                (_, Token::Close) => return Ok(Call { name, arguments, at }),
                (_, Token::Text(text)) => arguments.push(text),
                (at, other) => return Err(expected(at, "a string in backticks or double quotes, or `)`", &other)),
            }
            let (mut place, mut token) = self.lexer.next()?;
            let last = token == Token::Ellipsis;
            if last {
                // Go lets a call spread its last argument, and predicate does not look.
                (place, token) = self.lexer.next()?;
            }
            match token {
                Token::Close => return Ok(Call { name, arguments, at }),
                Token::Comma if !last => {}
                Token::Comma => match self.lexer.next()? {
                    (_, Token::Close) => return Ok(Call { name, arguments, at }),
                    (at, other) => return Err(expected(at, "`)`", &other)),
                },
                other => return Err(expected(place, "`,` or `)`", &other)),
            }
        }
    }
}

fn expected(at: usize, wanted: &str, found: &Token) -> String {
    format!("at character {at}: expected {wanted}, found {}", found.words())
}

struct Lexer<'a> {
    rest: std::str::Chars<'a>,
    /// Characters read.
    read: usize,
    /// Whether a line break would end the expression here.
    ends: bool,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Result<Self, String> {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some((before, _)) = body.split_once(['\0', '\u{feff}']) {
            return Err(format!("at character {}: a NUL or a byte order mark", before.chars().count() + 1));
        }
        Ok(Self { rest: body.chars(), read: 0, ends: false })
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.read += usize::from(next.is_some());
        next
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Reads this character, if it comes next.
    fn skip(&mut self, wanted: char) -> bool {
        self.peek() == Some(wanted) && self.bump().is_some()
    }

    /// The next token and where it begins.
    fn next(&mut self) -> Result<(usize, Token), String> {
        let ends = std::mem::take(&mut self.ends);
        let (at, token) = self.token(ends)?;
        self.ends = matches!(token, Token::Name(_) | Token::Text(_) | Token::Close);
        Ok((at, token))
    }

    fn token(&mut self, ends: bool) -> Result<(usize, Token), String> {
        loop {
            let Some(first) = self.bump() else { return Ok((self.read + 1, Token::End)) };
            let at = self.read;
            let token = match first {
                '\n' if ends => Token::Line,
                ' ' | '\t' | '\r' | '\n' => continue,
                '/' => {
                    let line = self.comment(at)?;
                    if !(line && ends) {
                        continue;
                    }
                    Token::Line
                }
                '(' => Token::Open,
                ')' => Token::Close,
                ',' => Token::Comma,
                '!' if self.peek() != Some('=') => Token::Not,
                '&' if self.skip('&') => Token::And,
                '|' if self.skip('|') => Token::Or,
                '.' => {
                    if self.bump() == Some('.') && self.bump() == Some('.') {
                        Token::Ellipsis
                    } else {
                        return Err(format!("at character {at}: an unexpected `.`"));
                    }
                }
                '`' => Token::Text(self.raw(at)?),
                '"' => Token::Text(self.quoted(at)?),
                '\'' => {
                    return Err(format!("at character {at}: strings are in backticks or double quotes, not in `'`"));
                }
                '_' | 'a'..='z' | 'A'..='Z' => {
                    let rest = self.rest.as_str();
                    let after = rest.trim_start_matches(|c: char| c == '_' || c.is_ascii_alphanumeric());
                    let more = rest.get(..rest.len() - after.len()).unwrap_or_default();
                    self.read += more.len();
                    self.rest = after.chars();
                    Token::Name([first.encode_utf8(&mut [0; 4]), more].concat())
                }
                other => return Err(format!("at character {at}: an unexpected `{}`", other.escape_debug())),
            };
            return Ok((at, token));
        }
    }

    /// Skips a comment whose first `/` is read. True: it holds or ends at a line break.
    fn comment(&mut self, at: usize) -> Result<bool, String> {
        match self.bump() {
            Some('/') => {
                while self.bump().is_some_and(|c| c != '\n') {}
                Ok(true)
            }
            Some('*') => {
                let (mut line, mut star) = (false, false);
                loop {
                    match self.bump() {
                        Some('/') if star => return Ok(line),
                        Some(c) => {
                            line |= c == '\n';
                            star = c == '*';
                        }
                        None => return Err(format!("at character {at}: a comment without its end")),
                    }
                }
            }
            _ => Err(format!("at character {at}: an unexpected `/`")),
        }
    }

    fn raw(&mut self, at: usize) -> Result<String, String> {
        let end = || format!("at character {at}: a backtick without its end");
        let (text, after) = self.rest.as_str().split_once('`').ok_or_else(end)?;
        self.read += text.chars().count() + 1;
        self.rest = after.chars();
        Ok(text.replace('\r', ""))
    }

    fn quoted(&mut self, at: usize) -> Result<String, String> {
        let mut bytes = Vec::new();
        loop {
            match self.bump() {
                Some('"') => break,
                Some('\\') => self.escape(&mut bytes)?,
                Some('\n') | None => return Err(format!("at character {at}: a double quote without its end")),
                Some(c) => push(&mut bytes, c),
            }
        }
        String::from_utf8(bytes).map_err(|_| format!("at character {at}: a string that is not UTF-8"))
    }

    /// One of Go's escapes, whose backslash is read.
    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let at = self.read;
        let bad = || format!("at character {at}: an escape that Go does not know");
        let byte = match self.bump().ok_or_else(bad)? {
            'a' => 7,
            'b' => 8,
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            '\\' => b'\\',
            '"' => b'"',
            first @ '0'..='7' => {
                let high = first.to_digit(8).ok_or_else(bad)?;
                u8::try_from(high * 64 + self.digits(8, 2).ok_or_else(bad)?).map_err(|_| bad())?
            }
            'x' => u8::try_from(self.digits(16, 2).ok_or_else(bad)?).map_err(|_| bad())?,
            width @ ('u' | 'U') => {
                let code = self.digits(16, if width == 'u' { 4 } else { 8 });
                push(bytes, code.and_then(char::from_u32).ok_or_else(bad)?);
                return Ok(());
            }
            _ => return Err(bad()),
        };
        bytes.push(byte);
        Ok(())
    }

    fn digits(&mut self, radix: u32, count: usize) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..count {
            value = value.checked_mul(radix)? + self.bump()?.to_digit(radix)?;
        }
        Some(value)
    }
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expression fully parenthesised: `!` binds first, then `&&`, then `||`.
    fn show(expression: &Expression) -> String {
        let join =
            |parts: &[Expression], by: &str| format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(by));
        match expression {
            Expression::Call(call) => format!("{}{:?}", call.name, call.arguments),
            Expression::Not(inner) => format!("!{}", show(inner)),
            Expression::All(parts) => join(parts, " && "),
            Expression::Any(parts) => join(parts, " || "),
        }
    }

    fn check(text: &str, wanted: &str) {
        let found = Expression::parse(text).map(|it| show(&it));
        assert_eq!(found.as_deref(), Ok(wanted), "{text}");
    }

    fn refuse(text: &str, words: &str) {
        let found = Expression::parse(text).map(|it| show(&it));
        assert!(found.as_ref().is_err_and(|it| it.contains(words)), "{text}: {found:?}");
    }

    #[test]
    fn operators_bind_as_in_go() {
        check("A(`x`)", r#"A["x"]"#);
        check("A() || B() && !C()", "(A[] || (B[] && !C[]))");
        check("(A() || B()) && C()", "((A[] || B[]) && C[])");
        check("!(A() || B())", "!(A[] || B[])");
        check("!!A() && !!!B()", "(A[] && !B[])");
        check("!(!(A()))", "A[]");
        check("((A()))", "A[]");
        check("A() && B() && C()", "(A[] && B[] && C[])");
    }

    #[test]
    fn strings_are_go_literals() {
        check(r#"A("a\tb\x41\101\u00e9\U0001F600\\\"")"#, r#"A["a\tbAAé😀\\\""]"#);
        check("A(`a\r\nb\\n`)", r#"A["a\nb\\n"]"#);
        check(r#"A("\xc3\xa9")"#, r#"A["é"]"#);
        for bad in [r#"A("\'")"#, r#"A("\q")"#, r#"A("\400")"#, r#"A("\ud800")"#, r#"A("\U00110000")"#, r#"A("\x4")"#] {
            refuse(bad, "an escape that Go does not know");
        }
        refuse(r#"A("\xff")"#, "not UTF-8");
        refuse("A(\"a\n\")", "double quote without its end");
        refuse("A(`a", "backtick without its end");
        refuse("A('a')", "not in `'`");
    }

    #[test]
    fn lines_end_as_in_go() {
        check("A() &&\n B()\n", "(A[] && B[])");
        check("\n\nA(\n`x`,\n`y`,\n)\n\n", r#"A["x", "y"]"#);
        check("A(`x`...)", r#"A["x"]"#);
        check("A() /* and */ && B() // end", "(A[] && B[])");
        refuse("A()\n&& B()", "at character 5: `&&` after a line break");
        refuse("A(`x`\n)", "expected `,` or `)`, found a line break");
        refuse("A() /*\n*/ && B()", "after a line break");
        refuse("(A()\n)", "found a line break");
    }

    #[test]
    fn errors_say_where_and_what() {
        refuse("", "at character 1: expected a call such as ``Name(`value`)``, found the end");
        refuse("A() B()", "at character 5: expected `&&`, `||` or the end, found `B`");
        refuse("A() & B()", "at character 5: an unexpected `&`");
        refuse("A() == B()", "unexpected `=`");
        refuse("A(B())", "expected a string in backticks or double quotes, or `)`, found `B`");
        refuse("A(1)", "unexpected `1`");
        refuse("(A()", "expected `&&`, `||` or `)`, found the end");
        refuse("A())", "at character 4: expected `&&`, `||` or the end, found `)`");
        refuse("()", "found `)`");
        refuse("A", "expected `(` after `A`, found the end");
        refuse("a.B(`x`)", "unexpected `.`");
        refuse("A(`\0`)", "a NUL");
    }

    #[test]
    fn no_depth_exhausts_the_stack() {
        let deep = |count| format!("{}A(`x`){}", "(".repeat(count), ")".repeat(count));
        check(&deep(MAX_DEPTH), r#"A["x"]"#);
        refuse(&deep(100_000), "more than 500 parentheses");
        check(&format!("{}A()", "!".repeat(100_000)), "A[]");
        let wide = vec!["A()"; 20_000].join(" || ");
        assert!(Expression::parse(&wide).is_ok_and(|it| it.calls().len() == 20_000));
        let nested = format!("{}A(){}", "A() && (B() || !(".repeat(MAX_DEPTH / 2), "))".repeat(MAX_DEPTH / 2));
        assert!(Expression::parse(&nested).is_ok_and(|it| it.calls().len() == MAX_DEPTH + 1));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}|([AB!&|()`\"\\\\ ,.\n]|A\\(`x`\\)){0,40}") {
            Expression::parse(&text).ok();
        }
    }
}
