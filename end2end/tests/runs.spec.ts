import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Browser, Page } from "@playwright/test";
import { Farol } from "../support/farol";
import { axeClean, expect, hydrated, screenshot, signIn, test, watchFaults } from "../support/fixtures";

const BOOKS = {
  deploy: `
title = "Deploy"
summary = "Puts a version on this machine."
description = "Takes the *last* build. See [the manual](https://example.org/deploy)."
approval = true
argv = ["/bin/sh", "-c", "echo deploying $0; exit 0", "{version}"]
[[params]]
name = "version"
label = "Version"
kind = "string"
pattern = "v[0-9]+[.][0-9]+"
help = "As in v1.2"
`,
  wipe: `
title = "Wipe the cache"
dangerous = true
confirm = "Wipe the cache {area}"
steps = [["/bin/echo", "wiping", "{area}"], ["/bin/echo", "done with", "{area}"]]
dry_run = ["/bin/echo", "would wipe", "{area}"]
env = { TOKEN = "{token}" }
[[params]]
name = "area"
label = "Area"
kind = "choice"
options = ["images", "pages"]
[[params]]
name = "token"
label = "Token"
kind = "secret"
`,
  broken: `
title = "Break"
argv = ["/bin/sh", "-c", "printf '\\\\033[32mwarming up\\\\033[0m\\\\n'; echo 'Error: disk full'; echo 'Error: giving up'; exit 4"]
`,
  count: `
title = "Count"
argv = ["/bin/sh", "-c", "echo same line; echo last {n}"]
[[params]]
name = "n"
label = "N"
kind = "integer"
min = 1
max = 9
`,
  wait: `
title = "Wait"
concurrency = "skip"
argv = ["/bin/sh", "-c", "echo waiting; sleep 600 & wait"]
schedule = "0 3 1 1 *"
`,
};

