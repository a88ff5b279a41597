import { spawn } from "node:child_process";
import { once } from "node:events";
import { CDPSession, Page } from "@playwright/test";
import { axeClean, expect, hydrated, PASSWORD, screenshot, signIn, test, watchFaults } from "../support/fixtures";
import { inTheFirstPartOfAStep, totp } from "../support/totp";

test.use({ config: "[access]\nproof_minutes = 1\n" });

async function typePassword(page: Page, url: string, name: string) {
  await page.goto(url + "/sign-in");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Sets up an app on the page of the account; its secret. Uses the code of the step before this one. */
async function enrol(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Set up an app" }).click();
  await expect(page.getByRole("img", { name: "QR code" })).toBeVisible();
  await page.getByText("I cannot scan it").click();
  const secret = await page.locator("[data-secret]").innerText();
  await inTheFirstPartOfAStep();
  await page.getByLabel("Code from the app").fill(totp(secret, -1));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByText("Your authenticator app is set up")).toBeVisible();
  return secret;
}

test("an app is set up, sign-in asks for its code, and a recovery code stands in for it", async ({ page, farol }) => {
  farol.addUser("ana", "operator");
  await signIn(page, farol, "ana");
  await page.getByLabel("Your account").click();
  await page.getByRole("link", { name: "Your account" }).click();
  await expect(page.getByRole("heading", { name: "Your account" })).toBeVisible();
  const secret = await enrol(page);
  const codes = await page.locator(".codes code").allInnerTexts();
  expect(codes).toHaveLength(10);
  await page.reload();
  await expect(page.locator(".codes")).toHaveCount(0);

  await page.getByLabel("Your account").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await typePassword(page, farol.url, "ana");
  await expect(page.getByRole("heading", { name: "One more step" })).toBeVisible();
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByRole("alert")).toContainText("does not fit");
  await inTheFirstPartOfAStep();
  await page.getByLabel("Code").fill(totp(secret));
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page).toHaveURL(farol.url + "/");

  await page.getByLabel("Your account").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await typePassword(page, farol.url, "ana");
  await page.getByLabel("Code").fill(codes[4].toLowerCase());
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page).toHaveURL(farol.url + "/");
  await page.goto(farol.url + "/account");
  await expect(page.getByText("9 recovery codes are left")).toBeVisible();
  const attempts = page.getByRole("region", { name: "Table of attempts" });
  await expect(attempts.getByRole("row").filter({ hasText: "recovery code" }).first()).toContainText("Signed in");
  await expect(attempts.getByRole("row").filter({ hasText: "Refused" })).toHaveCount(1);
});

test("an administrator resets a lost second factor, and its owner is signed out live and signs in with the password", async ({ page, browser, farol }) => {
  farol.addUser("ana", "operator");
  farol.addUser("adela", "admin");
  const context = await browser.newContext();
  const ana = await context.newPage();
  await signIn(ana, farol, "ana");
  await ana.goto(farol.url + "/account");
  await enrol(ana);
  await ana.goto(farol.url + "/host");
  await expect(ana.locator(".connection")).toContainText("Live");

  await signIn(page, farol, "adela");
  await page.goto(farol.url + "/settings/users/ana");
  const factor = page.getByRole("region", { name: "Second factor" });
  await expect(factor).toContainText("They have an authenticator app, 10 recovery codes.");
  await factor.getByText("Reset for ana…").click();
  await expect(factor).toContainText("ana is signed out everywhere");
  await axeClean(page, "reset of a second factor");
  await screenshot(page, "settings-reset-proofs");
  await factor.getByRole("button", { name: "Reset for ana" }).click();
  await expect(page.getByRole("status").filter({ hasText: "ana signs in with the password alone from now on" })).toBeVisible();
  await expect(factor).toContainText("None: the password alone signs them in.");
  await expect(ana.locator(".connection")).toContainText("Signed out");
  await typePassword(ana, farol.url, "ana");
  await expect(ana).toHaveURL(farol.url + "/");
  await context.close();
});

test("without scripts an app is set up, asked for and removed", async ({ browser, farol }) => {
  farol.addUser("ben", "viewer");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, farol, "ben", { hydrated: false });
  await page.goto(farol.url + "/account");
  const secret = await enrol(page);
  const other = await browser.newContext({ javaScriptEnabled: false });
  const second = await other.newPage();
  await typePassword(second, farol.url, "ben");
  await inTheFirstPartOfAStep();
  await second.getByLabel("Code").fill(totp(secret));
  await second.getByRole("button", { name: "Go on" }).click();
  await expect(second).toHaveURL(farol.url + "/");
  await second.goto(farol.url + "/account");
  await second.getByText("Remove the app").click();
  await second.getByRole("button", { name: "Yes, remove it" }).click();
  await expect(second.getByText("The authenticator app is removed")).toBeVisible();
  await other.close();
  await context.close();
});

