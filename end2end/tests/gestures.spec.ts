import { type Locator, type Page } from "@playwright/test";
import { axeClean, expect, signIn, test, watchFaults } from "../support/fixtures";

// Charts of the past: what the pointer, the wheel, fingers and keys do to the time that is shown.

/** The ends of the range in the address, seconds. */
function span(page: Page): [number, number] {
  const query = new URL(page.url()).searchParams;
  return [Number(query.get("from")), Number(query.get("to"))];
}

/** The page of the processor over two given hours, hydrated; and its first plot. */
async function open(page: Page, farol: { url: string; addUser(name: string, role: string): Promise<unknown> }) {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol as never, "ana");
  const to = Math.floor(Date.now() / 1000) - 60;
  await page.goto(`${farol.url}/host?group=cpu&from=${to - 7200}&to=${to}`);
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const plot = page.locator("figure.still .plot").first();
  await plot.scrollIntoViewIfNeeded();
  return { plot, from: to - 7200, to };
}

async function drag(page: Page, plot: Locator, from: number, to: number) {
  const box = (await plot.boundingBox())!;
  const at = (share: number): [number, number] => [box.x + box.width * share, box.y + box.height / 2];
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at((from + to) / 2));
  await page.mouse.move(...at(to));
}

test("dragging zooms in, a double click goes back", async ({ page, farol }) => {
  const { plot, from, to } = await open(page, farol);
  await drag(page, plot, 0.25, 0.75);
  await expect(page.locator(".plot-band:visible").nth(1), "all charts show what is chosen").toBeVisible();
  await page.mouse.up();
  await expect(page.locator(".plot-band:visible")).toHaveCount(0);
  await expect(page).not.toHaveURL(new RegExp(`from=${from}&`));
  const [later, earlier] = span(page);
  expect(Math.abs(later - (from + 1800))).toBeLessThan(60);
  expect(Math.abs(earlier - (to - 1800))).toBeLessThan(60);
  await expect(plot).toHaveAttribute("data-from", String(later * 1000));
  await plot.dblclick({ position: { x: 20, y: 20 } });
  await expect(page).toHaveURL(new RegExp(`from=${from}&to=${to}$`));
  await expect(plot).toHaveAttribute("data-from", String(from * 1000));
});

test("with Shift a drag pans, and the drawing follows before it is let go", async ({ page, farol }) => {
  const { plot, from, to } = await open(page, farol);
  await page.keyboard.down("Shift");
  await drag(page, plot, 0.2, 0.7);
  // The server has drawn the time that the pointer has brought, and the address waits for the end of the gesture.
  const half = (from - 3600) * 1000;
  await expect.poll(async () => Math.abs(Number(await plot.getAttribute("data-from")) - half)).toBeLessThan(60_000);
  expect(span(page)).toEqual([from, to]);
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await expect(page).not.toHaveURL(new RegExp(`from=${from}&`));
  const [earlier, end] = span(page);
  expect(end - earlier).toBe(7200);
  expect(Math.abs(earlier - (from - 3600))).toBeLessThan(60);
  await expect(page.locator(".scope.moving")).toHaveCount(0);
});

test("Escape takes a pan back, and the link to what is seen can be copied", async ({ page, farol, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { plot, from, to } = await open(page, farol);
  await plot.focus();
  await page.keyboard.down("Shift");
  await drag(page, plot, 0.2, 0.7);
  await expect(plot).not.toHaveAttribute("data-from", String(from * 1000));
  await page.keyboard.press("Escape");
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await expect(plot).toHaveAttribute("data-from", String(from * 1000));
  expect(span(page)).toEqual([from, to]);
  await page.getByRole("link", { name: "Copy link" }).click();
  await expect(page.getByText("Copied")).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(`${farol.url}/host?group=cpu&from=${from}&to=${to}`);
  expect(span(page)).toEqual([from, to]);
});

test("a wheel zooms with Ctrl, pans sideways, and else scrolls the page", async ({ page, farol }) => {
  const { plot, from, to } = await open(page, farol);
  const box = (await plot.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await page.mouse.wheel(0, 1);
  expect(span(page)).toEqual([from, to]);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -200);
  await page.keyboard.up("Control");
  await expect.poll(() => span(page)[1] - span(page)[0]).toBeLessThan(7200);
  const [start, end] = span(page);
  expect(Math.abs((start + end) / 2 - (from + to) / 2), "the time under the pointer stays").toBeLessThan(120);
  await page.mouse.wheel(-100, 0);
  await expect.poll(() => span(page)[0]).toBeLessThan(start);
  expect(span(page)[1] - span(page)[0]).toBe(end - start);
});

test("keys read, pan, zoom and go back; the focus stays", async ({ page, farol }) => {
  const { plot, from, to } = await open(page, farol);
  await plot.focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.locator("figure.still .plot-line:visible").nth(1)).toBeVisible();
  await expect(plot.locator(".plot-tip .plot-time")).toContainText(/^\d{4}-\d\d-\d\d .* UTC$/);
  await expect(page.locator("figure.still .chart-at:visible").first()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".plot-line:visible")).toHaveCount(0);
  await page.keyboard.press("+");
  await expect.poll(() => span(page)[1] - span(page)[0]).toBe(3600);
  await expect(plot).toHaveAttribute("data-from", String(span(page)[0] * 1000));
  await expect(plot).toBeFocused();
  await page.keyboard.press("Shift+ArrowLeft");
  await expect.poll(() => span(page)[0]).toBe(from + 1800 - 900);
  await page.keyboard.press("Backspace");
  await expect.poll(() => span(page)[0]).toBe(from + 1800);
  await page.keyboard.press("Backspace");
  await expect.poll(() => span(page)).toEqual([from, to]);
  await expect(plot).toBeFocused();
  const full = () => page.evaluate(() => document.fullscreenElement?.contains(document.querySelector(".plot")) ?? false);
  await page.keyboard.press("f");
  await expect.poll(full).toBe(true);
  await page.getByRole("button", { name: "Full screen" }).click();
  await expect.poll(full).toBe(false);
});

