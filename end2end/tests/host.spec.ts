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
