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
    const shown = async () => Number(await grid.getAttribute("aria-rowcount"));
    const before = await shown();
    await page.keyboard.press("ArrowLeft");
    await expect(grid.locator(`tr.row[aria-rowindex="${index + 2}"]`)).toHaveAttribute("aria-expanded", "false");
    expect(await shown()).toBeLessThan(before);
    await expect(at(index)).toBeFocused();
    await page.keyboard.press("ArrowRight");
    await expect(grid.locator(`tr.row[aria-rowindex="${index + 2}"]`)).toHaveAttribute("aria-expanded", "true");
    await page.keyboard.press("ArrowRight");
    await expect(at(index + 1)).toBeFocused();
    await page.keyboard.press("End");
    await expect(grid.locator(".row-link:focus")).toHaveAttribute("data-index", String((await shown()) - 2));
    await page.keyboard.press("Home");
    await expect(at(0)).toBeFocused();

    await page.getByRole("link", { name: "List", exact: true }).click();
    await expect(page.getByRole("treegrid")).toHaveCount(0);
    await expect(page.getByRole("table", { name: "Process table" })).toBeVisible();
  } finally {
    process.kill(-parent.pid!, "SIGKILL");
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
