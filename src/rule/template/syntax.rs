//! What Go refuses when it parses a template, and the parser in use lets through: functions and variables that do not
//! exist (in branches not taken as well), blocks that do not balance, stages of a pipeline that cannot be called.
//!
//! Source: Go's `text/template/parse`.

use gotmpl::parse::{BranchNode, Expr, ListNode, Node, PipeNode};

use super::functions;

/// Checks one parsed template.
pub(super) fn check(list: &ListNode) -> Result<(), String> {
    Names { variables: vec!["$"] }.list(list)
}

/// The variables that are declared so far.
struct Names<'a> {
    variables: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn list(&mut self, list: &'a ListNode) -> Result<(), String> {
        list.nodes.iter().try_for_each(|node| match node {
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => Ok(()),
            Node::Action(action) => self.pipe(&action.pipe),
            Node::If(it) | Node::With(it) | Node::Range(it) => self.branch(it),
            Node::Template(call) => call.pipe.as_ref().map_or(Ok(()), |pipe| self.pipe(pipe)),
            Node::Define(define) => check(&define.body),
            Node::List(list) => self.list(list),
        })
    }

    fn branch(&mut self, branch: &'a BranchNode) -> Result<(), String> {
        let mark = self.variables.len();
        self.pipe(&branch.pipe)?;
        self.list(&branch.body)?;
        if let Some(list) = &branch.else_body {
            self.list(list)?;
        }
        self.variables.truncate(mark);
        Ok(())
    }

    fn pipe(&mut self, pipe: &'a PipeNode) -> Result<(), String> {
        self.variables.extend(pipe.decl.iter().map(gotmpl::parse::SmolStr::as_str));
        for (at, command) in pipe.commands.iter().enumerate() {
            let constant = |it: &Expr| {
                matches!(it, Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::String(..))
            };
            if at > 0 && command.args.first().is_some_and(constant) {
                return Err(format!("stage {} of a pipeline is not a function", at + 1));
            }
            command.args.iter().try_for_each(|it| self.expression(it))?;
        }
        Ok(())
    }

    fn expression(&mut self, expression: &'a Expr) -> Result<(), String> {
        match expression {
            Expr::Identifier(_, name) => functions::known(name),
            Expr::Variable(_, name, _) if !self.variables.contains(&name.as_str()) => {
                Err(format!("undefined variable `{name}`"))
            }
            Expr::Pipe(_, pipe) => self.pipe(pipe),
            Expr::Chain(_, inner, _) => self.expression(inner),
            _ => Ok(()),
        }
    }
}

/// A block that is open.
struct Block<'a> {
    word: &'a str,
    /// Its last `else` has come.
    last: bool,
}

/// Checks that blocks balance, by the first word of each action.
pub(super) fn balanced(text: &str) -> Result<(), String> {
    let mut open: Vec<Block<'_>> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let body =
            after.strip_prefix('-').filter(|it| it.starts_with(char::is_whitespace)).unwrap_or(after).trim_start();
        if let Some(comment) = body.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
            continue;
        }
        rest = after_action(body);
        let word_end = body.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(body.len());
        let (word, more) = body.split_at_checked(word_end).unwrap_or((body, ""));
        match word {
            "define" if !open.is_empty() => return Err("a `{{define}}` inside a block".to_owned()),
            "if" | "with" | "range" | "block" | "define" => open.push(Block { word, last: false }),
            "end" if open.pop().is_none() => return Err("an unexpected `{{end}}`".to_owned()),
            "else" => match open.last_mut() {
                Some(block) if matches!(block.word, "if" | "with" | "range") && !block.last => {
                    let next = more.trim_start();
                    if next.starts_with("}}") || next.starts_with("-}}") {
                        block.last = true;
                    } else if block.word == "range" || !next.starts_with(block.word) {
                        return Err(format!("`{{{{else}}}}` in `{{{{{}}}}}` goes on with something else", block.word));
                    }
                }
                _ => return Err("an unexpected `{{else}}`".to_owned()),
            },
            "break" | "continue" if !open.iter().any(|it| it.word == "range" && !it.last) => {
                return Err(format!("a `{{{{{word}}}}}` outside of `{{{{range}}}}`"));
            }
            _ => {}
        }
    }
    match open.last() {
        Some(block) => Err(format!("a `{{{{{}}}}}` without its `{{{{end}}}}`", block.word)),
        None => Ok(()),
    }
}

/// What follows the action that `text` begins in.
fn after_action(text: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some('"' | '\'') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '`' | '\'') => quote = Some(c),
            None => {
                if let Some(after) = text.get(at..).and_then(|it| it.strip_prefix("}}")) {
                    return after;
                }
            }
        }
    }
    ""
}
