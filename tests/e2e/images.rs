//! The images that the shipped files name, made on this machine: nothing is pulled.
//!
//! Leeward's is built from the last stage of the shipped Dockerfile. The others are stand-ins: the real Traefik binary,
//! Debian's nginx as uid 101 on port 8080, Debian's Redis; each with busybox, so that tests can look around inside.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::lab::{Lab, must, root};

/// The image of a container that only holds busybox: `wget`, `nc`, `sh`, ….
pub(crate) const BUSYBOX: &str = "busybox:test";

const NGINX: &str = "
error_log stderr;
pid /tmp/nginx.pid;
events {}
http {
  include /etc/nginx/mime.types;
  access_log off;
  client_body_temp_path /tmp/client; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server { listen 8080; root /usr/share/nginx/html; }
}
";

/// Makes every image that the shipped files name, under exactly that name.
pub(crate) fn make_all(lab: &Lab, traefik: &Path) {
    let named = named();
    let by =
        |start: &str| named.iter().find(|name| name.starts_with(start)).unwrap_or_else(|| panic!("no {start}")).clone();
    busybox(lab, BUSYBOX, &[]);
    web(lab, &by("nginxinc/nginx-unprivileged:"), &[]);

    let rootfs = Rootfs::new(lab, "cache");
    rootfs.program("redis-server", "usr/local/bin/redis-server");
    // The real image switches protected mode off as well: other containers could not talk to it otherwise.
    rootfs.text("usr/local/bin/valkey-server", "#!/bin/sh\nexec redis-server \"$@\" --protected-mode no\n");
    fs::set_permissions(rootfs.folder.join("usr/local/bin/valkey-server"), fs::Permissions::from_mode(0o755)).unwrap();
    rootfs.import(lab, &by("valkey/valkey:"), &["EXPOSE 6379", "CMD [\"valkey-server\"]"]);

    let name = by("traefik:");
    let version = name.rsplit(':').next().unwrap_or_default();
    let rootfs = Rootfs::new(lab, "traefik");
    rootfs.file(traefik, "usr/local/bin/traefik");
    rootfs.import(
        lab,
        &name,
        &["EXPOSE 80", "ENTRYPOINT [\"traefik\"]", &format!("LABEL org.opencontainers.image.version={version}")],
    );

    leeward(lab, &by("leeward/leeward:"));
}

/// The resolver of the egress: Debian's.
pub(crate) fn resolver(lab: &Lab) {
    let rootfs = Rootfs::new(lab, "resolver");
    rootfs.program("unbound", "usr/sbin/unbound");
    let name = named().into_iter().find(|name| name.starts_with("leeward/resolver:")).expect("a resolver");
    rootfs.import(lab, &name, &[]);
}

/// Prometheus: Debian's, which is older than the one that the file names.
pub(crate) fn prometheus(lab: &Lab) {
    let rootfs = Rootfs::new(lab, "prometheus");
    rootfs.program("prometheus", "bin/prometheus");
    rootfs.program("promtool", "bin/promtool");
    // The real image gives it to `nobody`; here all files are root's.
    fs::create_dir_all(rootfs.folder.join("prometheus")).unwrap();
    fs::set_permissions(rootfs.folder.join("prometheus"), fs::Permissions::from_mode(0o1777)).unwrap();
    let name = named().into_iter().find(|name| name.starts_with("prom/prometheus:")).expect("a Prometheus");
    rootfs.import(lab, &name, &["USER 65534", "ENTRYPOINT [\"/bin/prometheus\"]"]);
}

/// The images that the shipped files name.
fn named() -> Vec<String> {
    let mut names = Vec::new();
    for file in ["compose.yaml", "egress.yaml", "monitoring.yaml", "app1/compose.yaml", "app2/compose.yaml"] {
        let file = Path::new("compose").join(file);
        for line in fs::read_to_string(root().join(file)).unwrap().lines() {
            if let Some(name) = line.trim().strip_prefix("image:") {
                names.push(name.split_whitespace().last().unwrap().to_owned());
            }
        }
    }
    names
}

/// An image with busybox alone, and what `changes` say.
pub(crate) fn busybox(lab: &Lab, name: &str, changes: &[&str]) {
    Rootfs::new(lab, "busybox").import(lab, name, changes);
}

