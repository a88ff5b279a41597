// Starts one fresh Farol on the given port; builds it first when there is none.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const binary = process.env.FAROL_BIN ?? join(root, "target/debug/farol");
if (!existsSync(binary) || !existsSync(join(root, "target/site/pkg"))) {
  const built = spawnSync("cargo", ["xtask", "build"], { cwd: root, stdio: "inherit" });
  if (built.status !== 0) process.exit(built.status ?? 1);
}
const dir = mkdtempSync(join(tmpdir(), "farol-e2e-"));
const server = spawn(binary, ["serve", "--listen", `127.0.0.1:${process.argv[2]}`, "--data-dir", dir], { stdio: "inherit" });
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => server.kill(signal));
server.on("exit", (code) => process.exit(code ?? 0));
