import { Browser, Page } from "@playwright/test";
import { axeClean, expect, hydrated, signIn, test, watchFaults } from "../support/fixtures";
import { Farol } from "../support/farol";

/** A browser of its own, signed in and live. */
async function another(browser: Browser, farol: Farol, name: string): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, farol, name);
  await expect(page.locator(".connection")).toContainText("Live");
  return page;
}

async function openConnections(page: Page, farol: Farol) {
  await signIn(page, farol, "olga");
  await page.goto(farol.url + "/connections");
  await hydrated(page);
}

test.beforeEach(async ({ farol }) => {
  farol.addUser("olga", "operator");
  farol.addUser("vera", "viewer");
});

test("an operator sees both browsers, filters, sorts, and reads the frames of one", async ({ page, browser, farol }) => {
  const other = await another(browser, farol, "vera");
  await openConnections(page, farol);
  const rows = page.locator(".connection-table tr.row");
  await expect(rows).toHaveCount(2);
  const head = page.getByRole("status").filter({ hasText: "connection" }).first();
  await expect(head).toContainText("2 connections");
  await page.getByRole("searchbox").fill("VERA");
  await expect(rows).toHaveCount(1);
  await expect(head).toContainText("1 of 2 connections match");
  await page.getByRole("searchbox").fill("nobody is called so");
  await expect(page.getByText("No connection matches")).toBeVisible();
  await page.getByRole("searchbox").fill("");
  await expect(rows).toHaveCount(2);
  const byUser = page.getByRole("columnheader", { name: "User" });
  await byUser.getByRole("button").click();
  await expect(rows.first()).toContainText("olga");
  await expect(byUser).toHaveAttribute("aria-sort", "ascending");
  await byUser.getByRole("button").click();
  await expect(rows.first()).toContainText("vera");

  // Numbers live: the page of the other gets frames all the time.
  await page.mouse.move(0, 0);
  const sent = rows.first().locator(".col-sent_frames");
  await expect(sent).toHaveText(/^[1-9]/);
  await rows.first().getByRole("link").click();
  const drawer = page.getByRole("region", { name: "Connection of vera" });
  await expect(drawer).toContainText("room/overview");
  await expect(drawer).toContainText("metrics/local/cpu");
  await expect(drawer.locator("dt", { hasText: "Clock" }).locator("+ dd")).toHaveText(/ours/);
  await drawer.getByRole("link", { name: "Read the last frames" }).click();
  await expect(drawer.locator(".frames pre").first()).toContainText('"');
  await axeClean(page, "the details of a connection");
  await page.keyboard.press("Escape");
  await expect(drawer).toHaveCount(0);
  await other.context().close();
  await expect(rows).toHaveCount(1);
});

test("a connection is ended with a reason: for good, or to come back", async ({ page, browser, farol }) => {
  const other = await another(browser, farol, "vera");
  await openConnections(page, farol);
  const row = page.locator(".connection-table tr.row").filter({ hasText: "vera" });
  const disconnect = async (reason: string, then: string) => {
    await row.getByRole("link").click();
    const panel = page.getByRole("article", { name: "Disconnect a client" });
    await panel.getByLabel("Reason").fill(reason);
    await panel.getByLabel("Afterwards").selectOption({ label: then });
    await panel.getByRole("button", { name: "Disconnect a client" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Disconnect a client" }).click();
    await expect(panel.getByRole("status").first()).toContainText("Succeeded");
    await expect(page.getByText("Not connected now")).toBeVisible();
  };
  await disconnect("a cable is moved", "It may come back at once");
  await page.keyboard.press("Escape");
  await expect(row).toHaveCount(1);
  await expect(other.locator(".connection")).toContainText("Live");

  await disconnect("the screen is in the way", "It stays away until its page is opened again");
  await expect(other.locator(".connection")).toContainText("Not live");
  await expect(other.locator(".connection")).toHaveAttribute("title", /ended by an operator: the screen is in the way/);
  await page.goto(farol.url + "/audit");
  await expect(page.getByRole("main")).toContainText("the screen is in the way");
  await expect(page.getByRole("main")).toContainText("a cable is moved");
  await other.context().close();
});

test("numbers that can not be read anew are called old", async ({ page, farol }) => {
  await openConnections(page, farol);
  await expect(page.locator(".connection-table tr.row")).toHaveCount(1);
  watchFaults(page).allow(/WebSocket|ERR_CONNECTION_REFUSED|Failed to load resource/);
  const port = Number(new URL(farol.url).port);
  await farol.stop();
  await expect(page.getByText("These numbers are old")).toBeVisible();
  await farol.start(port);
  await expect(page.getByText("These numbers are old")).toHaveCount(0);
  await expect(page.locator(".connection-table tr.row")).toHaveCount(1);
});

test("a viewer is refused with words", async ({ page, farol }) => {
  await signIn(page, farol, "vera");
  await expect(page.getByRole("navigation", { name: "Pages" })).not.toContainText("Connections");
  watchFaults(page).allow(/403/);
  const answer = await page.goto(farol.url + "/connections");
  expect(answer!.status()).toBe(403);
  await expect(page.getByRole("main")).toContainText("Not for your role");
});

test("without scripts the table is drawn, sorted and filtered by a form", async ({ browser, farol }) => {
  const other = await another(browser, farol, "vera");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "olga", { hydrated: false });
  await page.goto(farol.url + "/connections");
  const row = page.locator(".connection-table tr.row");
  await expect(row).toHaveCount(1);
  await page.getByRole("searchbox").fill("nobody");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("No connection matches")).toBeVisible();
  await page.goto(farol.url + "/connections");
  await page.getByRole("button", { name: "Sent", exact: true }).click();
  await expect(page).toHaveURL(/sort=sent-desc/);
  await row.getByRole("link").click();
  await page.getByRole("link", { name: "Read the last frames" }).click();
  await expect(page.locator(".frames pre").first()).toContainText('"');
  await context.close();
  await other.context().close();
});

test("the top bar says who else is on this page, once each, and only while they are", async ({ page, browser, farol }) => {
  await signIn(page, farol, "olga");
  await expect(page.locator(".connection")).toContainText("Live");
  const company = page.locator(".company");
  await expect(company.locator(".company-mark")).toHaveCount(0);
  const other = await another(browser, farol, "vera");
  await expect(company).toHaveAttribute("title", "Also on this page: vera");
  await expect(company.getByRole("status")).toHaveText("Also on this page: vera");
  await expect(other.locator(".company")).toHaveAttribute("title", "Also on this page: olga");

  const tab = await other.context().newPage();
  await tab.goto(farol.url + "/");
  await expect(tab.locator(".company")).toHaveAttribute("title", "Also on this page: olga");
  await expect(company.locator(".company-mark")).toHaveCount(1);
  await other.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Host" }).click();
  await expect(other.locator(".company")).toHaveAttribute("title", "");
  await expect(company.locator(".company-mark")).toHaveCount(1);
  await tab.close();
  await expect(company.locator(".company-mark")).toHaveCount(0);

  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Host" }).click();
  await expect(page.locator(".company")).toHaveAttribute("title", "Also on this page: vera");
  await other.context().close();
  await expect(page.locator(".company-mark")).toHaveCount(0);
});
