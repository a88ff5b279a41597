import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { getPriority } from "node:os";
import { axeClean, expect, hydrated, signIn, test } from "../support/fixtures";

test("a process is found, stopped from its panel, and gone in the system", async ({ page, farol }) => {
  await farol.addUser("olga", "operator");
  const child = spawn("sleep", ["86399"]);
  const ended = once(child, "exit");
  try {
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/processes");
    await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
    await page.getByRole("searchbox").fill("sleep 86399");
    const row = page.getByRole("row").filter({ hasText: String(child.pid) });
    await expect(row).toBeVisible();
    await row.getByRole("link").click();
    const panel = page.getByRole("article").filter({ hasText: "signal" });
    await panel.getByRole("button", { name: /signal/i }).click();
    await page.getByRole("dialog").getByRole("button", { name: /TERM/ }).click();
    const [, signal] = await ended;
    expect(signal).toBe("SIGTERM");
    await expect(row).toHaveCount(0);
  } finally {
    child.kill("SIGKILL");
  }
});

test("the tree is folded by keyboard and pointer, and keeps children with their parent under any order", async ({ page, farol }) => {
  await farol.addUser("olga", "operator");
  const parent = spawn("sh", ["-c", "sleep 86391 & sleep 86392 & echo up; wait"], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  try {
    await once(createInterface(parent.stdout!), "line");
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/processes");
    await hydrated(page);
    await page.getByRole("link", { name: "Tree", exact: true }).click();
    await expect(page).toHaveURL(/tree=true/);
    const grid = page.getByRole("treegrid", { name: "Process table" });
    await page.getByRole("searchbox").fill("8639");
    const mother = grid.locator("tr.row").filter({ hasText: "sleep 86391 & sleep" });
    const children = grid.locator("tr.row").filter({ hasText: /sleep 8639[12]$/ });
    await expect(mother).toHaveCount(1);
    await expect(children).toHaveCount(2);
    await expect(mother).toHaveAttribute("aria-expanded", "true");
    const level = Number(await mother.getAttribute("aria-level"));
    for (const child of await children.all()) await expect(child).toHaveAttribute("aria-level", String(level + 1));
    await axeClean(page, "the tree of processes");

    // Without a filter: every order keeps the two directly below their mother.
    await page.getByRole("searchbox").fill("");
    for (const column of ["PID", "Memory"]) {
      await page.getByRole("columnheader", { name: column }).getByRole("button").click();
      await expect(page.getByRole("columnheader", { name: column })).toHaveAttribute("aria-sort", /./);
      const levels = await grid.locator("tr.row").evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("aria-level"))));
      expect(levels[0]).toBe(1);
      levels.slice(1).forEach((level, at) => expect(level).toBeLessThanOrEqual(levels[at] + 1));
    }

    // Left shuts what is open, right opens it and goes in, left goes out again.
    const first = grid.locator("tr.row[aria-expanded=true]").first();
    const link = first.getByRole("link");
    await link.focus();
    const index = Number(await link.getAttribute("data-index"));
    const at = (place: number) => grid.locator(`.row-link[data-index="${place}"]`);
    const row = (place: number) => grid.locator(`tr.row[aria-rowindex="${place + 2}"]`);
    const depth = await row(index).getAttribute("aria-level");
    await page.keyboard.press("ArrowLeft");
    await expect(row(index)).toHaveAttribute("aria-expanded", "false");
    await expect(row(index + 1).and(grid.locator(`[aria-level="${Number(depth) + 1}"]`))).toHaveCount(0);
    await expect(at(index)).toBeFocused();
    await page.keyboard.press("ArrowRight");
    await expect(row(index)).toHaveAttribute("aria-expanded", "true");
    await page.keyboard.press("ArrowRight");
    await expect(at(index + 1)).toBeFocused();

    await page.getByRole("link", { name: "List", exact: true }).click();
    await expect(page.getByRole("treegrid")).toHaveCount(0);
    await expect(page.getByRole("table", { name: "Process table" })).toBeVisible();
  } finally {
    process.kill(-parent.pid!, "SIGKILL");
  }
});

