import { readFileSync } from "node:fs";
import { axeClean, expect, hydrated, screenshot, signIn, test } from "../support/fixtures";

test("a metric is found by typing, put on a board, changed by clicking, kept, shared, and made the start page", async ({ page, farol, browser }) => {
  farol.addUser("ana", "operator");
  farol.addUser("vera", "viewer");
  await signIn(page, farol, "ana");
  await page.getByRole("link", { name: "Explore" }).first().click();
  await expect(page.getByText("Nothing is on this board yet")).toBeVisible();
  await hydrated(page);

  // While one types, without Enter.
  await page.getByLabel("Find a metric").pressSequentially("disk_written_bytes");
  const add = page.getByRole("button", { name: "Add disk_written_bytes_per_second", exact: true });
  await expect(add).toBeVisible();
  await add.click();
  await expect(page).toHaveURL(/[?&]p=disk_written_bytes_per_second/);
  const first = page.getByRole("region", { name: "Panel 1" });
  await expect(first.locator("figure")).toBeVisible();

  // A function by clicking, and its text beside it.
  await first.getByRole("button", { name: "Change panel 1" }).click();
  await first.getByLabel("Title").fill("Written");
  await first.getByLabel("Combine").selectOption("sum");
  await first.getByLabel("device", { exact: true }).check();
  await first.getByLabel("Label of condition 1").selectOption("device");
  await first.getByLabel("Comparison of condition 1").selectOption("!=");
  await first.getByLabel("Value of condition 1").fill("nothing");
  await first.getByLabel("Which lines").selectOption("topk");
  await first.getByLabel("How many").fill("3");
  await first.getByRole("button", { name: "Draw" }).click();
  await expect(first.getByLabel("Expression of panel 1")).toHaveValue('topk(3, sum by (device) (disk_written_bytes_per_second{device!="nothing"}))');
  await axeClean(page, "/explore with an open panel");
  await screenshot(page, "explore-open-1440");
  await first.getByRole("button", { name: "Done" }).click();

  // By hand: one that is wrong says so, and the others are drawn.
  await first.getByLabel("Expression of panel 1").fill("load1");
  await page.getByRole("button", { name: "Close the list" }).click();
  await page.getByLabel("Find a metric").fill("load5");
  await page.getByRole("button", { name: "Add load5", exact: true }).click();
  const second = page.getByRole("region", { name: "Panel 2" });
  await expect(first.getByLabel("Expression of panel 1")).toHaveValue("load1");
  await second.getByLabel("Expression of panel 2").fill("load5{");
  await second.getByLabel("Expression of panel 2").press("Enter");
  await expect(second.locator(".explore-no-chart")).toBeVisible();
  await expect(first.locator("figure")).toBeVisible();
  await second.getByRole("button", { name: "Move up panel 2" }).click();
  await expect(page.getByRole("region", { name: "Panel 1" }).getByLabel("Expression of panel 1")).toHaveValue("load5{");
  await page.getByRole("button", { name: "Remove panel 1" }).click();
  await expect(page.getByRole("region", { name: "Panel 2" })).toHaveCount(0);

  await page.getByLabel("Title of the board").fill("Load of all");
  await page.getByRole("button", { name: "Save board" }).click();
  await expect(page.getByRole("heading", { name: "Load of all", level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/boards\/1/);

  // Somebody else does not see it until it is shared.
  const context = await browser.newContext();
  const other = await context.newPage();
  await signIn(other, farol, "vera");
  await other.goto(farol.url + "/boards/1");
  await expect(other.getByText("There is no such board")).toBeVisible();
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(page.getByText("Everybody who may see metrics sees this board now")).toBeVisible();
  await other.goto(farol.url + "/boards");
  await other.getByRole("link", { name: "Load of all" }).click();
  await expect(other.locator("figure")).toBeVisible();
  await expect(other.getByRole("button", { name: "Rename" })).toHaveCount(0);
  await hydrated(other);
  await other.getByRole("button", { name: "Make it my start page" }).click();
  await expect(other.getByText("Farol opens with this board from now on")).toBeVisible();
  await other.goto(farol.url + "/");
  await expect(other).toHaveURL(/\/boards\/1$/);
  await hydrated(other);
  await other.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Overview" }).click();
  await expect(other.getByRole("heading", { level: 1 })).not.toHaveText("Load of all");
  await other.getByRole("link", { name: "Farol, to the start page" }).click();
  await expect(other).toHaveURL(/\/boards\/1$/);

  // It goes with the press of a button, after it was said what goes.
  await page.getByText("Delete Load of all…").click();
  await expect(page.getByText("This cannot be undone")).toBeVisible();
  await page.getByRole("button", { name: "Delete Load of all" }).click();
  await expect(page.getByText("The board Load of all is deleted")).toBeVisible();
  await other.goto(farol.url + "/");
  await expect(other.getByText("Your start page is gone")).toBeVisible();
  await hydrated(other);
  await axeClean(other, "an overview with a start page that is gone");
  await other.getByRole("button", { name: "Keep the overview" }).click();
  await expect(other.getByText("Farol opens with the overview from now on")).toBeVisible();
  await context.close();
});

test("by keys alone a board is built and kept; as a file it goes out and comes back", async ({ page, farol }) => {
  farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/explore");
  await hydrated(page);
  await page.getByLabel("Find a metric").focus();
  await page.keyboard.type("load15");
  await expect(page.getByRole("button", { name: "Add load15" })).toBeVisible();
  const press = async (name: string) => {
    for (let at = 0; at < 60; at++) {
      await page.keyboard.press("Tab");
      const here = await page.evaluate(() => document.activeElement?.getAttribute("aria-label") || document.activeElement?.textContent?.trim());
      if (here === name) return page.keyboard.press("Enter");
    }
    throw new Error(`${name} is not reached by Tab`);
  };
  await press("Add load15");
  await expect(page.locator("figure")).toBeVisible();
  await page.getByLabel("Title of the board").focus();
  await page.keyboard.type("Keys");
  await press("Save board");
  await expect(page.getByRole("heading", { name: "Keys", level: 1 })).toBeVisible();

  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "As TOML" }).click();
  const file = await (await download).path();
  expect(readFileSync(file, "utf8")).toContain('expression = "load15"');
  await page.goto(farol.url + "/boards");
  await hydrated(page);
  // The button appears with the script that reads the file; before it nobody can choose one.
  await expect(page.getByText("Choose a file")).toBeVisible();
  await page.locator("input[type=file]").setInputFiles(file);
  await expect(page.getByLabel("A board as TOML")).toHaveValue(/load15/);
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("Keys is a board of yours now")).toBeVisible();
  await page.goto(farol.url + "/boards");
  await hydrated(page);
  await page.getByLabel("A board as TOML").fill('version = 1\ntitle = "x"\nshape = 7');
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("Line 3: unknown field")).toBeVisible();
});

