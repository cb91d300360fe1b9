//! The commands in what is printed: pasted as they are, they ask where the answer was read.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::eventually::eventually;
use crate::serving::Serving;

/// Runs a line in a shell in which `leeward` is this one, and nothing else is set: its status and what it prints.
fn run(line: &str, folder: &Path) -> (i32, String) {
    let here = Path::new(env!("CARGO_BIN_EXE_leeward")).parent().unwrap().display().to_string();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).current_dir(folder).env_clear().env("PATH", format!("{here}:/usr/bin:/bin"));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// The commands of ours in a text, as a reader takes them out of it. Not those with a word in capitals to be replaced.
fn commands(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("why:")) {
        for verb in ["leeward fix", "leeward explain", "leeward routes"] {
            let Some((at, _)) = line.match_indices(verb).next() else { continue };
            let rest = line.get(at..).unwrap();
            let ends = ["   #", "`", ")", " writes it", " lists them"];
            let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
            found.push(rest.get(..end).unwrap());
        }
    }
    // `leeward fix TRAEFIK.yaml APP.yaml`, and the verb alone in a sentence.
    found.retain(|it| {
        let mut words = it.split(' ').skip(2).peekable();
        words.peek().is_some() && !words.any(|word| word == "NAME" || word == "-" || word.starts_with("TRAEFIK"))
    });
    found
}

#[test]
fn a_printed_command_says_again_where_the_answer_was_read() {
    let serving = Serving::start(&[]);
    eventually(Duration::from_secs(20), "the service is ready", || serving.get("/readyz").starts_with("HTTP/1.1 200"));
    let folder = TempDir::new().unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/demo.json"), folder.path().join("engine.json")).unwrap();
    let url = format!("http://127.0.0.1:{}", serving.port);
    for place in [
        "--engine demo".to_owned(),
        "--engine file:engine.json".to_owned(),
        format!("--server {url}"),
        "--engine demo --isolation strict".to_owned(),
        format!("--server {url} --isolation strict"),
    ] {
        let mut pasted = 0;
        for verb in
            ["routes", "audit", "explain wiki", "explain wiki.example.com", "explain nothing-like-it", "fix nothing"]
        {
            let (_, text) = run(&format!("leeward {verb} {place}"), folder.path());
            for command in commands(&text) {
                let (status, said) = run(command, folder.path());
                assert!(
                    [0, 1, 4].contains(&status),
                    "`{command}` of `{verb} {place}` ends with {status}: {said}\n{text}"
                );
                pasted += 1;
            }
        }
        assert!(pasted >= 4, "{place}: {pasted}");
    }
}

const HOST: &str = "name: ha\nservices:\n  ha: {image: x, network_mode: host, labels: {traefik.enable: 'true', \
                    traefik.http.routers.v.rule: 'Host(`v.example.com`)', traefik.http.services.v.loadbalancer.server.port: '80'}}\n  \
                    dns: {image: x, ports: ['53:53/udp'], labels: {traefik.enable: 'true', traefik.http.routers.d.rule: \
                    'Host(`d.example.com`)', traefik.http.services.d.loadbalancer.server.port: '80'}}\n";

/// `explain` reads no files.
#[test]
fn of_files_the_command_names_the_files() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("my app.yaml"), HOST).unwrap();
    let mut pasted = 0;
    for line in
        ["leeward check 'my app.yaml'", "leeward fix 'my app.yaml'", "leeward check 'my app.yaml' --isolation strict"]
    {
        let (_, text) = run(line, folder.path());
        assert!(!text.contains("leeward explain"), "{text}");
        for command in commands(&text) {
            assert!(
                command.contains("'my app.yaml'") && (!line.contains("strict") || command.contains("strict")),
                "{text}"
            );
            let (status, said) = run(command, folder.path());
            assert!([0, 1, 4].contains(&status), "`{command}` of `{line}` ends with {status}: {said}");
            pasted += 1;
        }
    }
    assert!(pasted >= 5, "{pasted}");
    let (_, text) = run("leeward check - < 'my app.yaml'", folder.path());
    assert!(text.contains("docker compose config --format json | leeward fix -"), "{text}");
}
