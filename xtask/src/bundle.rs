//! The release bundle: optimised, hashed, compressed, and held to its budget.

use crate::{browser::Parts, order, project::Project, step::run, tools};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{fs, io::Write, path::Path, process::Command};

/// Script and wasm together, as Brotli, bytes. More fails the build: a page must be alive soon on a slow line too.
pub const BUDGET_BYTES: usize = 350 * 1024;

/// Writes the three parts under their plain names.
pub fn write_plain(project: &Project, parts: &Parts) -> Result<()> {
    for (extension, content) in named(parts) {
        fs::write(
            project
                .site_pkg
                .join(format!("{}.{extension}", project.output_name)),
            content,
        )?;
    }
    Ok(())
}

/// Writes the three parts under hashed names with `.br` and `.gz` beside each file of the site, and `hash.txt` as
/// `cargo leptos` would. Fails when script and wasm are over the budget.
pub fn write_hashed(project: &Project, parts: &Parts) -> Result<()> {
    let mut hashes = String::new();
    let mut packed = Vec::new();
    for (extension, content) in named(parts) {
        let hash = hash(content);
        let file = project
            .site_pkg
            .join(format!("{}.{hash}.{extension}", project.output_name));
        fs::write(&file, content)?;
        hashes.push_str(&format!("{extension}: {hash}\n"));
        packed.push((extension, content.len(), compress(&file, content)?));
    }
    fs::write(project.site_root.join("hash.txt"), hashes)?;
    let mut files = Vec::new();
    crate::browser::collect_files(&project.assets_dir, &mut files)?;
    for file in files.iter().filter(|file| shrinks(file)) {
        compress(
            &project.site_root.join(file.strip_prefix(&project.assets_dir)?),
            &fs::read(file)?,
        )?;
    }
    check_budget(&packed)
}

/// Whether a file of `public/` is text, which compression makes smaller.
fn shrinks(file: &Path) -> bool {
    let kind = file.extension().unwrap_or_default();
    ["js", "svg", "txt"].iter().any(|shrinking| kind == *shrinking)
}

/// Prints the sizes and refuses a bundle that has grown too large.
fn check_budget(packed: &[(&str, usize, usize)]) -> Result<()> {
    println!("   {:<6}{:>12}{:>12}", "part", "plain", "brotli");
    for (extension, plain, brotli) in packed {
        println!("   {extension:<6}{plain:>12}{brotli:>12}");
    }
    let counted = budgeted(packed);
    println!("   js + wasm as Brotli: {counted} of {BUDGET_BYTES} bytes");
    if counted > BUDGET_BYTES {
        bail!(
            "the browser bundle is {} bytes over its budget of {BUDGET_BYTES}; find what grew",
            counted - BUDGET_BYTES
        );
    }
    Ok(())
}

fn budgeted(packed: &[(&str, usize, usize)]) -> usize {
    packed
        .iter()
        .filter(|(extension, ..)| *extension != "css")
        .map(|(.., brotli)| brotli)
        .sum()
}

fn named(parts: &Parts) -> [(&'static str, &[u8]); 3] {
    [
        ("js", &parts.script),
        ("wasm", &parts.wasm),
        ("css", &parts.style),
    ]
}

/// Sixteen hexadecimal digits of SHA-256.
fn hash(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Writes `.br` and `.gz` beside a file; the answer is the size as Brotli.
fn compress(file: &Path, content: &[u8]) -> Result<usize> {
    let beside = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        name
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(content)?;
    fs::write(beside(".gz"), gzip.finish()?)?;
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 24,
        // All of it is looked at as one block.
        lgblock: 24,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &content[..], &mut packed, &params)?;
    fs::write(beside(".br"), &packed)?;
    Ok(packed.len())
}

/// `wasm-opt` of npm's binaryen; what Debian has is too old for this compiler's output.
pub fn optimise(project: &Project, wasm: &[u8]) -> Result<Vec<u8>> {
    let scratch = Scratch::new(project, "wasm")?;
    fs::write(&scratch.input, wasm)?;
    run(Command::new("node")
        .arg(node_tool(project, "binaryen/bin/wasm-opt")?)
        .args([
            // Larger than -Oz, and smaller as Brotli.
            "-Os",
            "--enable-bulk-memory",
            "--enable-nontrapping-float-to-int",
            "--enable-sign-ext",
        ])
        .args([
            "--enable-mutable-globals",
            "--enable-reference-types",
            "--enable-multivalue",
        ])
        // What is called once stays a function: code that was inlined differs from all other code, and Brotli then finds
        // less of it twice. 4 % more wasm, 7 % less as Brotli.
        .args(["--one-caller-inline-max-function-size", "0"])
        .arg(&scratch.input)
        .arg("-o")
        .arg(&scratch.output))?;
    let smaller = fs::read(&scratch.output).context("wasm-opt wrote nothing")?;
    order::by_likeness(&smaller)
}

/// Terser, because the glue script is a tenth of the bundle and shrinks to half.
pub fn minify_script(project: &Project, script: &[u8]) -> Result<Vec<u8>> {
    let scratch = Scratch::new(project, "js")?;
    fs::write(&scratch.input, script)?;
    run(Command::new("node")
        .arg(node_tool(project, "terser/bin/terser")?)
        .args(["--module", "--compress", "passes=2", "--mangle", "--output"])
        .arg(&scratch.output)
        .arg("--")
        .arg(&scratch.input))?;
    fs::read(&scratch.output).context("terser wrote nothing")
}

fn node_tool(project: &Project, path: &str) -> Result<std::path::PathBuf> {
    let dir = project.root.join("xtask/npm");
    tools::npm_ci(&dir)?;
    Ok(dir.join("node_modules").join(path))
}

/// Two files that tools read and write.
struct Scratch {
    input: std::path::PathBuf,
    output: std::path::PathBuf,
}

impl Scratch {
    fn new(project: &Project, extension: &str) -> Result<Self> {
        let dir = project.target.join("xtask");
        fs::create_dir_all(&dir)?;
        Ok(Scratch {
            input: dir.join(format!("in.{extension}")),
            output: dir.join(format!("out.{extension}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_counts_script_and_wasm_but_not_style() {
        let over = [("js", 9, 1), ("wasm", 9, BUDGET_BYTES), ("css", 9, 9)];
        assert!(
            check_budget(&over)
                .unwrap_err()
                .to_string()
                .contains("1 bytes over")
        );
        let within = [("js", 9, 0), ("wasm", 9, BUDGET_BYTES), ("css", 9, 9)];
        assert!(check_budget(&within).is_ok());
    }

    #[test]
    fn scripts_and_drawings_of_public_are_compressed_and_pictures_are_not() {
        assert!(shrinks(Path::new("lab/page.js")) && shrinks(Path::new("favicon.svg")));
        assert!(!shrinks(Path::new("picture.png")) && !shrinks(Path::new("LICENSE")));
    }

    #[test]
    fn another_content_has_another_name() {
        assert_eq!(hash(b"a").len(), 16);
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
