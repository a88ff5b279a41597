import { axeClean, expect, signIn, test } from "../support/fixtures";

test("the crosshair moves over all charts at once, by pointer and by key", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/host");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const canvas = page.locator("figure canvas");
  await expect(canvas.first()).toBeVisible();
  // A crosshair needs samples to stand on.
  await expect(page.locator(".connection")).toContainText("Live");
  await canvas.first().scrollIntoViewIfNeeded();
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
  // How many series a group has is known when it was read once.
  await expect(async () => {
    await page.reload();
    await expect(groups.getByRole("link", { name: /^Processor \d/ })).toHaveAttribute("aria-current", "page", { timeout: 1000 });
  }).toPass();
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
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

test("live charts are drawn otherwise by links, stay live, and lead to the past as they look", async ({ page, farol }) => {
  farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/host?group=load");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const looks = page.getByRole("navigation", { name: "Look" });
  await expect(looks.getByRole("link", { name: "As usual" })).toHaveAttribute("aria-current", "true");
  await looks.getByRole("link", { name: "Bars" }).click();
  await expect(page).toHaveURL(/group=load&mode=bars$/);
  const canvas = page.locator("figure.blocks canvas");
  await expect(canvas).toBeVisible();
  await expect(page.locator("figure.still")).toHaveCount(0);
  const painted = () => canvas.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const before = await painted();
  await expect.poll(painted).not.toBe(before);
  await looks.getByRole("link", { name: "Heat map" }).click();
  await expect(page.locator("figure.rows .row-name")).toHaveText(["1 min", "5 min", "15 min"]);
  await expect(page.locator(".chart-scale")).toBeVisible();
  await axeClean(page, "a live heat map");
  await looks.getByText("Compare", { exact: true }).click();
  await looks.getByRole("link", { name: "an hour earlier" }).click();
  await expect(page.getByText("Nothing of these series is known of an hour earlier")).toBeVisible();
  await page.getByLabel("More of Load").click();
  await page.getByRole("link", { name: "Open alone" }).click();
  await expect(page.locator("figure.rows.alone canvas")).toBeVisible();
  await page.getByRole("navigation", { name: "Time" }).getByRole("link", { name: "15 min" }).click();
  await expect(page).toHaveURL(/range=15m/);
  await expect(page.locator("figure.still.rows.alone")).toHaveAttribute("data-mode", "heat");
});

test("a past range stands in the address, is drawn with its gaps, and leads on to others", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/host?group=cpu");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const ranges = page.getByRole("navigation", { name: "Time" });
  await expect(ranges.getByRole("link", { name: "Live" })).toHaveAttribute("aria-current", "true");
  await ranges.getByRole("link", { name: "15 min" }).click();
  await expect(page).toHaveURL(/group=cpu&range=15m$/);
  await expect(ranges.getByRole("link", { name: "15 min" })).toHaveAttribute("aria-current", "true");
  const first = page.locator("figure.still").first();
  // What the server has measured since its start is there as soon as it is asked for again.
  await expect(async () => {
    await page.reload();
    await expect(first.locator("path.line")).toHaveCount(1, { timeout: 1000 });
  }).toPass();
  await expect(page.locator("canvas")).toHaveCount(0);
  await axeClean(page, "a past range");

  await ranges.getByRole("link", { name: "Zoom in" }).click();
  await expect(page).toHaveURL(/group=cpu&from=\d+&to=\d+$/);
  const [from, to] = ["from", "to"].map((name) => Number(new URL(page.url()).searchParams.get(name)));
  expect(to - from).toBeGreaterThan(400);
  expect(to - from).toBeLessThan(500);
  await ranges.getByRole("link", { name: "Earlier" }).click();
  await expect(page).not.toHaveURL(new RegExp(`from=${from}&`));
  await expect(ranges.getByRole("link", { name: "Later" })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(`from=${from}&to=${to}$`));

  await page.goto(farol.url + "/host?group=cpu&range=2y");
  await expect(page.getByText("there are 5m, 15m, 1h, 6h, 24h, 7d, 30d")).toBeVisible();
  await ranges.getByRole("link", { name: "1 h", exact: true }).click();
  await expect(first.locator("path.line")).toHaveCount(1);
});

test("charts of the past are looked at otherwise by links: drawn as bars, one series alone, one chart alone, as a picture", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  await signIn(page, farol, "ana");
  await page.goto(farol.url + "/host?group=memory&range=15m");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
  const figure = page.locator("figure.still").first();
  // What the server has measured since its start is there as soon as it is asked for again.
  await expect(async () => {
    await page.reload();
    await expect(figure.locator("path.line")).not.toHaveCount(0, { timeout: 1000 });
  }).toPass();
  await page.getByRole("navigation", { name: "Look" }).getByRole("link", { name: "Bars" }).click();
  await expect(page).toHaveURL(/range=15m&mode=bars$/);
  await expect(figure).toHaveAttribute("data-mode", "bars");
  await expect(figure.locator("path.bar")).toHaveCount(4);
  await figure.getByRole("link", { name: "cached", exact: true }).click();
  await expect(page).toHaveURL(/&only=memory_cached_bytes$/);
  await expect(figure.locator("path.bar")).toHaveCount(1);
  await expect(figure.locator("tr.off")).toHaveCount(3);
  await axeClean(page, "charts of the past as bars");

  await figure.locator("summary").click();
  const picture = figure.getByRole("link", { name: "Picture (SVG)" });
  const drawn = await page.request.get(farol.url + (await picture.getAttribute("href")));
  expect(drawn.status()).toBe(200);
  const svg = await drawn.text();
  expect(svg).toContain(">Memory<");
  expect(svg).toContain(">cached ");
  expect(svg).not.toContain(">free ");
  await figure.getByRole("link", { name: "Open alone" }).click();
  await expect(page).toHaveURL(/&chart=Memory&mode=bars&only=memory_cached_bytes$/);
  await expect(page.locator("figure.still")).toHaveCount(1);
  await page.getByRole("link", { name: "All charts", exact: true }).click();
  await expect(page.locator("figure.still")).not.toHaveCount(1);

  await page.goto(farol.url + "/host?group=memory&range=15m&mode=pie");
  await expect(page.getByText("there are lines, area, stacked, bars, heat, states")).toBeVisible();
});

test("without scripts a past range and its values as a file are there too", async ({ browser, farol }) => {
  await farol.addUser("ana", "viewer");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "ana", { hydrated: false });
  await page.goto(farol.url + "/host?group=memory&range=1h");
  await expect(page.locator("figure.still").first()).toBeVisible();
  const href = await page.getByRole("link", { name: "Values as CSV" }).getAttribute("href");
  const csv = await context.request.get(farol.url + href);
  expect(csv.status()).toBe(200);
  expect(await csv.text()).toMatch(/^time,channel,series,unit,/);
  await context.close();
});
