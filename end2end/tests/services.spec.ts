import { Farol } from "../support/farol";
import { axeClean, expect, hydrated, screenshot, signIn, test, watchFaults } from "../support/fixtures";
import { Systemd } from "../support/systemd";

const UNITS = {
  "sleepy.service":
    "[Unit]\nDescription=Sleeps all day\n[Service]\nExecStart=/bin/sh -c 'echo hello from sleepy; exec sleep 1000'\n[Install]\nWantedBy=default.target\n",
  "broken.service":
    // It ends when its line is in the journal: of a process that has ended before, journald may not know which unit it was.
    "[Unit]\nDescription=Never starts\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo no room left >&2; until journalctl --quiet --directory=/run/log/journal --output=cat | grep -q no.room.left; do sleep 0.05; done; exit 3'\n",
  "ssh.service": "[Unit]\nDescription=A way in\n[Service]\nExecStart=/bin/sleep 1000\n",
};

test.describe("without systemd", () => {
  test.use({ config: '[services]\nbus = "unix:path=@DIR@/nobody"\n' });

  test("the page says so and what to do", async ({ page, farol }) => {
    farol.addUser("olga", "operator");
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/services");
    await hydrated(page);
    await expect(page.getByText("No systemd here")).toBeVisible();
    await expect(page.getByText("/run/dbus/system_bus_socket")).toBeVisible();
    await axeClean(page, "/services without systemd");
  });
});

test.describe("with systemd", () => {
  test.skip(process.getuid?.() !== 0, "a systemd of its own needs root");
  const systemd = new Systemd();
  let farol: Farol;

  test.use({ farol: async ({}, use) => use(farol) });
  test.describe.configure({ mode: "serial" });

  test.beforeAll(async () => {
    await systemd.start(UNITS);
    farol = new Farol(systemd.config);
    await farol.start();
    farol.addUser("olga", "operator");
    farol.addUser("vera", "viewer");
  });
  test.afterAll(async () => {
    await farol?.dispose();
    await systemd.dispose();
  });

  test("a service is started and restarted beside its state, which changes live", async ({ page, browser }) => {
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/services");
    await hydrated(page);
    const row = page.locator(".service-table tr.row").filter({ hasText: "sleepy" });
    await expect(row.locator(".col-state")).toHaveText("inactive");
    // Somebody else looks at the same time, and sees it happen.
    const context = await browser.newContext();
    const other = await context.newPage();
    await signIn(other, farol, "vera");
    await other.goto(farol.url + "/services?q=sleepy");
    await hydrated(other);

    await row.getByRole("link").click();
    const drawer = page.getByRole("region", { name: "sleepy.service" });
    await drawer.getByRole("button", { name: "Start", exact: true }).click();
    await expect(drawer.getByText("sleepy.service was started.")).toBeVisible();
    await expect(row.locator(".col-state")).toHaveText("active (running)");
    await expect(other.locator(".service-table .col-state").last()).toHaveText("active (running)");
    await expect(drawer).toContainText("hello from sleepy");
    const pid = drawer.locator("dt", { hasText: "Main process" }).locator("+ dd");
    await expect(pid).toHaveText(/^\d+$/);
    const before = await pid.innerText();
    await drawer.getByRole("button", { name: "Restart", exact: true }).click();
    await expect(drawer.getByText("sleepy.service was restarted.")).toBeVisible();
    await expect(pid).not.toHaveText(before);
    await axeClean(page, "the details of a service");
    await screenshot(page, "services-details-1440");
    await context.close();
  });

  test("an order by keyboard alone opens the panel beside the service, which does it", async ({ page }) => {
    await signIn(page, farol, "olga");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("restart sleepy");
    await expect(page.getByRole("option").first()).toContainText("Restart sleepy.service");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/services\?id=sleepy\.service#p-service-restart-title$/);
    const drawer = page.getByRole("region", { name: "sleepy.service" });
    await expect(drawer.getByRole("heading", { name: "Restart", exact: true })).toBeFocused();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expect(drawer.getByText("sleepy.service was restarted.")).toBeVisible();
    await expect(drawer.getByText("It printed nothing.")).toHaveCount(1);
    await expect(drawer.getByText("Nothing printed yet.")).toBeHidden();
  });

  test("what failed stands first, and its run says the line that failed first", async ({ page }) => {
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/services?id=broken.service");
    await hydrated(page);
    const drawer = page.getByRole("region", { name: "broken.service" });
    await drawer.getByRole("button", { name: "Start", exact: true }).click();
    await expect(drawer.getByText("no room left").first()).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.locator(".service-table tr.row").first()).toContainText("broken");
    await expect(page.locator(".service-table tr.row .col-state").first()).toHaveText("failed (exit-code)");
  });

  test("what carries the way in is asked about before it is stopped", async ({ page }) => {
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/services?id=ssh.service");
    await hydrated(page);
    const drawer = page.getByRole("region", { name: "ssh.service" });
    await expect(drawer.getByText("It carries a way into this machine.")).toBeVisible();
    await drawer.getByRole("button", { name: "Stop", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByRole("button", { name: "Stop ssh.service" })).toBeVisible();
    await dialog.getByRole("button", { name: "Keep as it is" }).click();
    await expect(dialog).toHaveCount(0);
  });

  test("a viewer sees services without buttons and without logs, and is refused by the call", async ({ page }) => {
    await signIn(page, farol, "vera");
    await page.goto(farol.url + "/services?id=sleepy.service");
    await hydrated(page);
    const drawer = page.getByRole("region", { name: "sleepy.service" });
    await expect(drawer).toContainText("Your role may not read logs.");
    await expect(drawer.getByRole("button")).toHaveCount(0);
    watchFaults(page).allow(/403/);
    const status = await page.evaluate(async () => {
      const body = new URLSearchParams({ action: "service.stop", key: "viewer-key-0001", "params[service]": "sleepy.service" });
      return (await fetch("/api/fn/run", { method: "POST", body })).status;
    });
    expect(status).toBe(403);
  });

  test("without scripts a service is stopped by a plain form", async ({ browser }) => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await signIn(page, farol, "olga", { hydrated: false });
    await page.goto(farol.url + "/services?id=sleepy.service");
    await expect(page.getByText("hello from sleepy").first()).toBeVisible();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await expect(page).toHaveURL(/\/controls\/runs\//);
    await context.close();
  });

  for (const theme of ["light", "dark"] as const) {
    for (const width of [1440, 390]) {
      test(`the page is clean for axe, ${theme}, ${width} px`, async ({ page }) => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: theme });
        await signIn(page, farol, "olga");
        await page.goto(farol.url + "/services");
        await hydrated(page);
        await expect(page.locator(".service-table tr.row").first()).toBeVisible();
        await axeClean(page, "/services");
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(wide).toBeLessThanOrEqual(0);
        await screenshot(page, `services-${theme}-${width}`);
      });
    }
  }
});
