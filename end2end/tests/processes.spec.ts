import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, signIn, test } from "../support/fixtures";

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
