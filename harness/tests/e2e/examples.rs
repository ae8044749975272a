//! The examples of docs/reference, each run as it is written there, in all forms.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use harness::reference::examples::{Example, all, several};
use harness::reference::{forms, pool, services};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use prost_reflect::DescriptorPool;
use serde_json::{Deserializer, Value, json};
use testing::until;

use crate::available::has_curl;
use crate::stack::{Stack, workspace};
use crate::tools::{grpc_python, grpcurl};
use crate::totp::{totp_code, totp_secret};

/// What earlier examples kept, by name.
type Variables = BTreeMap<String, String>;

#[test]
fn the_examples_work_by_curl() {
    if !has_curl() {
        return;
    }
    let pool = pool().unwrap();
    run_all(|stack, example, variables| {
        let is_stream = example.is_stream(&pool).unwrap();
        let script = format!(
            "{}\n{}",
            forms::ENVELOPE,
            forms::curl(example, &pool).unwrap()
        );
        let read = if is_stream {
            connect_messages
        } else {
            json_values
        };
        bash(stack, None, &script, variables, example.endless, read)
    });
}

#[test]
fn the_examples_work_by_grpcurl() {
    let Some(bin) = grpcurl() else { return };
    let pool = pool().unwrap();
    run_all(|stack, example, variables| {
        let script = forms::grpcurl(example, &pool).unwrap();
        bash(
            stack,
            Some(bin),
            &script,
            variables,
            example.endless,
            json_values,
        )
    });
}

#[test]
fn the_examples_work_in_python() {
    let Some(bin) = grpc_python() else { return };
    let pool = pool().unwrap();
    let mut python = None;
    run_all(|stack, example, variables| {
        let python = python.get_or_insert_with(|| Python::start(stack, bin, &pool));
        let code = forms::python(example, &pool).unwrap();
        python.run(&stack.with_addresses(&code), variables)
    });
}

/// Runs the examples in their order, and compares what they return.
fn run_all(mut run: impl FnMut(&Stack, &Example, &Variables) -> Vec<Value>) {
    let stack = Stack::start(&[]);
    let mut variables = Variables::new();
    for example in all().unwrap() {
        if let Some(email) = &example.make_admin {
            stack.make_admin(email);
        }
        for (name, from) in &example.code {
            variables.insert(name.clone(), totp_code(&totp_secret(&variables[from]), 0));
        }

        let responses = run(&stack, &example, &variables);

        let expected = several(&example.response);
        assert!(
            responses.len() >= expected.len(),
            "{}: {responses:?}",
            example.rpc
        );
        for (expected, response) in expected.iter().zip(&responses) {
            let is_it = contains(response, expected, &variables);
            assert!(is_it, "{}: no {expected} in {responses:?}", example.rpc);
        }
        for (name, path) in &example.keep {
            let pointer = format!("/{}", path.replace('.', "/"));
            let kept = responses[0].pointer(&pointer).and_then(Value::as_str);
            variables.insert(name.clone(), kept.unwrap().to_owned());
        }
        for (name, subject) in &example.mail {
            variables.insert(name.clone(), mailed(&stack, subject));
        }
    }
}

/// Whether all of `part` is in `whole`; `...` is any value.
fn contains(whole: &Value, part: &Value, variables: &Variables) -> bool {
    match part {
        Value::Object(members) => {
            let mut members = members.iter();
            members.all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part, variables)))
                // An error, where nothing is expected.
                && whole.get("code").is_none()
        }
        Value::Array(parts) => {
            let mut parts = parts.iter().enumerate();
            parts.all(|(at, part)| {
                whole
                    .get(at)
                    .is_some_and(|whole| contains(whole, part, variables))
            })
        }
        Value::String(text) if text == "..." => true,
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) => whole == &variables[name],
            None => whole == part,
        },
        other => whole == other,
    }
}

