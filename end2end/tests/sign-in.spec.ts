import { expect, PASSWORD, signIn, test } from "../support/fixtures";

test("a wrong password and an unknown name get the same words", async ({ page, farol }) => {
  await farol.addUser("ana", "viewer");
  const words: string[] = [];
  for (const name of ["ana", "nobody"]) {
    await page.goto(farol.url + "/sign-in");
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    words.push(await page.getByRole("alert").innerText());
  }
  expect(words[0]).toBe(words[1]);
  expect(words[0]).toContain("do not match");
});

test("guessing is slowed down and says for how long", async ({ page, farol }) => {
  await farol.addUser("ben", "viewer");
  const alert = page.getByRole("alert");
  for (let tries = 0; tries < 12; tries++) {
    await page.goto(farol.url + "/sign-in");
    await page.getByLabel("Name", { exact: true }).fill("ben");
    await page.getByLabel("Password", { exact: true }).fill("guess number " + tries);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(alert).toBeVisible();
    if ((await alert.innerText()).includes("Too many tries")) break;
  }
  await expect(alert).toContainText("Too many tries");
  await expect(alert).toContainText(/second|minute/);
});

test("sign-in leads to the page that was asked for, and sign-out ends it", async ({ page, farol }) => {
  await farol.addUser("cleo", "operator");
  await page.goto(farol.url + "/audit");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByLabel("Name", { exact: true }).fill("cleo");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(farol.url + "/audit");
  await page.getByLabel("Your account").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(farol.url + "/");
  await expect(page).toHaveURL(/\/sign-in/);
});

test("signing out in one tab ends the live connection of the other", async ({ context, page, farol }) => {
  await farol.addUser("dora", "viewer");
  await signIn(page, farol, "dora");
  await expect(page.locator(".connection")).toContainText("Live");
  const other = await context.newPage();
  await other.goto(farol.url + "/");
  await other.getByLabel("Your account").click();
  await other.getByRole("button", { name: "Sign out" }).click();
  await expect(page.locator(".connection")).toContainText("Signed out");
});
