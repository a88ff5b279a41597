import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { Locator, Page, Request } from "@playwright/test";
import { Farol } from "../support/farol";
import { axeClean, expect, hydrated, signIn, test, watchFaults } from "../support/fixtures";

const NAMES = ["WebSocket", "HTTP stream", "Server-Sent Events", "Long poll", "Plain polling"];
const BINARY = process.env.FAROL_BIN ?? resolve(import.meta.dirname, "../../target/debug/farol");

/** Opens the page as an operator. */
async function open(page: Page, farol: Farol) {
  farol.addUser("olga", "operator");
  await signIn(page, farol, "olga");
  await page.goto(farol.url + "/lab");
  await hydrated(page);
  await expect(page.locator("[data-news]")).toContainText("Nothing runs");
}

/** The group of rows of a carrier. */
function carrier(page: Page, name: string): Locator {
  return page.getByRole("rowgroup").filter({ hasText: name }).filter({ has: page.getByRole("rowheader", { name }) });
}

/** What an operator sees of the lab: its carriers, counted. The app's own connection speaks Protobuf. */
function connections(farol: Farol): Record<string, number> {
  const data = ["--data-dir", join(farol.dir, "data")];
  const made = run(["token", "create", "--user", "olga", "--name", `lab-${Date.now()}`, ...data]);
  const token = made.match(/farol_\S+/)![0];
  const page = JSON.parse(run(["connections", "--url", farol.url, "--token", token, "--json", "--limit", "500"]));
  const seen: Record<string, number> = {};
  for (const row of page.rows) if (row.encoding === "json" && row.agent.includes("Mozilla")) seen[row.carrier] = (seen[row.carrier] ?? 0) + 1;
  return seen;
}

function run(args: string[]) {
  const done = spawnSync(BINARY, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`farol ${args[0]}: ${done.stderr}`);
  return done.stdout;
}

test("every carrier receives, and its figures are plausible and go on changing", async ({ page, farol }) => {
  await open(page, farol);
  await page.getByRole("button", { name: "Start all" }).click();
  await expect(page.locator("[data-news]")).toContainText("6 of 6 live");
  await expect(page.locator("[data-clock]")).toContainText("give or take");
  for (const name of NAMES) {
    const group = carrier(page, name);
    const figure = (id: string) => group.locator(`[data-figure=${id}]`);
    const number = async (id: string) => Number((await figure(id).innerText()).replace(/[^\d.-]/g, ""));
    await expect.poll(() => number("messages"), name).toBeGreaterThan(2);
    const received = await figure("received").innerText();
    await expect(figure("received"), name).not.toHaveText(received);
    for (const id of ["p50", "p99", "max", "first"]) {
      await expect(figure(id), `${name} ${id}`).toContainText(" ms");
      expect(await number(id), `${name} ${id}`).toBeGreaterThanOrEqual(0);
      expect(await number(id), `${name} ${id}`).toBeLessThan(10_000);
    }
    // More than the content travels, in all of them.
    expect(await number("overhead"), name).toBeGreaterThan(1);
    await expect(group.locator("polyline")).toHaveAttribute("points", /\d/);
  }
  const requests = async (name: string) => Number(await carrier(page, name).locator("[data-figure=requests]").innerText());
  expect(await requests("WebSocket")).toBe(1);
  await expect.poll(() => requests("Long poll")).toBeGreaterThan(3);
  await expect.poll(() => requests("Plain polling")).toBeGreaterThan(3);
  const echo = page.getByRole("region", { name: "Round trip" });
  for (const id of ["last", "p50", "p99"]) await expect(echo.locator(`[data-figure=${id}]`)).toHaveText(/^\d[\d.,]* ms$/);
});

test("a carrier that is stopped is gone at the server, and no other is", async ({ page, farol }) => {
  await open(page, farol);
  await page.getByRole("button", { name: "Start all" }).click();
  await expect(page.locator("[data-news]")).toContainText("6 of 6 live");
  await expect.poll(() => connections(farol)).toMatchObject({ websocket: 1, http_stream: 1, events: 1, echo: 1 });
  for (const [name, seen] of [
    ["HTTP stream", "http_stream"],
    ["Server-Sent Events", "events"],
    ["Round trip", "echo"],
    ["WebSocket", "websocket"],
  ]) {
    await page.getByRole("button", { name: `Stop ${name}` }).click();
    await expect(page.getByRole("button", { name: `Start ${name}` })).toBeVisible();
    await expect.poll(() => connections(farol)[seen], name).toBeUndefined();
  }
  await expect(page.locator("[data-news]")).toContainText("2 of 6 live");
  await page.getByRole("button", { name: "Stop all" }).click();
  await expect(page.locator("[data-news]")).toContainText("Nothing runs");
  await expect.poll(() => connections(farol)).toEqual({});
  // Once more, with another channel.
  await page.getByRole("combobox", { name: "Channel" }).selectOption("metrics/local/memory");
  const asked = page.waitForRequest((request) => request.url().includes("metrics%2Flocal%2Fmemory"));
  await page.getByRole("button", { name: "Start Long poll" }).click();
  await asked;
  await expect(carrier(page, "Long poll").locator(".connection")).toContainText("Live");
});