/// The token of the mail with this subject.
fn mailed(stack: &Stack, subject: &str) -> String {
    let mut token = None;
    until("the mail comes", || {
        let files = fs::read_dir(stack.folder().join("mail"))
            .into_iter()
            .flatten();
        let mut mails = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        let mail = mails.find(|mail| mail.contains(&format!("Subject: {subject}\r\n")));
        token = mail.and_then(|mail| {
            Some(
                mail[mail.find("et1_")?..]
                    .split_whitespace()
                    .next()?
                    .to_owned(),
            )
        });
        token.is_some()
    });
    token.unwrap()
}

/// Runs a script; returns what it prints, of an endless stream the first message.
fn bash(
    stack: &Stack,
    bin: Option<&Path>,
    script: &str,
    variables: &Variables,
    is_endless: bool,
    read: fn(&[u8]) -> Vec<Value>,
) -> Vec<Value> {
    let bin = bin.map(|bin| bin.display().to_string()).unwrap_or_default();
    let mut child = Command::new("bash")
        .args(["-euc", &stack.with_addresses(script)])
        .env("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin"))
        .envs(variables.iter().map(|(name, value)| (name, in_json(value))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // A group of its own, so that it can be ended with its programs.
        .process_group(0)
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut bytes = Vec::new();
    if !is_endless {
        output.read_to_end(&mut bytes).unwrap();
        assert!(
            child.wait().unwrap().success(),
            "{script}\n{}",
            String::from_utf8_lossy(&bytes)
        );
        return read(&bytes);
    }
    let mut part = [0; 4096];
    while read(&bytes).is_empty() {
        let size = output.read(&mut part).unwrap();
        assert!(size > 0, "{script}\n{}", String::from_utf8_lossy(&bytes));
        bytes.extend(&part[..size]);
    }
    killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    child.wait().unwrap();
    read(&bytes)
}

/// A text as it is between quotes in JSON, where scripts put it: an etag has quotes itself.
fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// JSON values one after the other; the last may be incomplete.
fn json_values(bytes: &[u8]) -> Vec<Value> {
    let values = Deserializer::from_slice(bytes).into_iter();
    values.map_while(Result::ok).collect()
}

/// The messages of a Connect stream; an error at its end fails.
fn connect_messages(mut bytes: &[u8]) -> Vec<Value> {
    let mut messages = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(5) {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let Some((message, rest)) = rest.split_at_checked(length as usize) else {
            break;
        };
        let message = serde_json::from_slice(message).unwrap();
        if head[0] == 2 {
            assert_eq!(message, json!({}), "it ends well");
        } else {
            messages.push(message);
        }
        bytes = rest;
    }
    messages
}

/// A Python that runs the examples one after the other.
struct Python {
    child: Child,
    steps: ChildStdin,
    responses: BufReader<ChildStdout>,
    _generated: tempfile::TempDir,
}

impl Python {
    fn start(stack: &Stack, bin: &Path, pool: &DescriptorPool) -> Self {
        let generated = tempfile::tempdir().unwrap();
        let out = generated.path().display();
        let status = Command::new("bash")
            .args([
                "-euc",
                &format!(
                    "{}/python -m grpc_tools.protoc --proto_path=. --python_out={out} \
                 --grpc_python_out={out} $(find addressbook -name '*.proto')",
                    bin.display()
                ),
            ])
            .current_dir(workspace().join("proto"))
            .status();
        assert!(status.unwrap().success());
        let mut child = Command::new(bin.join("python"))
            .arg(workspace().join("harness/tests/e2e/examples.py"))
            .env("PYTHONPATH", generated.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut python = Self {
            steps: child.stdin.take().unwrap(),
            responses: BufReader::new(child.stdout.take().unwrap()),
            child,
            _generated: generated,
        };
        for service in services(pool) {
            let client = stack.with_addresses(&forms::python_client(&service));
            python.run(&client, &Variables::new());
        }
        python
    }

    fn run(&mut self, code: &str, variables: &Variables) -> Vec<Value> {
        writeln!(
            self.steps,
            "{}",
            json!({"code": code, "variables": variables})
        )
        .unwrap();
        let mut line = String::new();
        self.responses.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{code}\nfails"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
