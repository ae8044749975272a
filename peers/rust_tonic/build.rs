fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../proto");
    let set = protox::compile(["contacts.proto"], ["../proto"])?;
    tonic_prost_build::configure().compile_fds(set)?;
    Ok(())
}
