//! The files of a release that a test can make in a moment.

use std::collections::BTreeMap;
use std::process::Command;
use std::{env, fs};

use harness::reference::pool;
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;

use crate::available::run;
use crate::stack::workspace;
use crate::tools::buf;

/// The project's own files, with their comments instead of the places in the text, which
/// compilers tell differently.
fn described(pool: &DescriptorPool) -> BTreeMap<String, (FileDescriptorProto, Comments)> {
    let files = pool.files();
    let ours = files.filter(|file| file.name().starts_with("addressbook/"));
    ours.map(|file| {
        let mut proto = file.file_descriptor_proto().clone();
        let info = proto.source_code_info.take().unwrap_or_default();
        let comments = info.location.into_iter();
        let comments = comments.filter_map(|at| Some((at.path, at.leading_comments?)));
        (file.name().to_owned(), (proto, comments.collect()))
    })
    .collect()
}

/// The comments by the paths of what they describe.
type Comments = BTreeMap<Vec<i32>, String>;

#[test]
fn the_descriptor_set_of_a_release_is_what_reflection_serves() {
    let Some(tools) = buf() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut path = tools.as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    let mut recipe = Command::new(workspace().join("release/run"));

    assert!(run(recipe.arg(&out).arg("--interface").env("PATH", path)));

    let set = fs::read(out.join("addressbook.binpb")).unwrap();
    let released = described(&DescriptorPool::decode(&*set).unwrap());
    assert!(released.len() > 8);
    assert!(released == described(&pool().unwrap()));
    let mut check = Command::new("sha256sum");
    assert!(run(check
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(out)));
}
