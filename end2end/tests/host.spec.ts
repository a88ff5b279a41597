import { expect, signIn, test } from "../support/fixtures";

test("the crosshair moves over all charts at once, by pointer and by key", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/host");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const canvas = page.locator("figure canvas");
  await expect(canvas.first()).toBeVisible();
  // A crosshair needs samples to stand on.
  await expect(page.locator(".connection")).toContainText("Live");
  const box = (await canvas.first().boundingBox())!;
  await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2);
  await expect(page.locator(".plot-line:visible").nth(1)).toBeVisible();
});

test("groups are listed with their series, and one is open at a time", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/host");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const groups = page.getByRole("navigation", { name: "Groups of metrics" });
  await expect(groups.getByRole("link", { name: /^Processor \d/ })).toHaveAttribute("aria-current", "page");
  await groups.getByRole("link", { name: /^TCP/ }).click();
  await expect(page).toHaveURL(/\?group=tcp$/);
  await expect(page.getByRole("heading", { name: "TCP", level: 2 })).toBeVisible();
  await expect(page.locator("figure canvas").first()).toBeVisible();
  await expect(page.getByText("Per core")).toHaveCount(0);
  await expect(groups.getByRole("link", { name: /^TCP/ })).toHaveAttribute("aria-current", "page");
  await page.goBack();
  await expect(page.getByText("Per core").first()).toBeVisible();
  await page.goto(farol.url + "/host?group=no-such");
  await expect(page.getByText("There is no group")).toBeVisible();
});
