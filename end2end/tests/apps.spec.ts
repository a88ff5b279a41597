import { createServer, Server } from "node:http";
import { AddressInfo } from "node:net";
import { axeClean, expect, hydrated, screenshot, signIn, test } from "../support/fixtures";

async function push(farol: { url: string }, token: string, source: string, values: object[]) {
  const answer = await fetch(`${farol.url}/api/v1/push?source=${source}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(values),
  });
  expect(answer.status).toBe(200);
}

test.describe("applications", () => {
  test.use({ config: "[ingest]\nmax_series = 40\n" });

  test("an empty page says how to send; what is pushed appears, with live charts, and the limit is told", async ({ page, farol }) => {
    farol.addUser("olga", "operator");
    const token = farol.addToken("olga");
    await signIn(page, farol, "olga");
    await page.getByRole("link", { name: "Applications" }).first().click();
    await expect(page.getByText("Nothing is sent here yet")).toBeVisible();
    await expect(page.getByText("curl https://farol.example.org/api/v1/push")).toBeVisible();
    await axeClean(page, "/apps without sources");
    await screenshot(page, "apps-empty-1440");

    // It comes by itself.
    await push(farol, token, "shop", [{ name: "queue_length", labels: { queue: "mail" }, value: 17 }]);
    const row = page.getByRole("row").filter({ hasText: "shop" });
    await expect(row).toContainText("up");
    await row.getByRole("link", { name: "shop" }).click();
    await expect(page.getByRole("heading", { name: "shop", level: 1 })).toBeVisible();
    const chart = page.locator("figure").filter({ hasText: "queue_length" });
    await expect(chart.locator("canvas")).toBeVisible();
    await expect(chart).toContainText("mail");
    await expect(chart).toContainText("17");
    // Live: the legend follows what is pushed.
    await push(farol, token, "shop", [{ name: "queue_length", labels: { queue: "mail" }, value: 23 }]);
    await expect(chart).toContainText("23");

    const many = Array.from({ length: 60 }, (_, n) => ({ name: `metric_${n}_with_a_name_that_is_rather_long_bytes`, value: n }));
    await push(farol, token, "shop", many);
    await expect(page.getByText("The limit of series is reached")).toBeVisible({ timeout: 15_000 });
    await page.reload();
    await hydrated(page);
    await expect(page.getByText("1 to 24 of 40 charts")).toBeVisible();
    await axeClean(page, "/apps/shop");
    await screenshot(page, "apps-shop-1440");
    await page.getByRole("link", { name: "Further" }).click();
    await expect(page.getByText("25 to 40 of 40 charts")).toBeVisible();
    await page.getByLabel("Find charts by name, label or help").fill("queue");
    await page.getByRole("button", { name: "Find" }).click();
    await expect(page.getByText("1 to 1 of 1 chart", { exact: true })).toBeVisible();
    await expect(page.locator("figure")).toHaveCount(1);
  });
});

test.describe("checks", () => {
  let site: Server;
  let well = true;

  test.use({
    farol: async ({ }, use) => {
      site = createServer((_, answer) => {
        answer.statusCode = well ? 200 : 503;
        answer.end("hello");
      });
      await new Promise<void>((ready) => site.listen(0, "127.0.0.1", ready));
      const { port } = site.address() as AddressInfo;
      const { Farol } = await import("../support/farol");
      const check = (name: string, kind: string, target: string) =>
        `[[check]]\nname = "${name}"\nkind = "${kind}"\ntarget = "${target}"\ninterval_secs = 1\nfails_after = 2\n`;
      const farol = new Farol(check("shop front", "http", `http://127.0.0.1:${port}/`) + check("nobody", "tcp", "127.0.0.1:1"));
      await farol.start();
      await use(farol);
      await farol.dispose();
      site.close();
    },
  });

  test("how each stands is told and changes by itself", async ({ page, farol }) => {
    farol.addUser("vera", "viewer");
    await signIn(page, farol, "vera");
    await page.goto(farol.url + "/checks");
    await hydrated(page);
    const table = page.getByRole("region", { name: "Table of checks" });
    const shop = table.getByRole("row").filter({ hasText: "shop front" });
    await expect(shop).toContainText("well", { timeout: 15_000 });
    await expect(table.getByRole("row").filter({ hasText: "nobody" })).toContainText("failing", { timeout: 15_000 });
    well = false;
    await expect(shop).toContainText("answers 503 Service Unavailable", { timeout: 20_000 });
    await expect(shop).toContainText("failing", { timeout: 20_000 });
    await expect(page.getByRole("region", { name: "Table of changes" })).toContainText("answers 503");
    await axeClean(page, "/checks");
    await screenshot(page, "checks-failing-1440");
    await page.getByRole("link", { name: "Charts", exact: true }).click();
    await expect(page.locator("figure").filter({ hasText: "Duration" })).toBeVisible();
  });
});

test("without JavaScript the pages say the same", async ({ browser, farol }) => {
  farol.addUser("olga", "operator");
  await push(farol, farol.addToken("olga"), "shop", [{ name: "queue_length", value: 17 }]);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "olga", { hydrated: false });
  await expect(async () => {
    await page.goto(farol.url + "/apps/shop");
    await expect(page.locator("figure svg").first()).toBeVisible({ timeout: 500 });
  }).toPass();
  await page.goto(farol.url + "/checks");
  await expect(page.getByText("Nothing is checked yet")).toBeVisible();
  await context.close();
});
