import { expect, signIn, test } from "../support/fixtures";

// A certificate of Farol's own making, which this browser is told to take.
test.use({ config: "[tls]\nself_signed = true\n", ignoreHTTPSErrors: true });

test("pages come over HTTP/2, and the browser opens its WebSocket over HTTP/1.1 by itself", async ({ page, farol }) => {
  expect(farol.url).toMatch(/^https:/);
  farol.addUser("tina", "viewer");
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Network.enable");
  const opened = new Promise<{ status: number; headersText?: string }>((done) =>
    cdp.on("Network.webSocketHandshakeResponseReceived", (event) => done(event.response)),
  );
  await signIn(page, farol, "tina");
  const protocol = () => (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming).nextHopProtocol;
  expect(await page.evaluate(protocol)).toBe("h2");
  await expect(page.locator(".connection")).toContainText("Live");
  const answer = await opened;
  expect(answer.status).toBe(101);
  expect(answer.headersText).toMatch(/^HTTP\/1\.1 101 /);
  await page.goto(farol.url + "/processes");
  expect(await page.evaluate(protocol)).toBe("h2");
  await expect(page.locator(".connection")).toContainText("Live");
});
