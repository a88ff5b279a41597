import { expect, test } from "@playwright/test";
import { createServer } from "node:http";
import { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Farol } from "../support/farol";

const PAGE = readFileSync(resolve(import.meta.dirname, "../../examples/browser/index.html"));

test("the example page shows the load from an origin that is named, and says what to do elsewhere", async ({ page }) => {
  const files = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(PAGE));
  await new Promise<void>((ready) => files.listen(0, "127.0.0.1", ready));
  const { port } = files.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const farol = new Farol(`[http]\npublic_origins = ["${origin}"]\n`);
  try {
    await farol.start();
    farol.addUser("vera", "viewer");
    const follow = async (from: string, token: string) => {
      await page.goto(from);
      await page.getByLabel("Address of Farol").fill(farol.url);
      await page.getByLabel("API token").fill(token);
      await page.getByLabel("Lines").fill("3");
      await page.getByRole("button", { name: "Follow" }).click();
    };
    const token = farol.addToken("vera");

    await follow(origin, token);
    await expect(page.getByRole("status")).toHaveText("Done.");
    const lines = await page.getByRole("listitem").allTextContents();
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^\S+Z cpu \d+\.\d %$/);

    await follow(origin, "farol_wrong");
    await expect(page.getByRole("status")).toHaveText("Ended: 3500 invalid token");

    // The same page from another origin.
    const elsewhere = `http://localhost:${port}`;
    await follow(elsewhere, token);
    await expect(page.getByRole("status")).toContainText(`does http.public_origins name ${elsewhere}?`);
  } finally {
    await page.goto("about:blank");
    await farol.dispose();
    files.closeAllConnections();
    files.close();
  }
});
