//! Completions and manual pages, made from the command line for packages. Compiled for tests alone: the program stays small.

use std::fs;
use std::path::Path;

use clap_complete::Shell;

use super::command;

/// Where `.ci/dist` takes them from.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pages");

#[test]
fn the_pages_are_made() {
    let (folder, manual) = (Path::new(FOLDER), Path::new(FOLDER).join("man"));
    // A verb that is gone leaves no page behind.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(&manual).unwrap();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command(), "leeward", folder).unwrap();
    }
    clap_mangen::generate_to(command(), &manual).unwrap();

    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let completions = ["leeward.bash", "_leeward", "leeward.fish"].map(|name| read(&folder.join(name)));
    assert!(read(&manual.join("leeward.1")).contains("Exit status"));
    let command = command();
    assert!(command.get_subcommands().count() > 8);
    for verb in command.get_subcommands() {
        let page = read(&manual.join(format!("leeward-{}.1", verb.get_name())));
        let shown = verb.get_arguments().filter(|flag| !flag.is_hide_set());
        let flags: Vec<_> = shown.filter_map(|flag| flag.get_long()).collect();
        for flag in flags {
            // A manual page writes hyphens so that they can be copied.
            assert!(page.contains(&format!("\\-\\-{}", flag.replace('-', "\\-"))), "leeward {verb} --{flag}");
            for shell in &completions {
                assert!(shell.contains(verb.get_name()) && shell.contains(flag), "leeward {verb} --{flag}\n{shell}");
            }
        }
    }
}
