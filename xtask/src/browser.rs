//! The browser side: wasm by cargo and wasm-bindgen (as a library of the locked version), style by lightningcss, files of
//! `public/` as they are. The release bundle is smaller, hashed and compressed, see [`crate::bundle`].

use crate::{
    bundle,
    project::Project,
    prune, short, snippets,
    step::{run, step},
    tools,
};
use anyhow::{Context, Result};
use lightningcss::{
    bundler::{Bundler, FileProvider},
    stylesheet::{MinifyOptions, ParserOptions, PrinterOptions},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use wasm_bindgen_cli_support::Bindgen;

/// Which bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundle {
    /// Quick to build.
    Dev,
    /// What ships.
    Release,
}

impl Bundle {
    fn profile(self) -> &'static str {
        match self {
            Bundle::Dev => "wasm-dev",
            Bundle::Release => "wasm-release",
        }
    }
}

/// Script, wasm and style before they are hashed.
pub struct Parts {
    pub script: Vec<u8>,
    pub wasm: Vec<u8>,
    pub style: Vec<u8>,
}

/// Builds the site into `site-root`.
pub fn build(project: &Project, kind: Bundle) -> Result<()> {
    step("wasm target", tools::wasm_target)?;
    let wasm_file = step(&format!("compile the browser side ({})", kind.profile()), || {
        compile(project, kind, &["--lib"])
    })?;
    let stamp = project.site_root.join(".stamp");
    let inputs = fingerprint(project, &wasm_file, kind)?;
    if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == inputs) {
        println!("── site is up to date");
        return Ok(());
    }
    let mut parts = step("bind and bundle", || bind(project, &wasm_file, kind))?;
    if kind == Bundle::Release {
        parts.wasm = step("optimise the wasm", || bundle::optimise(project, &parts.wasm))?;
        parts.script = step("minify the script", || {
            bundle::minify_script(project, &parts.script)
        })?;
    }
    step("write the site", || {
        if project.site_root.exists() {
            fs::remove_dir_all(&project.site_root)?;
        }
        fs::create_dir_all(&project.site_pkg)?;
        copy_all(&project.assets_dir, &project.site_root)?;
        match kind {
            Bundle::Dev => bundle::write_plain(project, &parts)?,
            Bundle::Release => bundle::write_hashed(project, &parts)?,
        }
        Ok(fs::write(&stamp, inputs)?)
    })
}

/// Builds the server.
pub fn server(project: &Project, release: bool) -> Result<()> {
    step("compile the server", || {
        let mut command = project.cargo();
        command.args(["build", "--package", &project.bin_package]);
        if release {
            command.arg("--release");
        }
        run(&mut command)
    })
}

/// Starts the server and waits for its end.
pub fn serve(project: &Project, args: &[String]) -> Result<bool> {
    println!("── farol serve");
    let mut command = Command::new(project.server(false));
    command.arg("serve");
    if !args.iter().any(|arg| arg.starts_with("--data-dir")) {
        command.arg("--data-dir").arg(project.target.join("farol-data"));
    }
    let status = command.args(args).status().context("cannot start the server")?;
    Ok(status.success())
}

/// The library as it is sent to browsers, or an example: a file of that name, with `examples/` before it.
fn compile(project: &Project, kind: Bundle, what: &[&str]) -> Result<PathBuf> {
    let mut command = project.cargo();
    if kind == Bundle::Release {
        command.env("CARGO_ENCODED_RUSTFLAGS", release_flags(project)?);
    }
    run(command
        .args(["build", "--package", &project.lib_package])
        .args(what)
        .args([
            "--target",
            "wasm32-unknown-unknown",
            "--no-default-features",
            "--features",
            "hydrate",
            "--profile",
            kind.profile(),
        ]))?;
    let file = match what {
        [_, example] => format!("examples/{example}.wasm"),
        _ => format!("{}.wasm", project.lib_package.replace('-', "_")),
    };
    Ok(project
        .target
        .join("wasm32-unknown-unknown")
        .join(kind.profile())
        .join(file))
}

