//! A migration that is added is compiled in: its macro notices only those that it
//! knows already.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
