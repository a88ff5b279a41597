import { expect, hydrated, test } from "../support/fixtures";

test("the setup link makes the first administrator, once", async ({ page, farol }) => {
  expect(farol.setupLink).toContain("/setup?token=");
  await page.goto(farol.url + "/");
  await expect(page).toHaveURL(farol.url + "/setup");
  await expect(page.getByRole("main")).toContainText("Look in the terminal");

  await page.goto(farol.setupLink);
  await page.getByLabel("Name", { exact: true }).fill("ana");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByLabel("Password again").fill("correct horse batterY");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("differ");

  await page.getByLabel("Name", { exact: true }).fill("ana");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByLabel("Password again").fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(farol.url + "/");
  await hydrated(page);
  await page.getByLabel("Your account").click();
  await expect(page.getByText("Signed in as admin")).toBeVisible();

  await page.goto(farol.setupLink);
  await page.getByLabel("Name", { exact: true }).fill("eve");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByLabel("Password again").fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("no longer works");
});
