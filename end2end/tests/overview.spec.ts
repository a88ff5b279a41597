import { expect, signIn, test, watchFaults } from "../support/fixtures";
import { goesOn, holdsWhatTheServerHolds, newestOf, rowsOf } from "../support/rows";
import { commands, idOf, notNow } from "../support/wire";

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
  for (let at = 0; at < (await page.locator(".plot").count()); at += 1) {
    const newest = await newestOf(page, at);
    await expect.poll(() => newestOf(page, at), `chart ${at} goes on`).not.toBe(newest);
  }
});

test("a channel that is refused for the time being is asked for again, without anybody doing anything", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  const refused: number[] = [];
  await page.routeWebSocket(/\/connection\/websocket/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const passed = commands(Buffer.from(message)).filter((command) => {
        if (refused.length === 2 || !command.includes("metrics/local/cpu")) return true;
        refused.push(idOf(command));
        socket.send(notNow(idOf(command)));
        return false;
      });
      if (passed.length > 0) server.send(Buffer.concat(passed));
    });
  });
  await signIn(page, farol, "ana");
  await expect.poll(() => refused.length).toBe(2);
  const newest = await newestOf(page, 0);
  await expect.poll(() => newestOf(page, 0)).not.toBe(newest);
  expect(new Set(refused).size, "each time by a command of its own").toBe(2);
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

test("after a restart of the server charts go on from what they showed, without a hole that the server does not have", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await expect(page.locator(".connection")).toContainText("Live");
  watchFaults(page).allow(/WebSocket|ERR_CONNECTION_REFUSED|Failed to load resource/);
  const before = await rowsOf(page);
  await farol.restart();
  await expect(page.locator(".connection")).toContainText(/Reconnecting|Live/);
  await expect(page.locator(".connection")).toContainText("Live");
  await expect.poll(() => goesOn(page, before)).toBe(true);
  await holdsWhatTheServerHolds(page, farol.url + "/");
});
