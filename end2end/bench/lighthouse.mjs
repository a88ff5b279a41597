// Lighthouse over every page of the menu and the pages below them, signed in, against a Farol of its own on loopback.
// `node lighthouse.mjs [ADDRESS...]`; `cargo xtask bench lighthouse` builds first. Nothing but loopback is asked.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "@playwright/test";
import lighthouse, { desktopConfig } from "lighthouse";

const LEAST = 95;
const PASSWORD = "correct horse battery";
const CATEGORIES = ["performance", "accessibility", "best-practices"];
const dir = mkdtempSync(join(tmpdir(), "farol-lighthouse-"));
const binary = process.env.FAROL_BIN;

async function start() {
  const args = ["serve", "--listen", "127.0.0.1:0", "--data-dir", join(dir, "data")];
  const farol = spawn(binary, args, { stdio: ["ignore", "pipe", "ignore"] });
  const url = await new Promise((ready, failed) => {
    let url;
    farol.on("exit", (code) => failed(new Error(`farol ended with ${code}`)));
    createInterface(farol.stdout).on("line", (line) => {
      if (line.startsWith("listening on ")) url = line.slice("listening on ".length);
      if (line.includes("/setup?token=") || line.includes("/sign-in")) ready(url);
    });
  });
  const user = ["user", "add", "ada", "--role", "admin", "--password-stdin", "--data-dir", join(dir, "data")];
  const added = spawnSync(binary, user, { input: PASSWORD + "\n", encoding: "utf8" });
  if (added.status !== 0) throw new Error(added.stderr);
  return { farol, url };
}

/** A port that nobody listens on. */
const free = () =>
  new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

/** The pages of the menu and what their content leads to, one address of each kind. */
async function pages(page, url) {
  const within = async (selector) => {
    const links = await page.locator(selector).evaluateAll((links) => links.map((link) => link.href));
    return links.map((link) => new URL(link)).filter((link) => link.origin === url && !link.search).map((link) => link.pathname);
  };
  const found = new Set(await within("nav a[href]"));
  for (const path of [...found, "/account"]) {
    await page.goto(url + path);
    found.add(path);
    for (const below of await within("main a[href]")) if (!/\.\w+$|^\/api\//.test(below)) found.add(below);
  }
  return [...found];
}

const port = await free();
const { farol, url } = await start();
const browser = await chromium.launchPersistentContext(join(dir, "profile"), {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", `--remote-debugging-port=${port}`],
});
let below = 0;
try {
  const page = await browser.newPage();
  await page.goto(url + "/sign-in");
  await page.getByLabel("Name", { exact: true }).fill("ada");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(url + "/");
  const asked = process.argv.slice(2);
  const all = asked.length ? asked : await pages(page, url);
  await page.close();
  console.log(`   ${"page".padEnd(32)} desktop  mobile   (performance, accessibility, best practices)`);
  for (const path of all) {
    const scores = [];
    for (const config of [desktopConfig, undefined]) {
      // The session is in a cookie, which must stay.
      const flags = { port, logLevel: "error", onlyCategories: CATEGORIES, disableStorageReset: true };
      const { lhr } = await lighthouse(url + path, flags, config);
      const got = CATEGORIES.map((name) => Math.round(100 * (lhr.categories[name].score ?? 0)));
      scores.push(got.join(" ").padEnd(12));
      if (new URL(lhr.finalDisplayedUrl).pathname !== path) console.log(`   ${path} leads to ${lhr.finalDisplayedUrl}`);
      if (lhr.runtimeError) console.log(`   ${path}: ${lhr.runtimeError.message}`);
      if (got.some((score) => score < LEAST)) below++;
      for (const name of CATEGORIES) {
        if ((lhr.categories[name].score ?? 0) * 100 >= LEAST) continue;
        for (const { id, weight } of lhr.categories[name].auditRefs) {
          const audit = lhr.audits[id];
          if (weight > 0 && audit.score !== null && audit.score < 0.9) console.log(`     ${name}: ${audit.title} ${audit.displayValue ?? ""}`);
        }
      }
    }
    console.log(`   ${path.padEnd(32)} ${scores.join(" ")}`);
  }
} finally {
  await browser.close();
  farol.kill();
  rmSync(dir, { recursive: true, force: true });
}
console.log(below ? `   ${below} of them are below ${LEAST}` : `   all are at least ${LEAST}`);
process.exitCode = below ? 1 : 0;
