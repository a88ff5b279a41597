import { Browser, Page } from "@playwright/test";
import { axeClean, expect, hydrated, PASSWORD, screenshot, signIn, test, watchFaults } from "../support/fixtures";
import { Farol } from "../support/farol";

/** A browser of its own, signed in and live. */
async function another(browser: Browser, farol: Farol, name: string): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, farol, name);
  await expect(page.locator(".connection")).toContainText("Live");
  return page;
}

async function addUser(page: Page, name: string, role: string) {
  const form = page.getByRole("region", { name: "Add a user" });
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Role").selectOption(role);
  await form.getByLabel("Password, at least 12 characters").fill(PASSWORD);
  await form.getByLabel("The same again").fill(PASSWORD);
  await form.getByRole("button", { name: "Add user" }).click();
}

test.beforeEach(async ({ farol }) => {
  farol.addUser("adela", "admin");
  farol.addUser("olga", "operator");
});

test("an administrator makes a user, and that user is signed out live from two browsers", async ({ page, browser, farol }) => {
  await signIn(page, farol, "adela");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Settings" }).click();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await addUser(page, "nora", "operator");
  await expect(page.getByRole("status").filter({ hasText: "Added nora as operator" })).toBeVisible();

  const first = await another(browser, farol, "nora");
  const second = await another(browser, farol, "nora");
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByRole("link", { name: "Show everybody's" }).click();
  const rows = page.getByRole("row").filter({ hasText: "nora" });
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText("Chrome on Linux");

  // The last seen is the first: the second browser.
  await rows.first().getByRole("button", { name: /Sign out/ }).click();
  await expect(page.getByRole("status").filter({ hasText: "That session of nora has ended" })).toBeVisible();
  await expect(second.locator(".connection")).toContainText("Signed out");
  await expect(first.locator(".connection")).toContainText("Live");

  // Disabling shows first what will happen, and ends the other one too.
  await page.getByText("Disable nora").first().click();
  await expect(page.getByText("nora is signed out everywhere at once")).toBeVisible();
  await page.getByRole("button", { name: "Disable nora" }).click();
  await expect(page.getByText("nora is disabled and signed out everywhere")).toBeVisible();
  await expect(first.locator(".connection")).toContainText("Signed out");
  await first.context().close();
  await second.context().close();
});

test("a scoped token is shown once and does what it may", async ({ page, farol, request }) => {
  await signIn(page, farol, "adela");
  await page.goto(farol.url + "/settings/tokens");
  await hydrated(page);
  await expect(page.getByText("No tokens")).toBeVisible();
  const form = page.getByRole("region", { name: "Make a token" });
  await form.getByLabel("What it is for").fill("deploy web");
  await form.getByLabel("It holds").selectOption("7 days");
  await form.getByLabel("See metrics, facts").check();
  await form.getByLabel("Or only these actions, one a line").fill("run:service.restart on web-*");
  await form.getByRole("button", { name: "Make token" }).click();
  const token = await page.getByLabel("The new token").inputValue();
  expect(token).toMatch(/^farol_[0-9a-f]{64}$/);
  const row = page.getByRole("row").filter({ hasText: "deploy web" });
  await expect(row).toContainText("view_metrics, run:service.restart on web-*");

  const headers = { authorization: `Bearer ${token}` };
  expect((await request.get(farol.url + "/api/fn/host", { headers })).status()).toBe(200);
  expect((await request.get(farol.url + "/api/fn/audit", { headers })).status()).toBe(403);
  await page.reload();
  await expect(page.getByLabel("The new token")).toHaveCount(0);
  await expect(page.locator("body")).not.toContainText(token);

  await row.getByText("Revoke…").click();
  await row.getByRole("button", { name: "Revoke" }).click();
  await expect(row).toContainText("Revoked");
  expect((await request.get(farol.url + "/api/fn/host", { headers })).status()).toBe(401);
});

test("an operator manages their own sessions and tokens and is refused the users", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  await page.goto(farol.url + "/settings");
  await hydrated(page);
  const sections = page.getByRole("navigation", { name: "Settings" });
  await expect(sections.getByRole("link")).toHaveText(["Roles", "Sessions", "API tokens"]);
  await expect(page.getByRole("heading", { name: "Your sessions" })).toBeVisible();
  await expect(page.getByText("This one")).toBeVisible();
  await sections.getByRole("link", { name: "Roles" }).click();
  await expect(page.getByRole("row").filter({ hasText: "manage_users" })).toContainText(/no\s*no\s*yes/);
  watchFaults(page).allow(/403/);
  const answer = await page.goto(farol.url + "/settings/users");
  expect(answer!.status()).toBe(403);
  await expect(page.getByRole("main")).toContainText("Not for your role");
  await expect(page.getByRole("main")).not.toContainText("adela");
});

test("all of it works without scripts", async ({ browser, farol }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "adela", { hydrated: false });
  await page.goto(farol.url + "/settings/users");
  await addUser(page, "nora", "viewer");
  await expect(page.getByText("Added nora as viewer")).toBeVisible();
  await page.getByRole("link", { name: "nora" }).click();
  await page.getByRole("combobox", { name: "Role" }).selectOption("operator");
  await page.getByRole("button", { name: "Set role" }).click();
  await expect(page.getByText("nora is operator now")).toBeVisible();
  await page.getByText("Disable nora…").click();
  await page.getByRole("button", { name: "Disable nora" }).click();
  await expect(page.getByText("Enable nora")).toBeVisible();
  await page.goto(farol.url + "/settings/users/adela");
  await expect(page.getByText("Not for you to change")).toBeVisible();
  await context.close();
});

test("a token of somebody else is trusted after a look at what that means, and trusted no more", async ({ page, farol }) => {
  farol.addToken("olga");
  await signIn(page, farol, "adela");
  await page.goto(farol.url + "/settings/users/olga");
  await hydrated(page);
  await expect(page.getByText("None: the password alone signs them in.")).toBeVisible();
  const row = page.getByRole("region", { name: "API tokens" }).getByRole("row").nth(1);
  await row.getByText("Trust…").click();
  await expect(row).toContainText("may then run dangerous actions, and nobody is asked for a proof");
  await row.getByRole("button", { name: "Trust", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: "may run dangerous actions from now on" })).toBeVisible();
  await expect(row).toContainText("Dangerous actions without proof");
  await axeClean(page, "a trusted token");
  await row.getByRole("button", { name: /^Trust no more/ }).click();
  await expect(page.getByRole("status").filter({ hasText: "may run no dangerous action any more" })).toBeVisible();
  await expect(row).not.toContainText("Dangerous actions without proof");
});

const LONG = "a-name-of-sixty-four-characters-which-is-the-longest-that-fits-x";

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`settings are clean for axe, ${theme}, ${width} px`, async ({ page, farol }) => {
      farol.addUser(LONG, "viewer");
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: theme });
      await signIn(page, farol, "adela");
      farol.addToken("adela");
      for (const path of ["users", `users/${LONG}`, "roles", "sessions", "sessions?of=all", "tokens"]) {
        await page.goto(`${farol.url}/settings/${path}`);
        await hydrated(page);
        for (const button of await page.locator("details.armed > summary").all()) await button.click();
        await axeClean(page, path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(wide, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
        await screenshot(page, `settings-${path.replaceAll(/[/?=]/g, "-").slice(0, 20)}-${theme}-${width}`);
      }
    });
  }
}