test("a live chart can be dragged into the past, without a seam, and back", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  for (const [path, past] of [["/?overview", /\/\?.*from=\d+&to=\d+$/], ["/host?group=cpu", /group=cpu&from=\d+&to=\d+$/]] as const) {
    await page.goto(farol.url + path);
    await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
    await expect(page.locator(".connection")).toContainText("Live");
    const plot = page.locator("figure .plot").first();
    await expect(page.locator("figure canvas").first()).toBeVisible();
    // A line needs points to go through.
    await expect
      .poll(async () => {
        const answer = await page.request.get(`${farol.url}/api/v1/query_range?match=cpu_usage_percent&start=-60s&step=1`);
        const counts: number[] = (await answer.json()).series[0]?.count ?? [];
        return counts.filter((count) => count > 0).length;
      })
      .toBeGreaterThan(5);
    await plot.scrollIntoViewIfNeeded();
    await drag(page, plot, 0.5, 1);
    await page.mouse.up();
    await expect(page).toHaveURL(past);
    // What was live a moment ago is there.
    await expect(page.locator("figure.still path.line").first()).toBeAttached();
    await axeClean(page, `${path} after a zoom`);
    await plot.dblclick({ position: { x: 20, y: 20 } });
    await expect(page).not.toHaveURL(past);
    await expect(page.locator("figure canvas").first()).toBeVisible();
    await expect(page.locator("figure.still")).toHaveCount(0);
  }

  // On the overview charts alone have another time, in the place where they were.
  await page.goto(farol.url + "/?overview");
  const charts = page.getByRole("region", { name: "Charts" });
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  await charts.getByRole("link", { name: "15 min" }).click();
  await expect(charts.locator("figure.still")).toHaveCount(4);
  await expect(page.locator(".tile canvas")).toHaveCount(5);
  await charts.getByRole("link", { name: "Live" }).click();
  await expect(charts.locator("figure.still")).toHaveCount(0);
  await expect(charts.locator("figure canvas").nth(3)).toBeVisible();
  // And are looked at otherwise, live, in one way through all times.
  await charts.getByRole("link", { name: "Bars" }).click();
  await expect(charts.locator("figure.blocks canvas")).toHaveCount(4);
  await charts.getByLabel("More of Processor").click();
  await charts.getByRole("link", { name: "Open alone" }).click();
  await expect(charts.locator("figure")).toHaveCount(1);
  await expect(charts.locator("figure.alone.blocks canvas")).toBeVisible();
  await charts.getByRole("link", { name: "15 min" }).click();
  await expect(charts.locator("figure.still.alone")).toHaveAttribute("data-mode", "bars");
});

test("what ends now is drawn again as time goes on, and says when it cannot be", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/host?group=cpu&range=15m");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const plot = page.locator("figure.still .plot").first();
  await plot.focus();
  const first = await plot.getAttribute("data-to");
  await expect(plot).not.toHaveAttribute("data-to", first!);
  await expect(plot, "a drawing that is renewed keeps the focus").toBeFocused();
  const stale = page.getByText("Not up to date");
  await expect(stale).toBeHidden();
  watchFaults(page).allow(/net::ERR_FAILED/);
  await page.route("**/api/fn/host*", (route) => route.abort());
  await expect(stale).toBeVisible();
  await page.unroute("**/api/fn/host*");
  await expect(stale).toBeHidden();
});

test("two fingers pan and zoom", async ({ page, farol }) => {
  const { plot, from, to } = await open(page, farol);
  const box = (await plot.boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", shares: number[]) =>
    session.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: shares.map((share, id) => ({ x: box.x + box.width * share, y: box.y + box.height / 2, id })),
    });
  await touch("touchStart", [0.4]);
  await touch("touchStart", [0.4, 0.6]);
  await touch("touchMove", [0.3, 0.7]);
  await touch("touchMove", [0.2, 0.8]);
  await touch("touchEnd", []);
  await expect.poll(() => span(page)[1] - span(page)[0]).toBeLessThan(3600);
  const [start, end] = span(page);
  expect(Math.abs((start + end) / 2 - (from + to) / 2)).toBeLessThan(120);
});
