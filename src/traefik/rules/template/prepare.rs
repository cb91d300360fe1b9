//! What happens to a template between parsing and the first run: what Go refuses is refused, and what gotmpl would run in
//! another way than Go is written in another way.
//!
//! Rewritten are the access to fields (a field that the model lacks is an error, a label that is missing is nothing), what
//! an action writes, and what `range` runs over. Refused are functions and variables that do not exist (in branches not
//! taken as well), blocks that do not balance, and stages of a pipeline that cannot be called.
//! Source: Go's `text/template/parse` and `text/template/exec.go`.

use std::collections::BTreeSet;

use gotmpl::Template;
use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos};

use super::functions::{EACH, FIELD, WRITE};
use super::{DEFAULT, FIELDS, NAME, printf, refused};

/// Stands behind the text while it is parsed: what ends up elsewhere shows a block that does not balance.
const END: char = '\u{1}';

/// How deep blocks and parentheses may nest, all together: a run needs some stack for each.
const MAX_DEPTH: usize = 32;
/// How many `else` a template may have: gotmpl's parser has no bound for a chain of `{{ else if }}`.
const MAX_ELSE: usize = 32;

/// A template that is ready to run.
pub(super) struct Prepared {
    pub(super) tree: ListNode,
    /// Fields of the model that it reads and that do not exist.
    pub(super) unknown: BTreeSet<String>,
}

/// Parses and prepares a template.
///
/// Errors: one sentence, with the name of what is wrong.
pub(super) fn prepare(text: &str) -> Result<Prepared, String> {
    if text.contains(END) {
        return Err("the template has a control character in it".to_owned());
    }
    if text.matches("else").count() > MAX_ELSE {
        return Err(format!("the template has more than {MAX_ELSE} `else`"));
    }
    let parse = |text: &str| Template::new(NAME).parse(text);
    let parsed = parse(&format!("{text}{END}")).map_err(|error| {
        // Not what it says of the mark.
        let error = parse(text).err().unwrap_or(error);
        format!("not a Go template as ``{DEFAULT}``: {error}")
    })?;
    if parsed.templates().iter().any(|name| *name != NAME) {
        return Err("`define` and `block` are not available here: write the text where it is used".to_owned());
    }
    let mut tree = parsed.lookup(NAME).cloned().ok_or(UNBALANCED)?;
    match tree.nodes.last_mut() {
        Some(Node::Text(last)) if last.text.ends_with(END) => last.text = last.text.trim_end_matches(END).into(),
        _ => return Err(UNBALANCED.to_owned()),
    }
    let mut walk = Walk {
        text,
        variables: vec!["$".to_owned()],
        at_model: true,
        in_range: false,
        depth: 0,
        unknown: BTreeSet::new(),
    };
    walk.list(&mut tree)?;
    Ok(Prepared { tree, unknown: walk.unknown })
}

const UNBALANCED: &str = "every `{{ if }}`, `{{ with }}` and `{{ range }}` needs one `{{ end }}`";

struct Walk<'a> {
    text: &'a str,
    /// The variables that are declared so far.
    variables: Vec<String>,
    /// `.` is the model here.
    at_model: bool,
    in_range: bool,
    depth: usize,
    unknown: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    If,
    With,
    Range,
}

