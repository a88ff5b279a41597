import { AxeBuilder } from "@axe-core/playwright";
import { expect, Page, test as base } from "@playwright/test";
import { resolve } from "node:path";
import { Farol, PASSWORD } from "./farol";

export { expect, PASSWORD };

/** Collects what a page complains of. */
export class Faults {
  readonly seen: string[] = [];
  private allowed: RegExp[] = [];

  constructor(page: Page) {
    page.on("pageerror", (error) => this.seen.push(`page error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.seen.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      if (request.url().endsWith("/csp-report")) this.seen.push(`content security policy: ${request.postData()}`);
    });
  }

  /** The test makes this happen on purpose. */
  allow(pattern: RegExp) {
    this.allowed.push(pattern);
  }

  left() {
    return this.seen.filter((fault) => !this.allowed.some((pattern) => pattern.test(fault)));
  }
}

const watched = new WeakMap<Page, Faults>();

/** The faults of a page since it was opened. */
export function watchFaults(page: Page): Faults {
  let faults = watched.get(page);
  if (!faults) {
    faults = new Faults(page);
    watched.set(page, faults);
  }
  return faults;
}

type Fixtures = { config: string; farol: Farol };

export const test = base.extend<Fixtures>({
  /** Text of farol.toml; `@DIR@` is the folder that it lies in. */
  config: ["", { option: true }],

  farol: async ({ config }, use) => {
    const farol = new Farol(config);
    await farol.start();
    await use(farol);
    await farol.dispose();
  },

  // After `farol` in the order of set-up, so that the page is left before its server is gone.
  page: async ({ page, farol: _ }, use) => {
    const faults = watchFaults(page);
    await use(page);
    await page.goto("about:blank");
    expect(faults.left(), "what the page complained of").toEqual([]);
  },
});

/** Signs in through the form and waits until the overview is alive. */
export async function signIn(page: Page, farol: { url: string }, name: string, options = { hydrated: true }) {
  await page.goto(farol.url + "/sign-in");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(farol.url + "/");
  if (options.hydrated) await hydrated(page);
}

/** Waits until the app has taken over the page. */
export async function hydrated(page: Page) {
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
}

/** Fails with what axe finds. */
export async function axeClean(page: Page, what: string) {
  const found = await new AxeBuilder({ page }).analyze();
  const told = found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
  expect(told, `axe on ${what}`).toEqual([]);
}

/** Keeps a picture in `artefacts/`. */
export async function screenshot(page: Page, name: string) {
  await page.screenshot({ path: resolve(import.meta.dirname, "../artefacts", `${name}.png`), fullPage: true });
}
