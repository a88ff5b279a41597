import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, signIn, test } from "../support/fixtures";

const RUNBOOKS = `
[[runbook]]
name = "count"
title = "Count"
summary = "Prints a number, then waits to be told."
argv = ["/bin/sh", "-c", "echo $$ > @DIR@/pid; for n in 1 2 3; do echo line $n; done; echo oops >&2; sleep 600 & wait"]

[[runbook]]
name = "greet"
title = "Greet"
summary = "Says hello."
argv = ["/bin/echo", "hello {who}"]
[[runbook.params]]
name = "who"
label = "Who"
help = "Who is greeted."
kind = "text"
max_chars = 20
[[runbook.params]]
name = "times"
label = "Times"
help = "How often."
kind = "integer"
min = 1
max = 3
default = "1"
`;

test.use({ config: RUNBOOKS });

test("output streams while it runs, and cancel ends the whole process group", async ({ page, farol }) => {
  await farol.addUser("olga", "operator");
  await signIn(page, farol, "olga");
  await page.goto(farol.url + "/controls");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const panel = page.getByRole("article", { name: "Count" });
  await panel.getByRole("button", { name: "Count" }).click();
  const output = panel.getByRole("log");
  await expect(output).toContainText("line 3");
  await expect(output).toContainText("oops");
  await expect(panel.getByRole("status").first()).toContainText("Running");
  const group = readFileSync(join(farol.dir, "pid"), "utf8").trim();
  expect(existsSync(`/proc/${group}`)).toBe(true);
  await panel.getByRole("button", { name: "Stop this run" }).click();
  await expect(panel.getByRole("status").first()).toContainText("Cancelled");
  await expect.poll(() => existsSync(`/proc/${group}`)).toBe(false);
});

test("a wrong value is told before it is sent, and a right one runs", async ({ page, farol }) => {
  await farol.addUser("olga", "operator");
  await signIn(page, farol, "olga");
  await page.goto(farol.url + "/controls");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const panel = page.getByRole("article", { name: "Greet" });
  await panel.getByLabel("Who").fill("wide world");
  await panel.getByLabel("Times").fill("9");
  await expect(panel).toContainText("Times must be a whole number from 1 to 3.");
  await panel.getByRole("button", { name: "Greet" }).click();
  await expect(panel.getByRole("log")).toHaveCount(0);
  await panel.getByLabel("Times").fill("2");
  await panel.getByRole("button", { name: "Greet" }).click();
  await expect(panel.getByRole("log")).toContainText("hello wide world");
  await expect(panel.getByRole("status").first()).toContainText("Succeeded");
});

test("without scripts a panel is a form and its run a page", async ({ browser, farol }) => {
  await farol.addUser("olga", "operator");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "olga", { hydrated: false });
  await page.goto(farol.url + "/controls");
  const panel = page.getByRole("article", { name: "Greet" });
  await panel.getByLabel("Who").fill("plain form");
  await panel.getByRole("button", { name: "Greet" }).click();
  await expect(page).toHaveURL(/\/controls\/runs\//);
  await expect
    .poll(async () => {
      await page.reload();
      return page.getByRole("main").innerText();
    })
    .toContain("hello plain form");
  await context.close();
});