test("leaving the page within the app closes everything, and coming back begins anew", async ({ page, farol }) => {
  await open(page, farol);
  for (let round = 0; round < 2; round++) {
    await page.getByRole("button", { name: "Start all" }).click();
    await expect(page.locator("[data-news]")).toContainText("6 of 6 live");
    await expect.poll(() => connections(farol)).toMatchObject({ websocket: 1, http_stream: 1, events: 1, echo: 1 });
    let loads = 0;
    page.on("load", () => loads++);
    const menu = page.getByRole("navigation", { name: "Pages" });
    await menu.getByRole("link", { name: "Processes" }).click();
    await expect(page.getByRole("heading", { name: "Processes" })).toBeVisible();
    await expect.poll(() => connections(farol)).toEqual({});
    const polls: string[] = [];
    page.on("request", (request) => request.url().includes("/live/") && polls.push(request.url()));
    await menu.getByRole("link", { name: "Transport lab" }).click();
    await expect(page.locator("[data-news]")).toContainText("Nothing runs");
    expect(polls).toEqual([]);
    expect(loads, "the app changed pages by itself").toBe(0);
  }
});

test("nothing runs on where nobody looks", async ({ page, farol }) => {
  await open(page, farol);
  await page.locator("transport-lab").evaluate((lab: HTMLElement) => (lab.dataset.hiddenMs = "300"));
  const look = (state: string) =>
    page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await page.getByRole("button", { name: "Start all" }).click();
  await expect(page.locator("[data-news]")).toContainText("6 of 6 live");
  await look("hidden");
  await expect(carrier(page, "WebSocket").locator(".connection")).toContainText("Stopped: nobody looked");
  await look("visible");
  await expect.poll(() => connections(farol)).toEqual({});
});

test("a lost server is told, and every carrier comes back by itself", async ({ page, farol }) => {
  await open(page, farol);
  await page.getByRole("button", { name: "Start all" }).click();
  await expect(page.locator("[data-news]")).toContainText("6 of 6 live");
  watchFaults(page).allow(/WebSocket|ERR_|Failed to load resource/);
  const port = Number(new URL(farol.url).port);
  await farol.stop("SIGKILL");
  for (const name of NAMES) await expect(carrier(page, name).locator(".connection"), name).toContainText(/Lost|Connecting/);
  await expect(page.locator("[data-news]")).toContainText("0 of 6 live");
  await farol.start(port);
  await expect(page.locator("[data-news]")).toHaveText("6 of 6 live.", { timeout: 60_000 });
});

test("a server that says nothing any more is noticed, though no connection breaks", async ({ page, farol }) => {
  await open(page, farol);
  await page.locator("transport-lab").evaluate((lab: HTMLElement) => (lab.dataset.silentMs = "4000"));
  await page.getByRole("button", { name: "Start all" }).click();
  await expect(page.locator("[data-news]")).toContainText("6 of 6 live");
  const pid: number = (farol as any).server.pid;
  process.kill(pid, "SIGSTOP");
  try {
    // Nothing has told the browser: every carrier finds out by itself.
    await expect(page.locator("[data-news]")).toContainText("0 of 6 live");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await expect(page.locator("[data-news]")).toHaveText("6 of 6 live.");
});

test("a session that ends is told, and nobody knocks again", async ({ page, farol }) => {
  await open(page, farol);
  await page.getByRole("button", { name: "Start all" }).click();
  await expect(page.locator("[data-news]")).toContainText("6 of 6 live");
  watchFaults(page).allow(/WebSocket|ERR_|Failed to load resource/);
  run(["user", "disable", "olga", "--data-dir", join(farol.dir, "data")]);
  for (const name of NAMES) await expect(carrier(page, name).locator(".connection"), name).toContainText("Refused");
  await expect(page.locator("[data-news]")).toContainText("Lost: WebSocket");
});

test("what is estimated is near what Chromium sends", async ({ page, farol }) => {
  await open(page, farol);
  const seen: Request[] = [];
  page.on("requestfinished", (request) => request.url().includes("wait_ms=0&") || (request.url().endsWith("wait_ms=0") && seen.push(request)));
  await page.getByRole("button", { name: "Start Plain polling" }).click();
  await expect.poll(() => seen.length).toBeGreaterThan(2);
  const path = new URL(seen[2].url()).pathname + new URL(seen[2].url()).search;
  const estimate = await page.evaluate(async (path) => (await import("/lab/bytes.js" as string)).requestBytes("GET", path), path);
  const { requestHeadersSize } = await seen[2].sizes();
  expect(Math.abs(estimate - requestHeadersSize) / requestHeadersSize).toBeLessThan(0.15);
});

test("without scripts the words are there and nothing pretends to work", async ({ browser, farol }) => {
  farol.addUser("vera", "viewer");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "vera", { hydrated: false });
  await page.goto(farol.url + "/lab");
  await expect(page.locator("noscript p")).toBeVisible();
  await expect(page.locator("noscript p")).toContainText("Measuring needs JavaScript");
  await expect(page.getByRole("button", { name: "Start all" })).toBeDisabled();
  await expect(page.getByRole("main")).toContainText("Choose it when only the server talks");
  await context.close();
});

test("the keyboard starts and stops a carrier, and figures that run are clean for axe", async ({ page, farol }) => {
  await open(page, farol);
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.getByRole("button", { name: "Start Server-Sent Events" }).focus();
    await page.keyboard.press("Enter");
    await expect(carrier(page, "Server-Sent Events").locator("[data-figure=p50]")).toContainText("ms");
    await axeClean(page, `/lab, running, ${width} px`);
    await expect(page.getByRole("button", { name: "Stop Server-Sent Events" })).toBeFocused();
    await page.keyboard.press("Space");
    await expect(page.locator("[data-news]")).toContainText("Nothing runs");
  }
});
