import { expect, Page } from "@playwright/test";
import { hydrated, watchFaults } from "./fixtures";

/** Times of all rows that the first chart has, oldest first, read as a person would: with the arrow keys. */
export async function rowsOf(page: Page) {
  const plot = page.locator(".plot").first();
  await plot.focus();
  await page.keyboard.press("Home");
  const seen: string[] = [];
  for (;;) {
    const time = await plot.locator(".plot-time").innerText();
    if (seen.at(-1) === time) return seen;
    seen.push(time);
    await page.keyboard.press("ArrowRight");
  }
}

/** Whether the first chart has all of these rows and newer ones. */
export async function goesOn(page: Page, before: string[]) {
  const rows = await rowsOf(page);
  return before.every((row) => rows.includes(row)) && rows.at(-1) !== before.at(-1);
}

/** The time of the newest row of a chart. */
export async function newestOf(page: Page, at: number) {
  const plot = page.locator(".plot").nth(at);
  await plot.focus();
  await page.keyboard.press("End");
  return plot.locator(".plot-time").innerText();
}

/** What a page holds that is opened now is what the server holds; the page that has lived on must hold each row of it. */
export async function holdsWhatTheServerHolds(page: Page, address: string, allowed = /^$/) {
  const fresh = await page.context().newPage();
  watchFaults(fresh).allow(allowed);
  await fresh.goto(address);
  await hydrated(fresh);
  const held = await rowsOf(fresh);
  const survived = await rowsOf(page);
  const from = survived.indexOf(held[0]);
  expect(survived.slice(from, from + held.length)).toEqual(held);
  expect(watchFaults(fresh).left()).toEqual([]);
  await fresh.close();
}
