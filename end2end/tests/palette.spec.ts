import { spawn } from "node:child_process";
import { axeClean, expect, screenshot, signIn, test } from "../support/fixtures";

test.beforeEach(({ farol }) => {
  farol.addUser("olga", "operator");
  farol.addUser("vera", "viewer");
});

test("by keyboard alone: a page is found, opened, and the palette is closed", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox");
  await expect(field).toBeFocused();
  await page.keyboard.type("memory");
  await expect(page.getByRole("option").first()).toContainText("Host");
  await expect(page.getByRole("dialog").getByRole("status")).toHaveText(/results?$/);
  await axeClean(page, "the palette");
  await screenshot(page, "palette-1440");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(farol.url + "/host");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("arrows choose and go round, and Escape closes", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  await page.keyboard.press("Control+k");
  const chosen = page.locator('[role="option"][aria-selected="true"]');
  await expect(chosen).toContainText("Overview");
  const field = page.getByRole("combobox");
  await expect(field).toHaveAttribute("aria-activedescendant", "found-0");
  await page.keyboard.press("ArrowDown");
  await expect(chosen).toContainText("Host");
  await expect(field).toHaveAttribute("aria-activedescendant", "found-1");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  const last = await page.getByRole("option").count();
  await expect(field).toHaveAttribute("aria-activedescendant", `found-${last - 1}`);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("a process is found and its panel opens with the process filled in", async ({ page, farol }) => {
  const child = spawn("sleep", ["86397"]);
  try {
    await signIn(page, farol, "olga");
    await page.keyboard.press("Control+k");
    // The process table is read once a second.
    await expect(async () => {
      await page.getByRole("combobox").fill("");
      await page.getByRole("combobox").fill(`sleep ${child.pid}`);
      await expect(page.getByRole("option").first()).toContainText("sleep", { timeout: 1000 });
    }).toPass();
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`/processes\\?pid=${child.pid}`));
    await expect(page.getByRole("button", { name: "Send a signal" })).toBeVisible();
  } finally {
    child.kill("SIGKILL");
  }
});

test("nothing is found, and that is said", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("no such thing anywhere");
  await expect(page.getByRole("dialog").getByRole("status")).toContainText("Nothing has that in its name");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(farol.url + "/");
});

test("a viewer finds no action", async ({ page, farol }) => {
  await signIn(page, farol, "vera");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("signal");
  await expect(page.getByRole("dialog").getByRole("status")).toContainText("Nothing has that in its name");
});

test.describe("narrow", () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test("the bar has four entries and More, whose sheet opens and closes by keyboard", async ({ page, farol }) => {
    await signIn(page, farol, "olga");
    const nav = page.getByRole("navigation", { name: "Pages" });
    await expect(nav.getByRole("link")).toHaveCount(4);
    const more = nav.getByRole("button", { name: "More" });
    await more.focus();
    await page.keyboard.press("Enter");
    await expect(nav.getByRole("link", { name: "Audit" })).toBeVisible();
    await axeClean(page, "the sheet of pages");
    await screenshot(page, "more-390");
    await page.keyboard.press("Escape");
    await expect(nav.getByRole("link", { name: "Audit" })).toBeHidden();
    await expect(more).toBeFocused();
    await page.keyboard.press("Enter");
    await nav.getByRole("link", { name: "Audit" }).click();
    await expect(page).toHaveURL(farol.url + "/audit");
    await expect(nav.getByRole("link", { name: "Transport lab" })).toBeHidden();
  });
});