test("a dangerous action asks again after a while and goes on where one was", async ({ page, farol }) => {
  test.setTimeout(240_000);
  farol.addUser("olga", "operator");
  const child = spawn("sleep", ["86398"]);
  const ended = once(child, "exit");
  try {
    await signIn(page, farol, "olga");
    // The configuration's shortest time for which a proof counts.
    const stale = Date.now() + 61_000;
    await page.goto(farol.url + "/processes");
    await hydrated(page);
    await page.getByRole("searchbox").fill("sleep 86398");
    const row = page.getByRole("row").filter({ hasText: String(child.pid) });
    await row.getByRole("link").click();
    const panel = page.getByRole("article").filter({ hasText: "signal" });
    await page.waitForTimeout(stale - Date.now());
    const act = async () => {
      await panel.getByRole("button", { name: /signal/i }).click();
      await page.getByRole("dialog").getByRole("button", { name: /TERM/ }).click();
    };
    watchFaults(page).allow(/403/);
    await act();
    await expect(panel.getByRole("alert")).toContainText("you have not shown that it is you in the last minute");
    const there = page.url();
    await panel.getByRole("link", { name: "Prove that it is you" }).click();
    await expect(page.getByRole("heading", { name: "Prove that it is you" })).toBeVisible();
    await axeClean(page, "/prove");
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Prove it" }).click();
    await expect(page.getByRole("alert")).toContainText("That does not fit");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Prove it" }).click();
    await expect(page).toHaveURL(there);
    await hydrated(page);
    expect(child.exitCode).toBeNull();
    await expect(panel).toBeVisible();
    await act();
    const [, signal] = await ended;
    expect(signal).toBe("SIGTERM");
  } finally {
    child.kill("SIGKILL");
  }
});

/** A security key as Chromium plays it: it keeps passkeys and verifies its user. */
async function authenticator(page: Page): Promise<{ cdp: CDPSession; id: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } as const;
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  return { cdp, id: authenticatorId };
}

test("a passkey is made, signs in without name and password, proves again, and is removed", async ({ page, farol }) => {
  farol.addUser("cleo", "operator");
  const url = farol.url.replace("127.0.0.1", "localhost");
  const { cdp, id } = await authenticator(page);
  await signIn(page, { url }, "cleo");
  await page.goto(url + "/account");
  await hydrated(page);
  await page.getByLabel("Name of the new passkey").fill("Test key");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("The passkey is added")).toBeVisible();
  const item = page.getByRole("listitem").filter({ hasText: "Test key" });
  await expect(item).toContainText("For localhost. Not used yet");
  // The same device makes no second one.
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("has a passkey for your account already")).toBeVisible();

  await page.goto(url + "/prove?next=/account");
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page).toHaveURL(url + "/account");
  await expect(item).toContainText("Last used");

  await page.getByLabel("Your account").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(url + "/audit");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page).toHaveURL(url + "/audit");
  await expect(page.getByText("Signed in by passkey.").first()).toBeVisible();

  await page.goto(url + "/account");
  await item.getByRole("button", { name: "Remove Test key" }).click();
  await expect(page.getByText("The passkey is removed")).toBeVisible();
  const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId: id });
  expect(credentials).toHaveLength(1);
  await page.getByLabel("Your account").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  // The device still has it; Farol does not know it any more.
  watchFaults(page).allow(/404/);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.locator("[data-passkey-fault]")).toContainText("Farol does not know this passkey");
});

test("under an IP address the page says why there are no passkeys", async ({ page, farol }) => {
  farol.addUser("dora", "viewer");
  await signIn(page, farol, "dora");
  await page.goto(farol.url + "/account");
  await expect(page.getByText("Browsers tie a passkey to a name and take no IP address")).toBeVisible();
  await expect(page.getByRole("button", { name: "Add a passkey" })).toHaveCount(0);
});

test("the password is changed and the old one signs in no more", async ({ page, farol }) => {
  farol.addUser("eva", "viewer");
  await signIn(page, farol, "eva");
  await page.goto(farol.url + "/account");
  const fill = async (current: string, next: string) => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password", { exact: true }).fill(next);
    await page.getByLabel("New password again").fill(next);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await fill("not the password", "a much better password");
  await expect(page.getByText("The current password is wrong")).toBeVisible();
  await fill(PASSWORD, "a much better password");
  await expect(page.getByText("Your password is changed")).toBeVisible();
  await page.getByLabel("Your account").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await typePassword(page, farol.url, "eva");
  await expect(page.getByRole("alert")).toContainText("do not match");
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`the pages about proofs are clean for axe, ${theme}, ${width} px`, async ({ page, farol }) => {
      farol.addUser("olga", "operator");
      const url = farol.url.replace("127.0.0.1", "localhost");
      await authenticator(page);
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: theme });
      const check = async (what: string) => {
        await axeClean(page, what);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(wide, `${what} scrolls sideways`).toBeLessThanOrEqual(0);
        await screenshot(page, `${what}-${theme}-${width}`);
      };
      await page.goto(url + "/sign-in");
      await expect(page.getByRole("button", { name: "Use a passkey" })).toBeVisible();
      await check("sign-in-passkey");
      await signIn(page, { url }, "olga");
      await page.goto(url + "/account");
      await hydrated(page);
      await check("account");
      await page.getByLabel("Name of the new passkey").fill("A security key with quite a long name, kept in the safe");
      await page.getByRole("button", { name: "Add a passkey" }).click();
      await expect(page.getByText("The passkey is added")).toBeVisible();
      await page.getByRole("button", { name: "Set up an app" }).click();
      await expect(page.getByRole("img", { name: "QR code" })).toBeVisible();
      await hydrated(page);
      await check("account-enrolling");
      const secret = await page.locator("[data-secret]").textContent();
      await inTheFirstPartOfAStep();
      await page.getByLabel("Code from the app").fill(totp(secret!, -1));
      await page.getByRole("button", { name: "Turn it on" }).click();
      await expect(page.locator(".codes")).toBeVisible();
      await hydrated(page);
      await check("account-on");
      await page.goto(url + "/prove?next=/account");
      await check("prove");
      await page.context().clearCookies();
      await typePassword(page, url, "olga");
      await expect(page.getByRole("heading", { name: "One more step" })).toBeVisible();
      await check("sign-in-code");
    });
  }
}
