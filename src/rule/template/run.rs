//! Runs a parsed template: Go's text/template, one action after the other, with a bound on all it may do.
//!
//! Source: Go's `text/template/exec.go`.

use std::rc::Rc;

use gotmpl::Template;
use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode};

use super::functions::{self, Arguments};
use super::value::{FIELDS, Of, Value};

/// What one run may do: parts and bytes made, actions run.
const BUDGET: usize = 1 << 20;
/// How deep branches, templates and parentheses may nest.
const MAX_DEPTH: usize = 100;
/// How deep lists and maps may nest.
pub(super) const MAX_NESTING: usize = 32;

/// Whether a loop goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// One run.
pub(super) struct Run<'a> {
    template: &'a Template,
    variables: Vec<(&'a str, Value)>,
    budget: usize,
    depth: usize,
    text: String,
}

type Outcome<T> = Result<T, String>;

impl<'a> Run<'a> {
    /// What the template named `name` writes of `data`.
    pub(super) fn run(template: &'a Template, name: &str, data: &Value) -> Outcome<String> {
        let mut run = Self { template, variables: Vec::new(), budget: BUDGET, depth: 0, text: String::new() };
        if let Some(list) = template.lookup(name) {
            run.variables.push(("$", data.clone()));
            run.walk(list, data)?;
        }
        Ok(run.text)
    }

    fn spend(&mut self, amount: usize) -> Outcome<()> {
        self.budget = self.budget.checked_sub(amount).ok_or("the template does too much: its work has a bound")?;
        Ok(())
    }

