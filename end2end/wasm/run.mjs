// Loads the wasm tests of a folder (tests.js, tests.wasm, names.json) in Chromium and prints what they say.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const dir = process.argv[2];
const names = await readFile(join(dir, "names.json"), "utf8");
const page_html = `<!doctype html><meta charset="utf-8"><pre id="output"></pre>
<script type="module">
  import init, * as tests from "./tests.js";
  const wasm = await init({ module_or_path: "./tests.wasm" });
  for (const level of ["debug", "log", "info", "warn", "error"])
    globalThis["on_console_" + level] = tests["__wbgtest_console_" + level];
  globalThis.__wbg_test_invoke = (call) => call();
  const context = new tests.WasmBindgenTestContext(false);
  const found = ${names}.map((name) => wasm[name]).filter(Boolean);
  globalThis.passed = await context.run(found);
  globalThis.done = true;
</script>`;
const types = { js: "text/javascript", wasm: "application/wasm" };
const server = createServer(async (request, response) => {
  const name = request.url.slice(1);
  if (name === "") return response.setHeader("content-type", "text/html").end(page_html);
  try {
    const content = await readFile(join(dir, name));
    response.setHeader("content-type", types[name.split(".").pop()] ?? "application/octet-stream").end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
try {
  const page = await browser.newPage();
  const broken = new Promise((_, failed) => page.on("pageerror", failed));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await Promise.race([broken, page.waitForFunction(() => globalThis.done, undefined, { timeout: 120_000 })]);
  console.log(await page.locator("#output").innerText());
  process.exitCode = (await page.evaluate(() => globalThis.passed)) ? 0 : 1;
} finally {
  await browser.close();
  server.close();
}