/// An example of the app as it would be sent to browsers, beside the style of the site: `NAME.js`, `NAME.wasm` and `style.css`.
pub fn example(project: &Project, name: &str, dir: &Path) -> Result<()> {
    tools::wasm_target()?;
    let file = compile(project, Bundle::Release, &["--example", name])?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(file)
        .out_name(name)
        .typescript(false)
        .omit_default_module_path(true);
    bindgen.web(true)?;
    let mut output = bindgen
        .generate_output()
        .context("wasm-bindgen refused the example")?;
    let script = snippets::inline(output.js(), output.local_modules())?;
    let wasm = bundle::optimise(project, &output.wasm_mut().emit_wasm())?;
    fs::write(dir.join(format!("{name}.js")), script)?;
    fs::write(dir.join(format!("{name}.wasm")), wasm)?;
    Ok(fs::write(
        dir.join("style.css"),
        style(project, Bundle::Release)?,
    )?)
}

/// The flags of `.cargo/config.toml`, which these replace, and no folder of this machine in messages of panics.
fn release_flags(project: &Project) -> Result<String> {
    let sources = home_dir("CARGO_HOME", ".cargo")?.join("registry/src");
    let mut flags = vec!["--cfg".to_owned(), "erase_components".to_owned()];
    // Absent where crates come from somewhere else; then there is nothing to hide there.
    for index in fs::read_dir(&sources).into_iter().flatten() {
        flags.push(format!("--remap-path-prefix={}=", index?.path().display()));
    }
    flags.push(format!("--remap-path-prefix={}=", project.root.display()));
    Ok(flags.join("\u{1f}"))
}

fn home_dir(variable: &str, name: &str) -> Result<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) => Ok(path.into()),
        None => Ok(std::env::home_dir()
            .context("there is no home folder")?
            .join(name)),
    }
}

fn bind(project: &Project, wasm_file: &Path, kind: Bundle) -> Result<Parts> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm_file)
        .out_name(&project.output_name)
        .typescript(false)
        .omit_default_module_path(true);
    bindgen
        .remove_name_section(kind == Bundle::Release)
        .remove_producers_section(true);
    bindgen.web(true)?;
    let mut output = bindgen
        .generate_output()
        .context("wasm-bindgen refused the module")?;
    let mut script = snippets::inline(output.js(), output.local_modules())?;
    if kind == Bundle::Release {
        script = prune::script(script)?;
        let exports = &mut output.wasm_mut().exports;
        let dead = exports.iter().filter(|export| prune::is_dead(&export.name));
        for id in dead.map(|export| export.id()).collect::<Vec<_>>() {
            exports.delete(id);
        }
        let mut names = short::Names::default();
        let wasm = output.wasm_mut();
        for import in wasm.imports.iter_mut() {
            names.shorten(&mut import.name);
        }
        for export in wasm.exports.iter_mut() {
            names.shorten(&mut export.name);
        }
        script = names.script(&script)?;
    }
    let wasm = output.wasm_mut().emit_wasm();
    Ok(Parts {
        script: script.into_bytes(),
        wasm,
        style: style(project, kind)?,
    })
}

fn style(project: &Project, kind: Bundle) -> Result<Vec<u8>> {
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler
        .bundle(&project.style_file)
        .map_err(|error| anyhow::anyhow!("the style cannot be read: {error}"))?;
    let minify = kind == Bundle::Release;
    if minify {
        sheet
            .minify(MinifyOptions::default())
            .map_err(|error| anyhow::anyhow!("the style cannot be minified: {error}"))?;
    }
    let printed = sheet.to_css(PrinterOptions {
        minify,
        ..PrinterOptions::default()
    })?;
    Ok(printed.code.into_bytes())
}

/// What the site was made of; the same text means that nothing needs doing.
fn fingerprint(project: &Project, wasm_file: &Path, kind: Bundle) -> Result<String> {
    let mut files = vec![wasm_file.to_path_buf()];
    let style_dir = project
        .style_file
        .parent()
        .context("the style file has no folder")?;
    collect_files(style_dir, &mut files)?;
    collect_files(&project.assets_dir, &mut files)?;
    files.sort();
    let mut text = format!("{kind:?}\n");
    for file in files {
        let meta = file.metadata()?;
        let modified = meta.modified()?.duration_since(std::time::UNIX_EPOCH)?.as_nanos();
        text.push_str(&format!("{} {} {modified}\n", project.shown(&file), meta.len()));
    }
    Ok(text)
}

/// All files below a folder.
pub fn collect_files(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect_files(&path, files)?
        } else {
            files.push(path)
        }
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    let mut files = Vec::new();
    collect_files(from, &mut files)?;
    for file in files {
        let place = to.join(file.strip_prefix(from)?);
        fs::create_dir_all(place.parent().context("a file without a folder")?)?;
        fs::copy(&file, &place)?;
    }
    Ok(())
}