    fn write(&mut self, text: &str) -> Outcome<()> {
        self.spend(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// Runs `inside` one level deeper.
    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= MAX_DEPTH {
            return Err(format!("the template nests more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let outcome = inside(self);
        self.depth -= 1;
        outcome
    }

    fn walk(&mut self, list: &'a ListNode, dot: &Value) -> Outcome<Flow> {
        for node in &list.nodes {
            self.spend(1)?;
            let flow = match node {
                Node::Text(text) => {
                    self.write(&text.text)?;
                    Flow::Next
                }
                Node::Action(action) => {
                    let value = self.pipeline(&action.pipe, dot)?;
                    if action.pipe.decl.is_empty() {
                        let text = if matches!(value, Value::Nil) { "<no value>".to_owned() } else { value.show() };
                        self.write(&text)?;
                    }
                    Flow::Next
                }
                Node::If(branch) => self.scoped(|run| {
                    let is_true = run.pipeline(&branch.pipe, dot)?.is_true();
                    run.branch(branch, is_true, dot, dot)
                })?,
                Node::With(branch) => self.scoped(|run| {
                    let value = run.pipeline(&branch.pipe, dot)?;
                    run.branch(branch, value.is_true(), &value, dot)
                })?,
                Node::Range(branch) => self.scoped(|run| run.range(branch, dot))?,
                Node::Template(call) => {
                    let data = match &call.pipe {
                        Some(pipe) => self.pipeline(pipe, dot)?,
                        None => Value::Nil,
                    };
                    let template = self.template;
                    let Some(list) = template.lookup(&call.name) else {
                        return Err(format!("no template `{}`", call.name));
                    };
                    self.deeper(|run| {
                        let outer = std::mem::replace(&mut run.variables, vec![("$", data.clone())]);
                        let outcome = run.walk(list, &data);
                        run.variables = outer;
                        outcome
                    })?;
                    Flow::Next
                }
                Node::List(list) => self.walk(list, dot)?,
                Node::Define(_) => Flow::Next,
                Node::Break(_) => Flow::Break,
                Node::Continue(_) => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Runs `inside` one level deeper, and forgets the variables that it declares.
    fn scoped<T>(&mut self, inside: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        let mark = self.variables.len();
        let outcome = self.deeper(inside);
        self.variables.truncate(mark);
        outcome
    }

    fn branch(&mut self, branch: &'a BranchNode, is_true: bool, inner: &Value, dot: &Value) -> Outcome<Flow> {
        match &branch.else_body {
            _ if is_true => self.walk(&branch.body, inner),
            Some(list) => self.walk(list, dot),
            None => Ok(Flow::Next),
        }
    }

    fn range(&mut self, branch: &'a BranchNode, dot: &Value) -> Outcome<Flow> {
        let over = self.commands(&branch.pipe, dot)?;
        let declared = &branch.pipe.decl;
        let single = |value: &Value| match declared.len() {
            0 | 1 => Ok(()),
            _ => Err(format!("can't use {} to iterate over more than one variable", value.show())),
        };
        let count = |count: i64, of: fn(i64) -> Value| {
            let count = usize::try_from(count).unwrap_or(0).min(BUDGET + 1);
            (0..count).map(move |at| i64::try_from(at).unwrap_or(i64::MAX)).map(move |at| (of(at), of(at)))
        };
        let items: Box<dyn Iterator<Item = (Value, Value)>> = match &over {
            Value::Nil => Box::new(std::iter::empty()),
            Value::List(items, _) => Box::new(
                count(i64::try_from(items.len()).unwrap_or(i64::MAX), Value::Int)
                    .zip(items.iter())
                    .map(|((at, _), item)| (at, item.clone())),
            ),
            Value::Map(entries, _) => {
                let entries: Vec<_> =
                    entries.borrow().iter().map(|(key, it)| (Value::Text(Rc::clone(key)), it.clone())).collect();
                Box::new(entries.into_iter())
            }
            Value::Int(number) => {
                single(&over)?;
                Box::new(count(*number, Value::Int))
            }
            Value::Int64(number) => {
                single(&over)?;
                Box::new(count(*number, Value::Int64))
            }
            Value::Byte(_) | Value::Uint64(_) => {
                return Err("a range over unsigned integers is not supported".to_owned());
            }
            other => return Err(format!("range can't iterate over {}", other.show())),
        };
        let mut any = false;
        for (at, item) in items {
            any = true;
            self.spend(1)?;
            let mark = self.variables.len();
            let values = match declared.len() {
                0 => vec![],
                1 => vec![item.clone()],
                _ => vec![at, item.clone()],
            };
            for (name, value) in declared.iter().zip(values) {
                self.bind(name, value, branch.pipe.is_assign)?;
            }
            let flow = self.walk(&branch.body, &item)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        match &branch.else_body {
            Some(list) if !any => self.walk(list, dot),
            _ => Ok(Flow::Next),
        }
    }

    fn bind(&mut self, name: &'a str, value: Value, assign: bool) -> Outcome<()> {
        if assign {
            let slot = self.variables.iter_mut().rev().find(|(known, _)| *known == name);
            slot.ok_or_else(|| format!("undefined variable `{name}`"))?.1 = value;
        } else {
            self.variables.push((name, value));
        }
        Ok(())
    }

    /// A pipeline's value; its variables are set.
    fn pipeline(&mut self, pipe: &'a PipeNode, dot: &Value) -> Outcome<Value> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.decl {
            self.bind(name, value.clone(), pipe.is_assign)?;
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &'a PipeNode, dot: &Value) -> Outcome<Value> {
        self.deeper(|run| {
            let mut value = None;
            for command in &pipe.commands {
                value = Some(run.command(command, dot, value)?);
            }
            value.ok_or_else(|| "an empty pipeline".to_owned())
        })
    }

    fn command(&mut self, command: &'a CommandNode, dot: &Value, last: Option<Value>) -> Outcome<Value> {
        let Some((first, arguments)) = command.args.split_first() else { return Err("an empty command".to_owned()) };
        match first {
            Expr::Identifier(_, name) => return self.call(name, arguments, dot, last),
            Expr::Chain(_, inner, fields) => {
                if let Expr::Identifier(_, name) = &**inner {
                    let value = self.call(name, arguments, dot, last)?;
                    return Self::fields(value, fields);
                }
            }
            Expr::Nil(_) => return Err("nil is not a command".to_owned()),
            _ => {}
        }
        if !arguments.is_empty() || last.is_some() {
            return Err("an argument for what is not a function".to_owned());
        }
        self.expression(first, dot)
    }

    fn call(&mut self, name: &str, arguments: &'a [Expr], dot: &Value, last: Option<Value>) -> Outcome<Value> {
        self.spend(1)?;
        if let "and" | "or" = name {
            // These look at no more arguments than they need.
            let mut value = None;
            for argument in arguments {
                let found = self.expression(argument, dot)?;
                if found.is_true() == (name == "or") {
                    return Ok(found);
                }
                value = Some(found);
            }
            return last.or(value).ok_or_else(|| format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let Some(function) = functions::find(name) else { return Err(format!("function \"{name}\" not defined")) };
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            values.push(self.expression(argument, dot)?);
        }
        values.extend(last);
        let literals: Vec<bool> = arguments.iter().map(|it| matches!(it, Expr::Number(..))).collect();
        let value = Arguments::new(name, &values, &literals, self.budget).call(&function)?;
        let weight =
            value.weight(self.budget, MAX_NESTING).ok_or("the template makes too much: its work has a bound")?;
        self.spend(weight)?;
        Ok(value)
    }

    fn expression(&mut self, expression: &'a Expr, dot: &Value) -> Outcome<Value> {
        match expression {
            Expr::Dot(_) => Ok(dot.clone()),
            Expr::Field(_, fields) => Self::fields(dot.clone(), fields),
            Expr::Variable(_, name, fields) => {
                let found = self.variables.iter().rev().find(|(known, _)| *known == name.as_str());
                let value =
                    found.map(|(_, value)| value.clone()).ok_or_else(|| format!("undefined variable `{name}`"))?;
                Self::fields(value, fields)
            }
            Expr::Identifier(_, name) => self.call(name, &[], dot, None),
            Expr::String(_, text) => Ok(Value::text(&**text)),
            Expr::Number(_, Number::Int(number)) => Ok(Value::Int(*number)),
            Expr::Number(_, Number::Uint(number)) => Err(format!("{number} overflows int")),
            Expr::Number(_, Number::Float(number)) => Ok(Value::Float(*number)),
            Expr::Bool(_, it) => Ok(Value::Bool(*it)),
            Expr::Nil(_) => Ok(Value::Nil),
            Expr::Pipe(_, pipe) => self.pipeline(pipe, dot),
            Expr::Chain(_, inner, fields) => {
                let value = self.expression(inner, dot)?;
                Self::fields(value, fields)
            }
        }
    }

    fn fields<T: AsRef<str>>(mut value: Value, fields: &[T]) -> Outcome<Value> {
        for field in fields {
            value = Self::field(&value, field.as_ref())?;
        }
        Ok(value)
    }

    fn field(value: &Value, name: &str) -> Outcome<Value> {
        let found = match value {
            Value::Nil => Some(Value::Nil),
            Value::Map(entries, _) => Some(entries.borrow().get(name).cloned().unwrap_or(Value::Nil)),
            Value::Model(fields) => {
                FIELDS.iter().position(|field| *field == name).and_then(|at| fields.get(at)).map(|it| (**it).clone())
            }
            Value::Version(version) => version.field(name),
            _ => None,
        };
        found.ok_or_else(|| format!("can't evaluate field {name} in type {}", value.type_name()))
    }
}

/// The template's data.
pub(super) fn model(name: &str, container_name: &str, labels: &Value) -> Value {
    Value::Model([Box::new(Value::text(name)), Box::new(Value::text(container_name)), Box::new(labels.clone())])
}

/// Labels as the template sees them.
pub(super) fn labels(labels: &std::collections::BTreeMap<String, String>) -> Value {
    Value::map(labels.iter().map(|(key, value)| (key.as_str().into(), Value::text(value.as_str()))).collect(), Of::Text)
}
