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

test("an order to a process opens its panel with the process filled in and the focus on it", async ({ page, farol }) => {
  const child = spawn("sleep", ["86398"]);
  try {
    await signIn(page, farol, "olga");
    await page.keyboard.press("Control+k");
    const chosen = page.locator('[role="option"][aria-selected="true"]');
    await expect(async () => {
      await page.getByRole("combobox").fill("");
      await page.getByRole("combobox").fill(`renice ${child.pid}`);
      await expect(chosen).toContainText("Renice: sleep", { timeout: 1000 });
    }).toPass();
    await expect(page.getByRole("dialog").getByRole("status")).toHaveText(/results?$/);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`/processes\\?pid=${child.pid}.*#p-process-renice-title`));
    const panel = page.getByRole("article", { name: "Renice", exact: true });
    await expect(panel.getByRole("heading", { name: "Renice" })).toBeFocused();
    await expect(panel.locator('input[name="params[pid]"]')).toHaveValue(String(child.pid));
    // From here on Tab leads through the panel.
    await page.keyboard.press("Tab");
    await expect(panel.getByLabel("Nice value")).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(panel.getByRole("status").first()).toContainText("Succeeded");
    await axeClean(page, "a panel that was opened by the palette");
  } finally {
    child.kill("SIGKILL");
  }
});

test("an order to nothing leads to where the things are", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("restart a service");
  await expect(page.getByRole("option").first()).toContainText("choose which");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(farol.url + "/services");
});

test.describe("with a runbook", () => {
  test.use({ config: '[[runbook]]\nname = "greet"\ntitle = "Greet somebody"\nargv = ["/bin/echo", "hello {who}"]\n[[runbook.params]]\nname = "who"\nlabel = "Who"\nkind = "text"\nmax_chars = 20\n' });

  test("its panel is opened with the focus on it, also from the page that it stands on", async ({ page, farol }) => {
    await signIn(page, farol, "olga");
    for (let time = 0; time < 2; time++) {
      await page.keyboard.press("Control+k");
      await page.keyboard.type("greet");
      await expect(page.getByRole("option").first()).toContainText("Greet somebody");
      await page.keyboard.press("Enter");
      await expect(page).toHaveURL(farol.url + "/controls#p-runbook-greet-title");
      await expect(page.getByRole("heading", { name: "Greet somebody" })).toBeFocused();
      await page.keyboard.press("Tab");
      await expect(page.getByLabel("Who")).toBeFocused();
    }
  });
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
