// Where a proxy spoils WebSocket, the page finds another way by itself, tells so, and climbs back without a hole.
import { Page } from "@playwright/test";
import { expect, hydrated, signIn, test as base, watchFaults } from "../support/fixtures";
import { Proxy } from "../support/proxy";
import { goesOn, holdsWhatTheServerHolds, rowsOf } from "../support/rows";

const test = base.extend<{ gateway: Proxy }>({
  gateway: async ({ farol }, use) => {
    const proxy = new Proxy(farol);
    await proxy.start();
    await use(proxy);
    await proxy.stop();
  },
  // After `gateway` in the order of set-up, so that the page is left before its server is gone.
  page: async ({ page, gateway: _ }, use) => {
    watchFaults(page).allow(BLOCKED);
    await use(page);
    await page.goto("about:blank");
  },
});

/** What a browser says of refused upgrades and of a server that is away. */
const BLOCKED = /WebSocket connection to|Failed to load resource|ERR_/;
const STREAM = "Live over HTTP stream; WebSocket is blocked here.";
const EVENTS = "Live over Server-Sent Events; WebSocket is blocked here.";
const badge = (page: Page) => page.locator(".connection");

async function numbersChange(page: Page) {
  const main = page.getByRole("main");
  const before = await main.innerText();
  await expect.poll(() => main.innerText()).not.toBe(before);
}

/** Keeps each state that the badge shows from now on. */
async function watchBadge(page: Page) {
  await page.evaluate(() => {
    const badge = document.querySelector(".connection")!;
    (window as any).states = [];
    new MutationObserver(() => (window as any).states.push((badge as HTMLElement).dataset.live)).observe(badge, {
      attributeFilter: ["data-live"],
    });
  });
  return () => page.evaluate(() => (window as any).states as string[]);
}

const comesOnline = (page: Page) => page.evaluate(() => window.dispatchEvent(new Event("online")));

test("where upgrades are refused the page is live over HTTP stream and climbs back without a hole", async ({ page, farol, gateway }) => {
  farol.addUser("ana", "operator");
  await signIn(page, gateway, "ana");
  await expect(badge(page)).toHaveAttribute("title", STREAM);
  await expect(badge(page)).toContainText("Live over HTTP");
  await expect(page.locator("figure canvas").first()).toBeVisible();
  await numbersChange(page);

  const states = await watchBadge(page);
  const upgrades = () => gateway.seen.filter((path) => path === "/connection/websocket").length;
  const before = upgrades();
  await comesOnline(page);
  await expect.poll(upgrades).toBe(before + 1);
  await numbersChange(page);
  await expect(badge(page)).toHaveAttribute("title", STREAM);

  gateway.upgrades = "pass";
  await comesOnline(page);
  await expect(badge(page)).toHaveAttribute("title", "Numbers are live.");
  await numbersChange(page);
  expect(await states(), "the standing connection was never given up").toEqual([]);
  await expect.poll(async () => (await rowsOf(page)).length).toBeGreaterThan(4);
  await holdsWhatTheServerHolds(page, gateway.url + "/");
});

test("where responses are kept until they are whole the page is live over Server-Sent Events, also after a reload", async ({ page, farol, gateway }) => {
  farol.addUser("ana", "viewer");
  gateway.streams = "keep";
  await signIn(page, gateway, "ana");
  await expect(badge(page)).toHaveAttribute("title", EVENTS);
  await numbersChange(page);
  expect(gateway.seen).toContain("/connection/http_stream");

  gateway.seen = [];
  await page.reload();
  await hydrated(page);
  await expect(badge(page)).toHaveAttribute("title", EVENTS);
  expect(gateway.seen, "the tab knows what worked").toEqual(["/connection/sse"]);

  gateway.upgrades = "pass";
  const states = await watchBadge(page);
  await comesOnline(page);
  await expect(badge(page)).toHaveAttribute("title", "Numbers are live.");
  expect(await states()).toEqual([]);
  await holdsWhatTheServerHolds(page, gateway.url + "/");
});

test("where HTTP streams are refused too it goes straight on to Server-Sent Events", async ({ page, farol, gateway }) => {
  farol.addUser("ana", "viewer");
  gateway.streams = "refuse";
  await signIn(page, gateway, "ana");
  await expect(badge(page)).toHaveAttribute("title", EVENTS);
  expect(gateway.seen).toEqual(["/connection/websocket", "/connection/websocket", "/connection/http_stream", "/connection/sse"]);
  await numbersChange(page);
});

test("an upgrade that is never answered is given up after one attempt", async ({ page, farol, gateway }) => {
  farol.addUser("ana", "viewer");
  gateway.upgrades = "hang";
  await signIn(page, gateway, "ana");
  await expect(badge(page)).toHaveAttribute("title", STREAM);
  expect(gateway.seen).toEqual(["/connection/websocket", "/connection/http_stream"]);
  await numbersChange(page);
});

for (const upgrades of ["refuse", "pass"] as const) {
  const carrier = upgrades === "pass" ? "/connection/websocket" : "/connection/http_stream";
  test(`a restart of the server over ${carrier} stays on it and leaves no hole`, async ({ page, farol, gateway }) => {
    farol.addUser("ana", "viewer");
    gateway.upgrades = upgrades;
    await signIn(page, gateway, "ana");
    await expect(badge(page)).toHaveAttribute("data-live", "live");
    await numbersChange(page);
    gateway.seen = [];
    const states = await watchBadge(page);
    const before = await rowsOf(page);
    await farol.restart();
    await expect.poll(states).toContain("live");
    await expect(badge(page)).toHaveAttribute("data-live", "live");
    expect(new Set(gateway.seen)).toEqual(new Set([carrier]));
    await expect.poll(() => goesOn(page, before)).toBe(true);
    await holdsWhatTheServerHolds(page, gateway.url + "/", BLOCKED);
  });
}

test("sign-out ends a connection over HTTP stream for good", async ({ page, farol, gateway }) => {
  farol.addUser("ana", "viewer");
  await signIn(page, gateway, "ana");
  await expect(badge(page)).toHaveAttribute("title", STREAM);
  const other = await page.context().newPage();
  await other.goto(gateway.url + "/");
  await hydrated(other);
  await other.getByLabel("Your account").click();
  await other.getByRole("button", { name: "Sign out" }).click();
  await expect(badge(page)).toHaveAttribute("data-live", "signed-out");
  await other.close();
});
