//! Where an answer was read, so that the commands that it names ask in the same place.

use super::quoting::quoted;

/// Where an answer was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// In an engine, a snapshot or a service: the flags that say so and how it judges, quoted for a shell; empty: none are
    /// needed.
    Of(String),
    /// In files: the arguments of `leeward fix` that name them, with the flags.
    Files(String),
}

/// The parameter by which a client tells a service under which address it asks.
pub const SERVER: &str = "server";

/// Where no flag is needed.
pub static HERE: Asked = Asked::Of(String::new());

impl Asked {
    /// With flags, by name and value: `[("engine", "demo")]`.
    pub fn with<'f>(flags: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        Self::Of(written(flags))
    }

    /// In files, `-` among them where it is standard input, with flags.
    pub fn files<'f>(
        files: impl IntoIterator<Item = &'f str>,
        flags: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Self {
        // Paths begin with no flag's sign.
        let word = |file: &str| if file == "-" { "-".to_owned() } else { quoted(file) };
        let files: Vec<String> = files.into_iter().map(word).collect();
        Self::Files(format!("{}{}", files.join(" "), written(flags)))
    }

    /// The command that prints the remedies of a container, or of a project, and all of its owner.
    pub fn fix(&self, name: &str) -> String {
        match self {
            Self::Of(flags) => format!("leeward fix {}{flags}", quoted(name)),
            Self::Files(_) => self.fix_more(None, ""),
        }
    }

    /// The same with more flags, of everything where no name is given.
    pub fn fix_more(&self, name: Option<&str>, more: &str) -> String {
        match self {
            Self::Of(flags) => {
                let name = name.map(|name| format!(" {}", quoted(name))).unwrap_or_default();
                format!("leeward fix{name}{more}{flags}")
            }
            Self::Files(files) if files == "-" || files.starts_with("- ") => {
                format!("docker compose config --format json | leeward fix {files}{more}")
            }
            Self::Files(files) => format!("leeward fix {files}{more}"),
        }
    }

    /// The command that explains a container; of files, that which prints the same choices.
    pub fn explain(&self, name: &str) -> String {
        match self {
            Self::Of(flags) => format!("leeward explain {}{flags}", quoted(name)),
            Self::Files(_) => self.fix(name),
        }
    }

    /// The command that prints all findings.
    pub fn audit(&self) -> String {
        match self {
            Self::Of(flags) => format!("leeward audit{flags}"),
            Self::Files(_) => self.fix_more(None, ""),
        }
    }

    /// The command that lists all containers.
    pub fn list(&self) -> String {
        match self {
            Self::Of(flags) => format!("leeward routes --all{flags}"),
            Self::Files(_) => self.fix_more(None, ""),
        }
    }
}

fn written<'f>(flags: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let one = |all: String, (name, value): (&str, &str)| all + " --" + name + " " + &quoted(value);
    flags.into_iter().fold(String::new(), one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_asks_where_the_answer_was_read() {
        let demo = Asked::with([("engine", "demo"), ("isolation", "strict")]);
        assert_eq!(demo.fix("app1-web-1"), "leeward fix app1-web-1 --engine demo --isolation strict");
        assert_eq!(demo.explain("a b"), "leeward explain 'a b' --engine demo --isolation strict");
        assert_eq!(HERE.list(), "leeward routes --all");
        let files = Asked::files(["t.yaml", "my app.yaml"], [("snapshot", "e.json")]);
        assert_eq!(files.explain("x"), "leeward fix t.yaml 'my app.yaml' --snapshot e.json");
        let piped = Asked::files(["-"], []);
        assert_eq!(piped.fix("x"), "docker compose config --format json | leeward fix -");
        assert_eq!(
            piped.fix_more(None, " --keep x/db"),
            "docker compose config --format json | leeward fix - --keep x/db"
        );
    }
}