/// The stand-in for an image of the corpus, as `stub-NAME`: on each of `ports` it says from which image it is; without any
/// it ends at once. Whatever command it is given, and whatever its health is asked with, it does the same.
pub(crate) fn stub(lab: &Lab, name: &str, ports: &str) {
    let rootfs = Rootfs::new(lab, "stub");
    rootfs.text("www/index.html", &format!("from image {name}\n"));
    let serve = format!(
        "#!/bin/sh\n[ -n \"{ports}\" ] || exit 0\nfor port in {ports}; do httpd -p $port -h /www; done\ntrap 'exit 0' TERM\nsleep infinity &\nwait\n"
    );
    for (target, text) in [
        ("stub", serve.as_str()),
        ("cron.sh", &serve),
        ("bin/pg_isready", "#!/bin/sh\n"),
        ("bin/redis-cli", "#!/bin/sh\n"),
    ] {
        rootfs.text(target, text);
        fs::set_permissions(rootfs.folder.join(target), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut changes = vec!["ENTRYPOINT [\"/stub\"]".to_owned()];
    changes.extend(ports.split_whitespace().map(|port| format!("EXPOSE {port}")));
    rootfs.import(lab, &format!("stub-{name}"), &changes.iter().map(String::as_str).collect::<Vec<_>>());
}

/// The stand-in for an unprivileged nginx, and what `changes` say.
pub(crate) fn web(lab: &Lab, name: &str, changes: &[&str]) {
    let rootfs = Rootfs::new(lab, "web");
    rootfs.program("nginx", "usr/sbin/nginx");
    // Busybox, which is static, cannot look names up beside other programs' libraries.
    for client in ["openssl", "curl"] {
        rootfs.program(client, &format!("usr/bin/{client}"));
    }
    rootfs.text("etc/nginx/nginx.conf", NGINX);
    rootfs.file(Path::new("/etc/nginx/mime.types"), "etc/nginx/mime.types");
    rootfs.text("usr/share/nginx/html/index.html", &format!("from image {name}\n"));
    rootfs.text("etc/passwd", "nginx:x:101:101::/:\n");
    let own = ["EXPOSE 8080", "USER 101", "CMD [\"nginx\", \"-e\", \"stderr\", \"-g\", \"daemon off;\"]"];
    rootfs.import(lab, name, &[&own, changes].concat());
}

/// Builds the last stage of the shipped Dockerfile around the binary under test.
fn leeward(lab: &Lab, name: &str) {
    let context = lab.folder().join("leeward");
    fs::create_dir_all(context.join("out/run/leeward")).unwrap();
    fs::set_permissions(context.join("out/run/leeward"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::create_dir_all(context.join("out/certificates")).unwrap();
    fs::set_permissions(context.join("out/certificates"), fs::Permissions::from_mode(0o700)).unwrap();
    let binary = binary();
    fs::copy(&binary, context.join("out/leeward")).unwrap();
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let (_, stage) = dockerfile.rsplit_once("\nFROM ").expect("a last stage");
    let mut stage = format!("FROM {stage}").replace("--from=build ", "").replace("/out/", "out/");
    let libraries = libraries(&binary);
    if !libraries.is_empty() {
        // A development build is linked dynamically; the shipped one is not.
        let rootfs = Rootfs { folder: context.join("libraries") };
        for library in &libraries {
            rootfs.file(library, library.strip_prefix("/").unwrap().to_str().unwrap());
        }
        stage.push_str("COPY libraries/ /\n");
    }
    fs::write(context.join("Dockerfile"), stage).unwrap();
    lab.docker_ok(&["build", "-q", "-t", name, context.to_str().unwrap()]);
}

/// The program under test: what `LEEWARD_E2E_BINARY` names, else the one that Cargo built for this run.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("LEEWARD_E2E_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_leeward")), PathBuf::from)
}

/// The files of an image to be.
struct Rootfs {
    folder: PathBuf,
}

impl Rootfs {
    fn new(lab: &Lab, name: &str) -> Self {
        let rootfs = Self { folder: lab.folder().join("rootfs").join(name) };
        if rootfs.folder.exists() {
            fs::remove_dir_all(&rootfs.folder).unwrap();
        }
        rootfs.program("busybox", "bin/busybox");
        for applet in
            ["sh", "wget", "nc", "sleep", "cat", "ls", "find", "ping", "nslookup", "id", "ip", "httpd", "echo"]
        {
            symlink("busybox", rootfs.folder.join("bin").join(applet)).unwrap();
        }
        fs::create_dir_all(rootfs.folder.join("tmp")).unwrap();
        fs::set_permissions(rootfs.folder.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        rootfs
    }

    /// A program of this machine with the libraries it needs.
    fn program(&self, name: &str, target: &str) {
        let program = PathBuf::from(must(&["sh", "-c", &format!("PATH=$PATH:/usr/sbin command -v {name}")]));
        self.file(&program, target);
        for library in libraries(&program) {
            self.file(&library, library.strip_prefix("/").unwrap().to_str().unwrap());
        }
    }

    fn file(&self, source: &Path, target: &str) {
        let target = self.folder.join(target);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(source, &target).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    }

    fn text(&self, target: &str, text: &str) {
        let target = self.folder.join(target);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, text).unwrap();
    }

    fn import(&self, lab: &Lab, name: &str, changes: &[&str]) {
        let mut tar = Command::new("tar")
            .arg("-C")
            .arg(&self.folder)
            .args(["--owner=0", "--group=0", "-c", "."])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut import = Command::new("docker");
        import.arg("import");
        let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        for change in [&[path], changes].concat() {
            import.args(["-c", change]);
        }
        import.args(["-", name]).stdin(tar.stdout.take().unwrap());
        let output = lab.with_engine(&mut import).output().unwrap();
        assert!(output.status.success() && tar.wait().unwrap().success(), "{name}: {output:?}");
        lab.note(&format!("made image {name}"));
    }
}

/// The shared libraries of a program, the loader among them; none for a static one.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}
