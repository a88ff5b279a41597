import { axeClean, expect, screenshot, signIn, test, watchFaults } from "../support/fixtures";

const PAGES = ["/", "/host", "/host?group=vmstat", "/host?range=1h", "/processes", "/processes?tree=true", "/services", "/containers", "/apps", "/apps/farol", "/explore", "/explore?find=memory", "/explore?p=load1&edit=0", "/boards", "/checks", "/controls", "/runs", "/connections", "/audit", "/lab", "/settings", "/no/such/page"];

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`every page is clean for axe, ${theme}, ${width} px`, async ({ page, farol }) => {
      // Two dozen pages.
      test.slow();
      await farol.addUser("olga", "operator");
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: theme });
      await page.goto(farol.url + "/sign-in");
      await axeClean(page, "/sign-in");
      await screenshot(page, `sign-in-${theme}-${width}`);
      await signIn(page, farol, "olga");
      for (const path of PAGES) {
        if (path.startsWith("/no/")) watchFaults(page).allow(/404/);
        await page.goto(farol.url + path);
        await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
        if (path === "/" || path === "/host") await expect(page.locator("figure canvas").first()).toBeVisible();
        await axeClean(page, path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(wide, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
        await screenshot(page, `${path === "/" ? "overview" : path.slice(1).replaceAll(/[/?=]/g, "-")}-${theme}-${width}`);
      }
    });
  }
}

test("the theme is switched without scripts and kept", async ({ browser, farol }) => {
  await farol.addUser("olga", "operator");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "olga", { hydrated: false });
  await page.getByLabel("Display settings").click();
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.goto(farol.url + "/host");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await context.close();
});
