import { expect, signIn, test, watchFaults } from "../support/fixtures";
import { holdsWhatTheServerHolds, rowsOf } from "../support/rows";

test("the overview is drawn without scripts, with charts and current numbers", async ({ browser, farol }) => {
  await farol.addUser("ana", "viewer");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "ana", { hydrated: false });
  await expect
    .poll(async () => {
      await page.reload();
      return page.locator("figure svg").count();
    })
    .toBeGreaterThan(2);
  await expect(page.getByRole("main")).toContainText("%");
  await expect(page.getByRole("main")).toContainText(/[KMGT]iB/);
  await page.getByRole("link", { name: "15 min" }).click();
  await expect(page).toHaveURL(farol.url + "/?range=15m");
  await expect(page.locator("figure.still")).toHaveCount(4);
  await page.getByRole("link", { name: "Live", exact: true }).click();
  await expect(page.locator("figure.still")).toHaveCount(0);
  await context.close();
});

test("the overview comes alive: numbers change, charts become canvases, nothing complains", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await expect(page.locator(".connection")).toContainText("Live");
  await expect(page.locator("figure canvas").first()).toBeVisible();
  const main = page.getByRole("main");
  const before = await main.innerText();
  await expect.poll(() => main.innerText()).not.toBe(before);
});

test("the layout does not move when the page comes alive", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await page.addInitScript(() => {
    (window as any).shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as any[]) if (!entry.hadRecentInput) (window as any).shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await signIn(page, farol, "ana");
  await expect(page.locator("figure canvas").first()).toBeVisible();
  expect(await page.evaluate(() => (window as any).shift)).toBeLessThan(0.02);
});

test("a restart of the server leaves no hole in a chart that the server does not have", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await expect(page.locator(".connection")).toContainText("Live");
  watchFaults(page).allow(/WebSocket|ERR_CONNECTION_REFUSED|Failed to load resource/);
  await farol.restart();
  await expect(page.locator(".connection")).toContainText(/Reconnecting|Live/);
  await expect(page.locator(".connection")).toContainText("Live");
  await expect.poll(async () => (await rowsOf(page)).length).toBeGreaterThan(4);
  await holdsWhatTheServerHolds(page, farol.url + "/");
});
