//! `docker compose config | leeward check` on the shipped files, as they are and spoilt, under every Compose.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::images::binary;
use crate::lab::root;

const FILES: [(&str, &str); 3] =
    [("leeward", "compose/compose.yaml"), ("app1", "compose/app1/compose.yaml"), ("app2", "compose/app2/compose.yaml")];

/// The shipped files after `spoil`, merged by `compose`, judged: the exit status and what was printed.
fn check(compose: &[String], spoil: impl Fn(&str, String) -> String) -> (i32, String) {
    let folder = TempDir::new().unwrap();
    let mut judged = Command::new(binary());
    judged.arg("check").env_remove("DOCKER_HOST");
    for (project, file) in FILES {
        // In a folder named as the project: docker-compose 1.29 does not say the name.
        let place = folder.path().join(project);
        fs::create_dir(&place).unwrap();
        fs::write(place.join("compose.yaml"), spoil(project, fs::read_to_string(root().join(file)).unwrap())).unwrap();
        let merged = Command::new(&compose[0])
            .args(&compose[1..])
            .arg("-f")
            .arg(place.join("compose.yaml"))
            .arg("config")
            .env("DOCKER_GID", "998")
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert!(merged.status.success(), "{compose:?} {project}: {}", String::from_utf8_lossy(&merged.stderr));
        fs::write(place.join("config.yaml"), merged.stdout).unwrap();
        judged.arg(place.join("config.yaml"));
    }
    let output = judged.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

#[test]
fn a_project_is_judged_before_it_is_deployed() {
    let Some(means) = crate::means("a_project_is_judged_before_it_is_deployed") else { return };
    for compose in &means.composes {
        println!("--- {compose:?} ---");
        let (status, text) = check(compose, |_, file| file);
        println!("{text}");
        assert_eq!(status, 0, "{compose:?}: {text}");
        assert!(text.contains("app1.web") && text.contains("app2.web") && !text.contains("REFUSED"), "{text}");

        // Three mistakes that are easily made.
        let open = |project: &str, file: String| {
            if project == "leeward" { file.replace("internal: true", "internal: false") } else { file }
        };
        let published = |project: &str, file: String| {
            let ports = "    ports: [\"8080:8080\"]\n    tmpfs:\n      - /tmp";
            if project == "app1" { file.replacen("    tmpfs:\n      - /tmp", ports, 1) } else { file }
        };
        let privileged = |project: &str, file: String| {
            let line = "    privileged: true\n    read_only: true";
            if project == "app2" { file.replacen("    read_only: true", line, 1) } else { file }
        };
        let spoilt = [
            ("NET-001", check(compose, open)),
            ("PUB-001", check(compose, published)),
            ("PRV-001", check(compose, privileged)),
        ];
        for (rule, (status, text)) in spoilt {
            println!("{text}");
            assert!(status == 1 && text.contains(rule), "{compose:?} {rule}: {status} {text}");
        }
    }
}
