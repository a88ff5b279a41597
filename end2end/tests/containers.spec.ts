import { join } from "node:path";
import { Page } from "@playwright/test";
import { Engine } from "../support/engine";
import { Farol } from "../support/farol";
import { axeClean, expect, hydrated, screenshot, signIn, test, watchFaults } from "../support/fixtures";

test.use({ config: `[containers]\nsocket = "@DIR@/engine.sock"\n` });

test.beforeEach(async ({ farol }) => {
  farol.addUser("olga", "operator");
  farol.addUser("vera", "viewer");
});

async function open(page: Page, farol: Farol, name = "olga") {
  await signIn(page, farol, name);
  await page.goto(farol.url + "/containers");
  await hydrated(page);
}

async function withEngine(farol: Farol, more: number, run: () => Promise<void>) {
  const engine = await Engine.start(join(farol.dir, "engine.sock"), more);
  try {
    await run();
  } finally {
    await engine.stop();
  }
}

const rowOf = (page: Page, name: string) => page.locator(".container-table tr.row").filter({ has: page.getByRole("link", { name, exact: true }) });

test("without a socket the page says how to enable one, and finds an engine that comes", async ({ page, farol }) => {
  await open(page, farol);
  const main = page.getByRole("main");
  await expect(main).toContainText("No container engine answers");
  await expect(main).toContainText("engine.sock: there is no socket");
  await expect(main).toContainText("systemctl --user enable --now podman.socket");
  await expect(page.getByRole("searchbox")).toBeHidden();
  await axeClean(page, "containers without an engine");
  await screenshot(page, "containers-no-engine");
  await withEngine(farol, 0, async () => {
    await expect(rowOf(page, "web")).toBeVisible({ timeout: 15_000 });
    await expect(main).not.toContainText("No container engine answers");
  });
});

