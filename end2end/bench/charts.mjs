// What charts cost in Chromium. `node charts.mjs FOLDER [redraw|hours|pan...]`; `cargo xtask bench charts` fills the folder.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const [dir, ...wanted] = process.argv.slice(2);
const UPLOT = join(import.meta.dirname, "node_modules/uplot/dist");
const CHARTS = 12;
const SERIES = 4;
const POINTS = 600;

const files = {
  "/": [import.meta.dirname, "charts.html"],
  "/page.js": [import.meta.dirname, "page.js"],
  "/charts.js": [dir, "charts.js"],
  "/charts.wasm": [dir, "charts.wasm"],
  "/style.css": [dir, "style.css"],
  "/figures.html": [dir, "figures.html"],
  "/uplot.js": [UPLOT, "uPlot.esm.js"],
  "/uplot.css": [UPLOT, "uPlot.min.css"],
};
const types = { html: "text/html", js: "text/javascript", css: "text/css", wasm: "application/wasm" };

const server = createServer(async (request, response) => {
  const file = files[request.url];
  if (!file) return response.writeHead(404).end();
  response.setHeader("content-type", types[file[1].split(".").pop()]).end(await readFile(join(...file)));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--js-flags=--expose-gc"],
});

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
const told = (values) => `${quantile(values, 0.5).toFixed(2)} ms (p95 ${quantile(values, 0.95).toFixed(2)} ms)`;

async function open(height) {
  const page = await browser.newPage({ viewport: { width: 1440, height } });
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => globalThis.bench);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const metrics = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  return { page, cdp, metrics };
}

/** Ours and uPlot's, in turn, in one page: what one redraw of all charts costs the main thread. */
async function redraw() {
  const { page, metrics } = await open(2600);
  const ROUNDS = 40;
  const REDRAWS = 10;
  await page.evaluate(([charts, series, points]) => bench.both(charts, series, points), [CHARTS, SERIES, POINTS]);
  // Of the thread and not of its tasks: what is drawn outside of a frame, as uPlot draws, becomes pixels between two tasks.
  const parts = { "main thread": "ThreadTime", "of it script": "ScriptDuration", "of it layout": "LayoutDuration" };
  const cost = { ours: {}, uplot: {} };
  for (let round = -4; round < 2 * ROUNDS; round++) {
    // The order changes from pair to pair, so that neither always follows the other.
    const name = (round >> 1) % 2 === (round & 1) ? "ours" : "uplot";
    const before = await metrics();
    await page.evaluate(([name, redraws]) => bench.redraw(name, redraws), [name, REDRAWS]);
    const after = await metrics();
    if (round < 0) continue;
    for (const part of Object.values(parts)) (cost[name][part] ??= []).push((1000 * (after[part] - before[part])) / REDRAWS);
  }
  console.log(`   ${CHARTS} charts x ${SERIES} series x ${POINTS} points, ${ROUNDS} rounds of ${REDRAWS} redraws each, in turn`);
  for (const [what, part] of Object.entries(parts)) {
    const ratio = quantile(cost.ours[part], 0.5) / quantile(cost.uplot[part], 0.5);
    console.log(`   ${what}: Farol ${told(cost.ours[part])}, uPlot ${told(cost.uplot[part])}, ratio ${ratio.toFixed(2)}`);
  }
  await page.close();
}

/** Eight hours of samples through the live plane, drawn as often as frames come. */
async function hours() {
  const { page, cdp, metrics } = await open(1400);
  const TICKS = 28_800;
  const STEPS = 8;
  await page.evaluate(([charts, series, points]) => bench.ours(charts, series, points), [CHARTS, SERIES, POINTS]);
  const held = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    await cdp.send("HeapProfiler.collectGarbage");
    const { JSHeapUsedSize, Nodes, JSEventListeners } = await metrics();
    return { heap: JSHeapUsedSize, wasm: await page.evaluate(() => bench.memory()), nodes: Nodes, listeners: JSEventListeners };
  };
  const say = (name, { heap, wasm, nodes, listeners }) =>
    console.log(`   ${name}: heap ${(heap / 1024).toFixed(0)} KB, wasm ${wasm / 65536} pages, ${nodes} nodes, ${listeners} listeners`);
  // The ten minutes that a view holds, twice over.
  await page.evaluate((ticks) => bench.ticks(ticks), 1200);
  const first = await held();
  say("after 20 min", first);
  let last;
  for (let step = 1; step <= STEPS; step++) {
    await page.evaluate((ticks) => bench.ticks(ticks), TICKS / STEPS);
    last = await held();
    say(`after ${step} h`, last);
  }
  const grown = last.heap > first.heap + 200 * 1024 || last.wasm > first.wasm || last.nodes > first.nodes || last.listeners > first.listeners;
  console.log(grown ? "   it grows" : "   nothing grows");
  if (grown) process.exitCode = 1;
  await page.close();
}

/** What the server drew of a day, moved by each frame. */
async function pan() {
  for (const [id, as] of [["one", "as it ships"], ["twelve", "as it ships"], ["one", "painted anew"]]) {
    const { page, metrics } = await open(1400);
    // What the style saves.
    if (as === "painted anew") await page.addStyleTag({ content: ".plot-ink { will-change: auto !important; }" });
    await page.evaluate((id) => bench.figures(id), id);
    const before = await metrics();
    const frames = await page.evaluate(() => bench.pan(300));
    const after = await metrics();
    const gaps = frames.slice(1).map((at, index) => at - frames[index]);
    const rate = (1000 * gaps.length) / (frames.at(-1) - frames[0]);
    const task = (1000 * (after.TaskDuration - before.TaskDuration)) / gaps.length;
    const name = id === "one" ? "1 chart x 50 series" : "12 charts x 4 series";
    console.log(`   panning ${name}, ${as}: ${rate.toFixed(1)} frames/s, p99 ${quantile(gaps, 0.99).toFixed(1)} ms, main thread ${task.toFixed(2)} ms a frame`);
    await page.close();
  }
}

try {
  for (const [name, scene] of Object.entries({ redraw, pan, hours })) if (!wanted.length || wanted.includes(name)) await scene();
} finally {
  await browser.close();
  server.close();
}