impl Walk<'_> {
    /// Walks `inside` one level deeper.
    fn deeper(&mut self, inside: impl FnOnce(&mut Self) -> Result<(), String>) -> Result<(), String> {
        if self.depth >= MAX_DEPTH {
            return Err(format!("the template nests more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let outcome = inside(self);
        self.depth -= 1;
        outcome
    }

    fn list(&mut self, list: &mut ListNode) -> Result<(), String> {
        list.nodes.iter_mut().try_for_each(|node| match node {
            Node::Text(_) => Ok(()),
            Node::Action(action) => {
                self.pipe(&mut action.pipe)?;
                if action.pipe.decl.is_empty() {
                    append(&mut action.pipe, WRITE);
                }
                Ok(())
            }
            Node::If(branch) => self.deeper(|walk| walk.branch(branch, Block::If)),
            Node::With(branch) => self.deeper(|walk| walk.branch(branch, Block::With)),
            Node::Range(branch) => self.deeper(|walk| walk.branch(branch, Block::Range)),
            Node::List(list) => self.list(list),
            Node::Break(_) | Node::Continue(_) if self.in_range => Ok(()),
            Node::Break(_) | Node::Continue(_) => {
                Err("`{{ break }}` and `{{ continue }}` have no place outside of `{{ range }}`".to_owned())
            }
            Node::Template(_) | Node::Define(_) => {
                Err("`template` is not available here: write the text where it is used".to_owned())
            }
        })
    }

    fn branch(&mut self, branch: &mut BranchNode, block: Block) -> Result<(), String> {
        let (mark, at_model, in_range) = (self.variables.len(), self.at_model, self.in_range);
        self.pipe(&mut branch.pipe)?;
        if block == Block::Range {
            append(&mut branch.pipe, EACH);
        }
        self.at_model &= block == Block::If;
        self.in_range |= block == Block::Range;
        self.list(&mut branch.body)?;
        (self.at_model, self.in_range) = (at_model, in_range);
        if let Some(list) = &mut branch.else_body {
            self.chained(block, list)?;
            self.list(list)?;
        }
        self.variables.truncate(mark);
        Ok(())
    }

    /// Refuses `{{ else ... }}` that goes on with another word than the one its block began with.
    fn chained(&self, block: Block, list: &ListNode) -> Result<(), String> {
        let (pos, inner) = match list.nodes.as_slice() {
            [Node::If(inner)] => (inner.pos, Block::If),
            [Node::With(inner)] => (inner.pos, Block::With),
            _ => return Ok(()),
        };
        let before = self.text.get(..pos.offset).unwrap_or_default();
        if inner != block && before.trim_end().ends_with("else") {
            return Err("`{{ else if }}` belongs to `{{ if }}` and `{{ else with }}` to `{{ with }}`".to_owned());
        }
        Ok(())
    }

    fn pipe(&mut self, pipe: &mut PipeNode) -> Result<(), String> {
        for (at, command) in pipe.commands.iter_mut().enumerate() {
            let constant = |it: &Expr| {
                matches!(it, Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::String(..))
            };
            if at > 0 && command.args.first().is_some_and(constant) {
                return Err(format!("stage {} of a pipeline is not a function", at + 1));
            }
            self.command(command)?;
        }
        for name in &pipe.decl {
            if pipe.is_assign {
                self.declared(name)?;
            } else {
                self.variables.push(name.to_string());
            }
        }
        Ok(())
    }

    fn command(&mut self, command: &mut CommandNode) -> Result<(), String> {
        match command.args.as_mut_slice() {
            [Expr::Identifier(_, name), rest @ ..] if matches!(name.as_str(), "trunc" | "substr") => {
                rest.iter_mut().for_each(whole);
            }
            [Expr::Identifier(_, name), Expr::String(_, format), ..] if name == "printf" => printf::check(format)?,
            _ => {}
        }
        command.args.iter_mut().try_for_each(|it| self.expression(it))
    }

    fn expression(&mut self, expression: &mut Expr) -> Result<(), String> {
        match expression {
            Expr::Identifier(_, name) => refused::known(name),
            Expr::Pipe(_, pipe) => self.deeper(|walk| walk.pipe(pipe)),
            Expr::Field(pos, fields) => {
                if self.at_model {
                    self.note(fields);
                }
                *expression = access(*pos, Expr::Dot(*pos), fields);
                Ok(())
            }
            Expr::Variable(pos, name, fields) => {
                self.declared(name)?;
                if name == "$" {
                    self.note(fields);
                }
                *expression = access(*pos, Expr::Variable(*pos, name.clone(), Vec::new()), fields);
                Ok(())
            }
            Expr::Chain(pos, inner, fields) => {
                self.deeper(|walk| walk.expression(inner))?;
                *expression = access(*pos, (**inner).clone(), fields);
                Ok(())
            }
            Expr::Dot(_) | Expr::String(..) | Expr::Number(..) | Expr::Bool(..) | Expr::Nil(_) => Ok(()),
        }
    }

    fn declared(&self, name: &str) -> Result<(), String> {
        let is_known = self.variables.iter().any(|known| known == name);
        if is_known { Ok(()) } else { Err(format!("variable `{name}` is not declared: `{{{{ {name} := ... }}}}`")) }
    }

    /// Notes what the model lacks.
    fn note<T: AsRef<str>>(&mut self, fields: &[T]) {
        if let Some(field) = fields.first().map(AsRef::as_ref).filter(|it| !FIELDS.contains(it)) {
            self.unknown.insert(format!(".{field}"));
        }
    }
}

/// `base.a.b` as a call of [`FIELD`].
fn access<T: AsRef<str>>(pos: Pos, base: Expr, fields: &[T]) -> Expr {
    if fields.is_empty() {
        return base;
    }
    let names = fields.iter().map(|field| Expr::String(pos, field.as_ref().into()));
    let args = [Expr::Identifier(pos, FIELD.into()), base].into_iter().chain(names).collect();
    let commands = vec![CommandNode { pos, args }];
    Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false })
}

fn append(pipe: &mut PipeNode, function: &str) {
    let pos = pipe.pos;
    pipe.commands.push(CommandNode { pos, args: vec![Expr::Identifier(pos, function.into())] });
}

/// A literal as `2.0` fits where a whole number is wanted; a computed one does not.
fn whole(expression: &mut Expr) {
    if let Expr::Number(_, number) = expression
        && let Number::Float(float) = *number
        && float.fract() == 0.0
        && float.abs() < 1e15
    {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        let int = float as i64;
        *number = Number::Int(int);
    }
}
