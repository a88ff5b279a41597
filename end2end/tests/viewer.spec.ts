import { expect, signIn, test, watchFaults } from "../support/fixtures";

test("a viewer is refused in the page and by direct calls", async ({ page, farol }) => {
  await farol.addUser("vera", "viewer");
  await signIn(page, farol, "vera");
  await expect(page.getByRole("navigation", { name: "Pages" })).not.toContainText("Controls");
  watchFaults(page).allow(/403/);
  const answer = await page.goto(farol.url + "/controls");
  expect(answer!.status()).toBe(403);
  await expect(page.getByRole("main")).not.toContainText("Send a signal");
  const called = await page.evaluate(async () => {
    const body = new URLSearchParams({ action: "process.signal", key: "direct-call-1", confirm: "true" });
    return (await fetch("/api/fn/run", { method: "POST", body })).status;
  });
  expect(called).toBe(403);
  const closed = await page.evaluate(
    () =>
      new Promise<string>((done) => {
        const socket = new WebSocket(location.origin.replace("http", "ws") + "/connection/websocket");
        socket.onopen = () => socket.send(JSON.stringify({ id: 1, connect: {} }));
        socket.onmessage = (event) => {
          for (const line of event.data.split("\n")) {
            const reply = JSON.parse(line);
            if (reply.connect)
              socket.send(
                JSON.stringify({ id: 2, rpc: { method: "run", data: { key: "direct-call-2", action: "process.signal", params: {}, confirm: true } } }),
              );
            if (reply.id === 2) done(JSON.stringify(reply.error ?? reply));
          }
        };
      }),
  );
  expect(JSON.parse(closed).code).toBe(103);
});