test("the keys go to both ends, and where the last row ends its life the one before takes the focus", async ({ page, farol }) => {
  await farol.addUser("olga", "operator");
  // The filter leaves these alone, whatever else the machine does; one row more than the first part of the table holds.
  const children = Array.from({ length: 60 }, (_, at) => spawn("sleep", [String(8640000 + at)], { stdio: "ignore" }));
  try {
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/processes?sort=pid");
    await hydrated(page);
    await page.getByRole("searchbox").fill("sleep 86400");
    const links = page.getByRole("table", { name: "Process table" }).locator(".row-link");
    const focused = page.locator(".row-link:focus");
    await expect(page.getByRole("table", { name: "Process table" })).toHaveAttribute("aria-rowcount", "61");
    await links.first().focus();
    await page.keyboard.press("End");
    await expect(focused).toHaveAttribute("data-index", "59");
    const last = page.getByRole("row").filter({ has: focused });
    await expect(last).toContainText("sleep 8640059");
    await page.keyboard.press("ArrowDown");
    await expect(focused).toHaveAttribute("data-index", "59");

    children[59].kill("SIGKILL");
    await expect(focused).toHaveAttribute("data-index", "58");
    await page.keyboard.press("ArrowUp");
    await expect(focused).toHaveAttribute("data-index", "57");
    await page.keyboard.press("Home");
    await expect(focused).toHaveAttribute("data-index", "0");
    await expect(last).toContainText("sleep 8640000");
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
});

test("a process is reniced, and its open files, sockets and limits are read when asked for", async ({ page, farol }) => {
  await farol.addUser("olga", "operator");
  const script = "const s=require('net').createServer().listen(0,'127.0.0.1',()=>process.stdout.write(s.address().port+'\\n'));require('fs').openSync('/etc/hostname')";
  const child = spawn(process.execPath, ["-e", script, "farol-open-files"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [port] = await once(createInterface(child.stdout!), "line");
    await signIn(page, farol, "olga");
    await page.goto(farol.url + "/processes");
    await hydrated(page);
    await page.getByRole("searchbox").fill(String(child.pid));
    await page.getByRole("row").filter({ hasText: String(child.pid) }).getByRole("link").click();
    const drawer = page.locator(".drawer");
    const panel = drawer.getByRole("article", { name: "Renice" });
    await panel.getByLabel("Nice value").fill("7");
    await panel.getByRole("button", { name: "Renice" }).click();
    await expect(panel.getByRole("status").first()).toContainText("Succeeded");
    expect(getPriority(child.pid)).toBe(7);

    await drawer.getByRole("link", { name: "Read them now" }).click();
    const files = drawer.getByRole("region", { name: "Open files", exact: true });
    await expect(files).toContainText("/etc/hostname");
    await expect(drawer.getByRole("region", { name: "Sockets", exact: true })).toContainText(`127.0.0.1:${port}`);
    await expect(drawer.getByRole("region", { name: "Limits", exact: true })).toContainText("open files");
    await expect(drawer.locator(".process-more")).toContainText("Nice value");
    await axeClean(page, "the open files of a process");
  } finally {
    child.kill("SIGKILL");
  }
});

test("a viewer sees the tree and is refused open files", async ({ page, farol }) => {
  await farol.addUser("vera", "viewer");
  await signIn(page, farol, "vera");
  await page.goto(farol.url + `/processes?tree=true&pid=${process.pid}`);
  await hydrated(page);
  await expect(page.getByRole("treegrid")).toBeVisible();
  await expect(page.getByRole("link", { name: "Read them now" })).toHaveCount(0);
  const address = `/api/fn/processes?text=${process.pid}&pid=${process.pid}&more=true`;
  const answer = await page.evaluate(async (address) => (await fetch(address)).text(), address);
  expect(answer).toContain("may not do this");
  expect(answer).not.toContain("Open files");
});