for (const [theme, width] of [["light", 1440], ["dark", 390]] as const) {
  test(`a board that is full, kept without scripts, is clean for axe, ${theme}, ${width} px`, async ({ browser, farol }) => {
    farol.addUser("olga", "operator");
    const options = { colorScheme: theme, viewport: { width, height: 900 } };
    const context = await browser.newContext({ ...options, javaScriptEnabled: false });
    const plain = await context.newPage();
    await signIn(plain, farol, "olga", { hydrated: false });
    const long = "t=" + "A+rather+long+title+of+a+panel+".repeat(3);
    await plain.goto(`${farol.url}/explore?p=load1&${long}&p=cpu_usage_percent&w=full&p=${"x".repeat(300)}&${"p=load5&t=Load&p=load1%7B&".repeat(10)}p=load15`);
    await expect(plain.locator("figure").first()).toBeVisible();
    await plain.getByLabel("Title of the board").fill("A board with a title that is as long as a title may be, and hardly a letter shorter than that one");
    await plain.getByRole("button", { name: "Save board" }).click();
    await expect(plain.getByText("is kept")).toBeVisible();
    await context.close();

    const alive = await browser.newContext(options);
    const page = await alive.newPage();
    await signIn(page, farol, "olga");
    for (const [name, path] of [["one", "/boards/1"], ["list", "/boards"]]) {
      await page.goto(farol.url + path);
      await hydrated(page);
      await axeClean(page, `${path} ${theme} ${width}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
      await screenshot(page, `explore-${name}-${theme}-${width}`);
    }
    await page.goto(farol.url + "/boards/1");
    await page.getByRole("link", { name: "Edit" }).click();
    await expect(page.getByRole("region", { name: "Panel 24" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Copy panel 1", exact: true })).toHaveCount(0);
    await axeClean(page, `a full board in /explore ${theme} ${width}`);
    await screenshot(page, `explore-full-${theme}-${width}`);
    await alive.close();
  });
}
