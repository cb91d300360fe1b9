//! An application that is shut in cannot send Traefik to the Internet: its answers to health checks are not followed.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::lab::{Lab, OUTSIDE, eventually, must};
use crate::topology::{explain, serve, up};

/// The oldest Traefik that Leeward writes for.
const OLDEST: &str = "3.0.4";
/// Answers everything with a redirect to the Internet, and keeps a list of what it was asked.
const REDIRECTING: &str = "
error_log stderr;
pid /tmp/nginx.pid;
events {}
http {
  access_log /tmp/asked.log;
  client_body_temp_path /tmp/client; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server { listen 8080; location / { return 302 http://OUTSIDE:8081/beacon; } }
}
";

#[test]
fn a_health_check_that_is_redirected_stays_inside() {
    let Some(means) = crate::means("a_health_check_that_is_redirected_stays_inside") else { return };
    let lab = Lab::start("a_health_check_that_is_redirected_stays_inside", &means.composes[0]);
    let caught = lab.catch(8081);
    up(&lab, &means.traefik);
    stays_inside(&lab, &caught, crate::TRAEFIK);

    let oldest = means.traefik.ancestors().nth(2).unwrap().join(OLDEST).join("traefik");
    if !oldest.is_file() {
        let missing = format!("traefik: no file {}", oldest.display());
        return crate::left_out("a_health_check_that_is_redirected_stays_inside, with the oldest Traefik", &[missing]);
    }
    // In the place of the shipped one, which stands still. (Its static configuration names what is newer.)
    let traefik = lab.container("leeward", "traefik");
    let pid = lab.pid(&traefik);
    let address = r#"{{(index .NetworkSettings.Networks "net-control").IPAddress}}"#;
    let leeward = lab.docker_ok(&["inspect", "-f", address, &lab.container("leeward", "leeward")]);
    must(&["kill", "-STOP", &pid]);
    let mut command = Command::new("nsenter");
    command
        .args(["-t", &pid, "-n"])
        .arg(&oldest)
        .arg(format!("--providers.http.endpoint=http://{leeward}:9000/config"));
    command.args(["--providers.http.pollinterval=100ms", "--entrypoints.web.address=:8088"]).env_remove("DOCKER_HOST");
    command.args(["--global.checknewversion=false", "--global.sendanonymoususage=false"]);
    let mut running = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let seen = std::panic::catch_unwind(AssertUnwindSafe(|| {
        lab.note(&format!("Traefik {OLDEST} in its place"));
        stays_inside(&lab, &caught, OLDEST);
    }));
    running.kill().unwrap();
    running.wait().unwrap();
    must(&["kill", "-CONT", &pid]);
    seen.unwrap_or_else(|problem| std::panic::resume_unwind(problem));
}

fn stays_inside(lab: &Lab, caught: &dyn Fn() -> String, release: &str) {
    let beacon = format!("beacon-{release}");
    let serving = lab.pid(&lab.container("leeward", "leeward"));
    // Traefik has a way there, and who comes is seen: else the rest would prove nothing.
    let traefik = lab.pid(&lab.container("leeward", "traefik"));
    lab.ask(&traefik, &format!("http://{OUTSIDE}:8081/control"));
    eventually(Duration::from_secs(5), "the Internet sees who comes", || {
        if caught().contains("/control") { Ok(()) } else { Err(caught()) }
    });

    let start = |name: &str, more: &[&str]| {
        let file = lab.folder().join("redirecting.conf");
        fs::write(&file, REDIRECTING.replace("OUTSIDE", OUTSIDE).replace("beacon", &beacon)).unwrap();
        let mount = format!("{}:/etc/nginx/nginx.conf:ro", file.display());
        let rule = format!("traefik.http.routers.r.rule=Host(`{name}.app1.localhost`)");
        let (interval, path) = (
            "traefik.http.services.s.loadbalancer.healthcheck.interval=200ms",
            "traefik.http.services.s.loadbalancer.healthcheck.path=/health",
        );
        let arguments = [
            &["run", "-d", "--name", name, "--network", "net-proxy", "-v", &mount][..],
            &["--label", "traefik.enable=true", "--label", &rule, "--label", interval, "--label", path],
            more,
            &["--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp", "--security-opt", "no-new-privileges"],
            &["nginxinc/nginx-unprivileged:1.28-alpine"],
        ]
        .concat();
        lab.docker_ok(&arguments);
    };

    // As Leeward writes it.
    start("redirecting", &[]);
    eventually(Duration::from_secs(5), "it is routed", || {
        let seen = explain(lab, &serving, "redirecting");
        if seen["outcome"] == "routed" { Ok(()) } else { Err(seen.to_string()) }
    });
    let document = serve(lab, &serving, "/config").body;
    assert!(document.contains(r#""followRedirects":false"#), "{document}");
    // A check follows the one before only when that one is at its end, redirects and all.
    eventually(Duration::from_secs(20), "three health checks", || {
        let asked = lab.docker(&["exec", "redirecting", "cat", "/tmp/asked.log"]).out;
        if asked.matches("GET /health").count() >= 3 { Ok(()) } else { Err(asked) }
    });
    lab.note(&format!("the Internet saw: {}", caught().split_whitespace().collect::<Vec<_>>().join(" ")));
    assert!(!caught().contains(&beacon), "{}", caught());
    lab.docker_ok(&["rm", "-f", "redirecting"]);

    // Told to follow: refused; allowed by name, and there it goes.
    let follow = "traefik.http.services.s.loadbalancer.healthcheck.followredirects=true";
    start("following", &["--label", follow]);
    eventually(Duration::from_secs(5), "it is refused", || {
        let seen = explain(lab, &serving, "following");
        if seen["refusal"]["rule"] == "LBL-011" { Ok(()) } else { Err(seen.to_string()) }
    });
    assert!(!caught().contains(&beacon), "{}", caught());
    lab.docker_ok(&["rm", "-f", "following"]);
    start("allowed", &["--label", follow, "--label", "leeward.allow=LBL-011"]);
    eventually(Duration::from_secs(20), "what is allowed is followed", || {
        if caught().contains(&beacon) { Ok(()) } else { Err(caught()) }
    });
    lab.docker_ok(&["rm", "-f", "allowed"]);
}