/** Writes runbooks into the folder of the running server. */
function shelve(farol: Farol, files: Record<string, string>) {
  const folder = join(farol.dir, "data", "runbooks");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.toml`), text);
}

/** Opens the controls when the server has seen what lies in the folder. */
async function controls(page: Page, farol: Farol, panel: string) {
  await expect
    .poll(async () => {
      await page.goto(farol.url + "/controls");
      return page.getByRole("article", { name: panel }).count();
    })
    .toBe(1);
  await hydrated(page);
  return page.getByRole("article", { name: panel });
}

async function second(browser: Browser, farol: Farol, name: string) {
  const page = await (await browser.newContext()).newPage();
  watchFaults(page);
  await signIn(page, farol, name);
  return page;
}

/** Starts a run from its panel and goes to the run's own page. */
async function open(panel: ReturnType<Page["getByRole"]>, page: Page) {
  await panel.getByRole("link", { name: "Open this run" }).click();
  await expect(page).toHaveURL(/\/controls\/runs\/[0-9A-Z]{26}$/);
  await expect(page.getByRole("region", { name: /^Run: / })).toBeVisible();
}

const state = (page: Page) => page.getByRole("main").getByRole("status").first();

test.beforeEach(async ({ farol }) => {
  farol.addUser("olga", "operator");
  farol.addUser("vera", "operator");
  farol.addUser("walt", "viewer");
  shelve(farol, BOOKS);
});

test("a second person approves, both see it live, and nobody approves their own", async ({ page, browser, farol }) => {
  await signIn(page, farol, "olga");
  const panel = await controls(page, farol, "Deploy");
  await expect(panel).toContainText("A second person has to approve each run.");
  await panel.getByLabel("Version").fill("1.2");
  await expect(panel).toContainText("Version does not have the right form. As in v1.2.");
  await panel.getByLabel("Version").fill("v1.2");
  await panel.getByRole("button", { name: "Deploy" }).click();
  await open(panel, page);
  await expect(state(page)).toContainText("Needs approval");
  await expect(page.getByRole("region", { name: "Approval" })).toContainText("You asked for this run yourself.");
  await expect(page.getByRole("button", { name: "Approve" })).toHaveCount(0);
  const run = page.url().split("/").pop()!;
  const own = await page.evaluate(
    (run) => fetch("/api/fn/decide", { method: "POST", body: new URLSearchParams({ run, word: "approve" }) }).then((answer) => answer.status),
    run,
  );
  expect(own).toBe(403);
  watchFaults(page).allow(/403/);

  const vera = await second(browser, farol, "vera");
  await vera.goto(farol.url + "/runs");
  await vera.getByRole("region", { name: "Waiting for approval" }).getByRole("link", { name: "Deploy" }).click();
  await expect(vera).toHaveURL(page.url());
  await expect(page.locator(".company")).toContainText("Also on this page: vera");
  await vera.getByRole("button", { name: "Approve" }).click();
  await expect(vera.getByRole("log")).toContainText("deploying v1.2");
  await expect(page.getByRole("log")).toContainText("deploying v1.2");
  await expect(state(page)).toContainText("Succeeded");
  await expect(page.getByRole("region", { name: "Approval" })).toBeHidden();
  await expect(vera.getByRole("main")).toContainText("Approved by");
  await vera.goto(farol.url + "/audit");
  await expect(vera.getByRole("main")).toContainText("approve.runbook.deploy");
  expect(watchFaults(vera).left()).toEqual([]);
});

test("a denied run is never started, and a viewer is refused", async ({ page, browser, farol }) => {
  await signIn(page, farol, "olga");
  const panel = await controls(page, farol, "Deploy");
  await panel.getByLabel("Version").fill("v2.0");
  await panel.getByRole("button", { name: "Deploy" }).click();
  await open(panel, page);
  const address = page.url();
  const vera = await second(browser, farol, "vera");
  await vera.goto(address);
  await vera.getByRole("button", { name: "Deny" }).click();
  await expect(state(page)).toContainText("Denied");
  await expect(page.getByRole("main")).toContainText("Denied by vera. Nothing was done.");
  // What has ended and printed nothing says so in one line.
  await expect(page.getByText("It printed nothing.")).toBeVisible();
  await expect(page.getByRole("log")).toBeHidden();
  const walt = await second(browser, farol, "walt");
  watchFaults(walt).allow(/403/);
  const refused = await walt.goto(address);
  expect(refused!.status()).toBe(403);
  await expect(walt.getByRole("log")).toHaveCount(0);
});

test("a bad file is told with its line and takes no other down; mended, it is there", async ({ page, farol }) => {
  shelve(farol, { bad: 'title = "Bad"\n\nargv = ["/bin/echo", "{nobody}"]\n' });
  await signIn(page, farol, "olga");
  await controls(page, farol, "Count");
  await expect(page.getByRole("region", { name: "Runbooks that cannot be used" })).toContainText("bad.toml:3");
  await expect(page.getByRole("region", { name: "Runbooks that cannot be used" })).toContainText("{nobody}");
  await axeClean(page, "controls with a bad file");
  await expect(page.getByRole("article", { name: "Wait" })).toContainText("Next: ");
  shelve(farol, { bad: 'title = "Bad"\n\nargv = ["/bin/echo", "fine"]\n' });
  await controls(page, farol, "Bad");
  await expect(page.getByRole("region", { name: "Runbooks that cannot be used" })).toHaveCount(0);
});

test("a dry run shows what would run, and what is dangerous wants its name typed", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  const panel = await controls(page, farol, "Wipe the cache");
  await panel.getByLabel("Token").fill("hunter2-hunter2");
  await panel.getByRole("button", { name: "Dry run" }).click();
  const shown = panel.getByRole("region", { name: "What would run" });
  await expect(shown).toContainText("/bin/echo wiping images");
  await expect(shown).toContainText("TOKEN='[redacted]'");
  await expect(shown).not.toContainText("hunter2");
  await expect(panel.getByRole("log")).toContainText("would wipe images");
  await panel.getByRole("button", { name: "Wipe the cache" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Wipe the cache images");
  const armed = dialog.getByRole("button", { name: "Wipe the cache images" });
  await expect(armed).toHaveAttribute("aria-disabled", "true");
  await axeClean(page, "the dialog of a dangerous run");
  await dialog.getByLabel("Type wipe to confirm").fill("wipe");
  await armed.click();
  await expect(panel.getByRole("log")).toContainText("done with images");
  await expect(panel.getByRole("log")).toContainText("Step 2 of 2");
  await expect(panel.getByRole("status").first()).toContainText("Succeeded");
});

test("the same submission twice, from two pages at once, is one run", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  await controls(page, farol, "Count");
  const other = await page.context().newPage();
  await other.goto(farol.url + "/controls");
  const submit = (one: Page) =>
    one.evaluate(async () => {
      const body = new URLSearchParams({ action: "runbook.count", key: "two-pages-at-once", "params[n]": "3" });
      const answer = await fetch("/api/fn/run", { method: "POST", body });
      const [view] = await answer.json();
      return view.run.id;
    });
  const ids = await Promise.all([submit(page), submit(other), submit(page), submit(other)]);
  expect(new Set(ids).size).toBe(1);
  const panel = page.getByRole("article", { name: "Count" });
  await panel.getByLabel("N", { exact: true }).fill("4");
  await panel.getByRole("button", { name: "Count" }).dblclick();
  await expect(panel.getByRole("log")).toContainText("last 4");
  await page.goto(farol.url + "/runs?action=runbook.count");
  await expect(page.getByRole("table").getByRole("link", { name: "Count", exact: true })).toHaveCount(2);
  await other.close();
});

test("a failure says which line failed first, is run again with its values, and two outputs are compared", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  let panel = await controls(page, farol, "Break");
  await panel.getByRole("button", { name: "Break" }).click();
  await expect(panel).toContainText("First it said: `Error: disk full`.");
  await expect(panel.getByRole("log").locator(".a2")).toHaveText("warming up");

  panel = page.getByRole("article", { name: "Count" });
  await panel.getByLabel("N", { exact: true }).fill("5");
  await panel.getByRole("button", { name: "Count" }).click();
  await expect(panel.getByRole("log")).toContainText("last 5");
  await open(panel, page);
  await page.getByRole("searchbox", { name: "Find in output" }).fill("LAST");
  await expect(page.getByRole("searchbox", { name: "Find in output" })).toHaveAttribute("title", "1 of 1");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download output" }).click()]);
  expect((await (await download.createReadStream()).toArray()).join("")).toBe("same line\nlast 5\n");

  await page.getByRole("link", { name: "Run again" }).click();
  await expect(page).toHaveURL(/\/controls\?again=/);
  panel = page.getByRole("article", { name: "Count" });
  await expect(panel.getByLabel("N", { exact: true })).toHaveValue("5");
  await panel.getByLabel("N", { exact: true }).fill("6");
  await panel.getByRole("button", { name: "Count" }).click();
  await expect(panel.getByRole("log")).toContainText("last 6");
  await open(panel, page);
  await page.getByRole("link", { name: "Compare with the one before" }).click();
  const differences = page.getByRole("region", { name: "Differences" });
  await expect(differences.locator("tr.removed")).toContainText("last 5");
  await expect(differences.locator("tr.added")).toContainText("last 6");
  await expect(differences).toContainText("same line");
});

test("a second run is skipped while one is under way, and charts show when it began and ended", async ({ page, farol }) => {
  await signIn(page, farol, "olga");
  const panel = await controls(page, farol, "Wait");
  await panel.getByRole("button", { name: "Wait" }).click();
  await expect(panel.getByRole("log")).toContainText("waiting");
  watchFaults(page).allow(/409/);
  await panel.getByRole("button", { name: "Wait" }).click();
  await expect(panel.getByRole("alert")).toContainText("a second run is skipped");
  await page.goto(farol.url + "/runs?status=running");
  await page.getByRole("table").getByRole("link", { name: "Wait", exact: true }).click();
  await page.getByRole("button", { name: "Stop this run" }).click();
  await expect(state(page)).toContainText("Cancelled");
  // A chart ends at its last sample: it shows the end of the run with the next one.
  const drawn = async (words: string) => (await (await page.request.get(farol.url + "/host")).text()).includes(`<title>${words}</title>`);
  await expect.poll(() => drawn("Wait began (olga)")).toBe(true);
  await expect.poll(() => drawn("Wait was cancelled (olga)")).toBe(true);
  await page.goto(farol.url + "/host");
  await hydrated(page);
  const plot = page.locator(".plot").first();
  await plot.focus();
  // Back from the newest row until the moment is reached.
  await expect
    .poll(async () => {
      await page.keyboard.press("ArrowLeft");
      return plot.locator(".plot-tip").innerText();
    })
    .toContain("Wait was cancelled (olga)");
  // A deploy is on the charts that are open, also of somebody who may not see runs.
  await page.context().clearCookies();
  await signIn(page, farol, "walt");
  await page.goto(farol.url + "/host");
  await hydrated(page);
  const told = await fetch(farol.url + "/api/v1/annotations", {
    method: "POST",
    headers: { authorization: `Bearer ${farol.addToken("olga")}`, "content-type": "application/json" },
    body: JSON.stringify({ title: "Deployed 9" }),
  });
  expect(told.status).toBe(201);
  // The mark came after some row and the chart goes on: from the newest row back, as far as it may be by now.
  await plot.focus();
  await expect
    .poll(async () => {
      await page.keyboard.press("End");
      const tips: string[] = [];
      for (let back = 0; back < 30; back += 1) {
        tips.push(await plot.locator(".plot-tip").innerText());
        await page.keyboard.press("ArrowLeft");
      }
      return tips.join("\n");
    })
    .toContain("Deployed 9 (olga)");
  expect(await page.content()).not.toContain("Wait began");
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`the pages of runs are clean for axe, ${theme}, ${width} px`, async ({ page, farol }) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: theme });
      await signIn(page, farol, "olga");
      const panel = await controls(page, farol, "Deploy");
      await panel.getByLabel("Version").fill("v3.1");
      await panel.getByRole("button", { name: "Deploy" }).click();
      await open(panel, page);
      await expect(state(page)).toContainText("Needs approval");
      await axeClean(page, "a run that waits");
      await screenshot(page, `run-${theme}-${width}`);
      const counting = await controls(page, farol, "Count");
      for (const n of ["1", "2"]) {
        await counting.getByLabel("N", { exact: true }).fill(n);
        await counting.getByRole("button", { name: "Count" }).click();
        await expect(counting.getByRole("log")).toContainText(`last ${n}`);
      }
      await screenshot(page, `controls-books-${theme}-${width}`);
      await page.goto(farol.url + "/runs");
      await hydrated(page);
      await axeClean(page, "/runs");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, "/runs scrolls sideways").toBeLessThanOrEqual(0);
      await screenshot(page, `runs-${theme}-${width}`);
      await page.getByRole("radio", { name: /^First: Count/ }).nth(1).check();
      await page.getByRole("radio", { name: /^Second: Count/ }).first().check();
      await page.getByRole("button", { name: "Compare the two chosen" }).click();
      await expect(page.locator("tr.added")).toContainText("last 2");
      await hydrated(page);
      await axeClean(page, "/runs/compare");
      await screenshot(page, `compare-${theme}-${width}`);
    });
  }
}

test("after a kill a run says what is known of it, and what waited for approval still does", async ({ page, browser, farol }) => {
  await signIn(page, farol, "olga");
  // The live connection breaks with the server.
  watchFaults(page).allow(/WebSocket|ERR_CONNECTION|Failed to fetch/);
  const panel = await controls(page, farol, "Wait");
  await panel.getByRole("button", { name: "Wait" }).click();
  await open(panel, page);
  const lost = page.url();
  await expect.poll(async () => (await page.request.get(lost + "/output.txt")).text()).toBe("waiting\n");
  const deploy = await controls(page, farol, "Deploy");
  await deploy.getByLabel("Version").fill("v4.0");
  await deploy.getByRole("button", { name: "Deploy" }).click();
  await open(deploy, page);
  const waiting = page.url();
  await farol.restart("SIGKILL");
  await page.goto(waiting);
  await expect(state(page)).toContainText("Needs approval");
  await expect(page.getByRole("log")).toContainText("Nothing printed yet.");
  const vera = await second(browser, farol, "vera");
  await vera.goto(waiting);
  await vera.getByRole("button", { name: "Approve" }).click();
  await expect(vera.getByRole("log")).toContainText("deploying v4.0");
  await expect(state(vera)).toContainText("Succeeded");
  await page.goto(lost);
  await expect(state(page)).toContainText("Lost");
  const told = await page.getByRole("main").innerText();
  expect(told).toContain("The last that it printed: `waiting`.");
  const pid = Number(/Its process (\d+) still runs\./.exec(told)?.[1]);
  expect(pid).toBeGreaterThan(1);
  // What Farol could not end any more, the test does: the group that the process leads.
  process.kill(-pid, "SIGKILL");
});

test("a panel shows its newest run whole and leads to those before it", async ({ page, farol }) => {
  shelve(farol, { quiet: 'title = "Quiet"\nargv = ["/bin/true"]\n' });
  await signIn(page, farol, "olga");
  const panel = await controls(page, farol, "Quiet");
  for (let run = 1; run <= 3; run++) {
    await panel.getByRole("button", { name: "Quiet" }).click();
    await expect(panel.getByText("Runs before it:").getByRole("link")).toHaveCount(run - 1);
    await expect(panel.getByRole("status").first()).toContainText("Succeeded");
  }
  await expect(panel.getByText("It printed nothing.")).toHaveCount(1);
  await expect(panel.getByRole("log")).toHaveCount(0);
  await axeClean(page, "a panel with earlier runs");
  await panel.getByText("Runs before it:").getByRole("link").last().click();
  await expect(page.getByRole("region", { name: "Run: Quiet" })).toContainText("It printed nothing.");
});

test("controls show what makes sense by itself and say where the rest is", async ({ page, farol }) => {
  const child = spawn("sleep", ["86396"]);
  try {
    await signIn(page, farol, "olga");
    await controls(page, farol, "Count");
    const main = page.getByRole("main");
    for (const title of ["Send a signal", "Restart a service", "Stop a container", "Disconnect a client"]) {
      await expect(main.getByRole("article", { name: title, exact: true })).toHaveCount(0);
    }
    await expect(main).toContainText("What is done to one of them stands beside it: Services Containers Processes Connections");
    await screenshot(page, "controls-alone");
    // What was done to something is done once more from here, with its values.
    await page.goto(farol.url + "/controls");
    const run = await page.evaluate(async (pid) => {
      const body = new URLSearchParams({ action: "process.signal", key: "again-from-controls", confirm: "true", "params[pid]": String(pid), "params[start_ms]": "1", "params[signal]": "CONT" });
      const [view] = await (await fetch("/api/fn/run", { method: "POST", body })).json();
      return view.run.id;
    }, child.pid);
    await page.goto(farol.url + `/controls?again=${run}`);
    await expect(main.getByRole("article", { name: "Send a signal", exact: true }).getByLabel("Process")).toHaveValue(String(child.pid));
    await main.getByRole("link", { name: "Services" }).click();
    await expect(page).toHaveURL(farol.url + "/services");
  } finally {
    child.kill("SIGKILL");
  }
});

test("the list of runs shows what others run as it happens, and neither choice, focus nor filter are lost", async ({ page, browser, farol }) => {
  await signIn(page, farol, "olga");
  const panel = await controls(page, farol, "Count");
  await panel.getByLabel("N", { exact: true }).fill("1");
  await panel.getByRole("button", { name: "Count" }).click();
  await expect(panel.getByRole("status").first()).toContainText("Succeeded");
  await page.goto(farol.url + "/runs");
  await hydrated(page);
  const rows = page.getByRole("table").locator("tbody tr");
  await expect(rows).toHaveCount(1);
  const link = rows.first().getByRole("link", { name: "Count", exact: true });
  const first = rows.first().getByRole("radio", { name: /^First/ });
  await first.check();
  await page.getByRole("searchbox", { name: "Person" }).fill("half typed");
  await link.focus();
  const local = await rows.first().locator("time").innerText();

  const vera = await second(browser, farol, "vera");
  const other = await controls(vera, farol, "Wait");
  await other.getByRole("button", { name: "Wait" }).click();
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText("Wait");
  await expect(rows.first()).toContainText("vera");
  await expect(rows.first()).toContainText("Running");
  await expect(page.getByRole("main").getByRole("status")).toHaveText("2 runs");
  await expect(rows.last().getByRole("link", { name: "Count", exact: true })).toBeFocused();
  await expect(rows.last().getByRole("radio", { name: /^First/ })).toBeChecked();
  await expect(page.getByRole("searchbox", { name: "Person" })).toHaveValue("half typed");
  expect(await rows.last().locator("time").innerText()).toBe(local);
  await other.getByRole("button", { name: "Stop this run" }).click();
  await expect(rows.first()).toContainText("Cancelled");

  // What waits for a second person stands above, until somebody has decided.
  const deploy = vera.getByRole("article", { name: "Deploy" });
  await deploy.getByLabel("Version").fill("v7.0");
  await deploy.getByRole("button", { name: "Deploy" }).click();
  const waiting = page.getByRole("region", { name: "Waiting for approval" });
  await expect(waiting).toContainText("Deploy");
  await expect(rows).toHaveCount(3);

  // A filter stays: a run that it lets through comes, another does not.
  await page.goto(farol.url + "/runs?action=count");
  await hydrated(page);
  await expect(rows).toHaveCount(1);
  await other.getByRole("button", { name: "Wait" }).click();
  const counting = vera.getByRole("article", { name: "Count" });
  await counting.getByLabel("N", { exact: true }).fill("2");
  await counting.getByRole("button", { name: "Count" }).click();
  await expect(rows).toHaveCount(2);
  await expect(rows.filter({ hasText: "Wait" })).toHaveCount(0);
  await expect(page).toHaveURL(farol.url + "/runs?action=count");
  await axeClean(page, "/runs after it has changed");
  expect(watchFaults(vera).left()).toEqual([]);
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`two who watch a run see each other, ${theme}, ${width} px`, async ({ page, browser, farol }) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: theme });
      await signIn(page, farol, "olga");
      const panel = await controls(page, farol, "Wait");
      await panel.getByRole("button", { name: "Wait" }).click();
      await open(panel, page);
      await hydrated(page);
      const company = page.locator(".company");
      await expect(company).not.toContainText("Also on this page");
      const vera = await second(browser, farol, "vera");
      await vera.goto(page.url());
      await expect(company).toContainText("Also on this page: vera");
      await expect(company.locator(".company-mark")).toBeVisible();
      await expect(vera.locator(".company")).toContainText("Also on this page: olga");
      await axeClean(page, "a run that two watch");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, "scrolls sideways").toBeLessThanOrEqual(0);
      await screenshot(page, `run-watched-${theme}-${width}`);
      await vera.goto(farol.url + "/host");
      await expect(company).not.toContainText("vera");
      await page.getByRole("button", { name: "Stop this run" }).click();
      await expect(state(page)).toContainText("Cancelled");
    });
  }
}
