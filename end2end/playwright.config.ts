import { defineConfig } from "@playwright/test";

// Every test starts a Farol of its own on a free port (support/farol.ts), so tests share nothing and need no web server that
// was started before. What must be there is the built binary and site: `webServer` builds them when they are missing and
// starts one Farol that proves it.
const port = process.env.FAROL_E2E_PORT ?? "3907";

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  timeout: 90_000,
  expect: { timeout: 20_000 },
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: !!process.env.CI,
  reporter: [["list"]],
  use: {
    video: "off",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
    },
  },
  webServer: {
    command: `node support/serve.mjs ${port}`,
    url: `http://127.0.0.1:${port}/healthz`,
    timeout: 900_000,
    reuseExistingServer: false,
    gracefulShutdown: { signal: "SIGTERM", timeout: 15_000 },
  },
});