test("containers are listed, their numbers move, their log goes on, and one is stopped and started", async ({ page, farol }) => {
  await withEngine(farol, 0, async () => {
    await open(page, farol);
    await expect(page.locator(".container-table tr.row")).toHaveCount(4);
    await expect(rowOf(page, "old").locator(".col-state")).toHaveText("exited");
    await expect(rowOf(page, "db").locator(".col-cpu")).toHaveText(/^1[45]\d\s%/);
    await page.getByRole("searchbox").fill("DB");
    await expect(page.locator(".container-table tr.row")).toHaveCount(1);
    await page.getByRole("searchbox").fill("");
    await rowOf(page, "web").getByRole("link").click();

    const drawer = page.getByRole("region", { name: "web" });
    await expect(drawer.getByRole("figure").first()).toBeVisible();
    await expect(drawer.locator("figure canvas").first()).toBeVisible();
    const log = drawer.getByRole("log", { name: "Log of the container" });
    await expect(log).toContainText("web line");
    const before = (await log.innerText()).length;
    await expect.poll(async () => (await log.innerText()).length).toBeGreaterThan(before);
    await expect(log.locator(".stderr").first()).toContainText("web line");
    await drawer.getByRole("link", { name: "Inspect" }).click();
    await expect(drawer).toContainText("SECRET_TOKEN");
    expect(await drawer.innerText()).not.toContain("SECRET_TOKEN=abc");
    await axeClean(page, "the details of a container");
    await screenshot(page, "container-details");

    await expect(drawer.getByRole("article", { name: "Start a container", exact: true })).toHaveCount(0);
    const stop = drawer.getByRole("article", { name: "Stop a container", exact: true });
    await stop.getByRole("button", { name: "Stop a container", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText("Stop the container web");
    await dialog.getByRole("button", { name: "Stop the container web" }).click();
    await expect(stop.getByRole("status").first()).toContainText("Succeeded");
    await expect(stop).toContainText("Stopped web.");
    await expect(rowOf(page, "web").locator(".col-state")).toHaveText("exited");
    await expect(log).toContainText("does not run");
    const start = drawer.getByRole("article", { name: "Start a container", exact: true });
    await start.getByRole("button", { name: "Start a container", exact: true }).click();
    await expect(start).toContainText("Started web.");
    await expect(rowOf(page, "web").locator(".col-state")).toHaveText("running");
    await expect(log).toContainText("web started");
    await page.keyboard.press("Escape");
    await expect(drawer).toHaveCount(0);
    await page.goto(farol.url + "/audit");
    await expect(page.getByRole("main")).toContainText("run.container.stop");
  });
});

test("a log is searched, held still and downloaded as the output of a run is", async ({ page, farol }) => {
  await withEngine(farol, 0, async () => {
    await open(page, farol);
    await rowOf(page, "web").getByRole("link").click();
    const box = page.getByRole("region", { name: "Log", exact: true });
    const log = box.getByRole("log");
    await expect(log).toContainText("web line");
    const find = box.getByRole("searchbox", { name: "Find in output" });
    await find.fill("WEB LINE");
    await expect(find).toHaveAttribute("title", /^1 of \d+$/);
    await find.press("Enter");
    await expect(find).toHaveAttribute("title", /^2 of \d+$/);
    await box.getByRole("checkbox", { name: "Pause" }).check();
    const held = await log.innerText();
    const [download] = await Promise.all([page.waitForEvent("download"), box.getByRole("link", { name: "Download log" }).click()]);
    const text = (await (await download.createReadStream()).toArray()).join("");
    expect(text).toContain("web line");
    // It went on meanwhile, and what was held still did not.
    await expect.poll(async () => (await (await page.request.get(download.url())).text()).length).toBeGreaterThan(text.length);
    expect(await log.innerText()).toBe(held);
    await box.getByRole("checkbox", { name: "Pause" }).uncheck();
    await expect.poll(async () => (await log.innerText()).length).toBeGreaterThan(held.length);
    await axeClean(page, "the log of a container");
  });
});

test("an order by keyboard alone opens the panel beside the container", async ({ page, farol }) => {
  await withEngine(farol, 0, async () => {
    await open(page, farol);
    await expect(rowOf(page, "web")).toBeVisible();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("restart web");
    await expect(page.locator("#found").getByRole("option").first()).toContainText("Restart web");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Restart a container" })).toBeFocused();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("start old");
    await expect(page.locator("#found").getByRole("option").first()).toContainText("Start old");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("region", { name: "old" }).getByRole("heading", { name: "Start a container" })).toBeFocused();
  });
});

test("a viewer sees containers and their numbers, and neither logs nor orders", async ({ page, farol }) => {
  await withEngine(farol, 0, async () => {
    await open(page, farol, "vera");
    await rowOf(page, "web").getByRole("link").click();
    const drawer = page.getByRole("region", { name: "web" });
    await expect(drawer.locator("figure canvas").first()).toBeVisible();
    await expect(drawer.getByRole("log")).toHaveCount(0);
    await expect(drawer.getByRole("article")).toHaveCount(0);
    await expect(drawer.getByRole("link", { name: "Inspect" })).toHaveCount(0);
    watchFaults(page).allow(/403/);
    const called = await page.evaluate(async () => {
      const body = new URLSearchParams({ action: "container.stop", key: "direct-call-1", confirm: "true" });
      return (await fetch("/api/fn/run", { method: "POST", body })).status;
    });
    expect(called).toBe(403);
  });
});

test("an engine that goes away is told, and what was known stays", async ({ page, farol }) => {
  await withEngine(farol, 0, async () => {
    await open(page, farol);
    await expect(rowOf(page, "web")).toBeVisible();
  });
  await expect(page.getByRole("main")).toContainText("The container engine does not answer");
  await expect(rowOf(page, "web")).toBeVisible();
});

test("without scripts the table is drawn, sorted and filtered by a form", async ({ browser, farol }) => {
  await withEngine(farol, 0, async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await signIn(page, farol, "olga", { hydrated: false });
    await expect(async () => {
      await page.goto(farol.url + "/containers");
      await expect(page.locator(".container-table tr.row")).toHaveCount(4, { timeout: 500 });
    }).toPass();
    await page.getByRole("searchbox").fill("terminal");
    await page.getByRole("button", { name: "Filter" }).click();
    await expect(page.locator(".container-table tr.row")).toHaveCount(1);
    await rowOf(page, "terminal").getByRole("link").click();
    const drawer = page.getByRole("region", { name: "terminal" });
    await expect(drawer).toContainText("running");
    await drawer.getByRole("link", { name: "Inspect" }).click();
    await expect(page.getByRole("region", { name: "terminal" })).toContainText("SECRET_TOKEN");
    await context.close();
  });
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`two hundred containers and the details of one are clean for axe, ${theme}, ${width} px`, async ({ page, farol }) => {
      await withEngine(farol, 200, async () => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: theme });
        await open(page, farol);
        await expect(page.getByRole("main")).toContainText("64 containers are measured");
        await expect(rowOf(page, "db").locator(".col-cpu")).toHaveText(/%/);
        await axeClean(page, "two hundred containers");
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(wide, "scrolls sideways").toBeLessThanOrEqual(0);
        await screenshot(page, `containers-200-${theme}-${width}`);
        await rowOf(page, "db").getByRole("link").click();
        const drawer = page.getByRole("region", { name: "db" });
        await expect(drawer.locator("figure canvas").first()).toBeVisible();
        await expect(drawer.getByRole("log", { name: "Log of the container" })).toContainText("db line");
        await axeClean(page, "the details");
        await screenshot(page, `container-drawer-${theme}-${width}`);
      });
    });
  }
}
