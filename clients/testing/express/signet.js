// Starts `signet test-server` for a test run, and calls its control API. Copy it into your project.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export async function startSignet(command = process.env.SIGNET ?? "signet") {
  // The server ends when this process does, because its standard input is closed then.
  const server = spawn(command, ["test-server", "--json", "--watch-stdin"], { stdio: ["pipe", "pipe", "inherit"] });
  const line = await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (status) => reject(new Error(`signet test-server ended with status ${status}`)));
    createInterface(server.stdout).once("line", resolve);
  });
  const { issuer, control } = JSON.parse(line);

  async function call(operation, body, method = "POST") {
    const answer = await fetch(control + operation, {
      method,
      headers: { "content-type": "application/json" },
      body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
    });
    if (answer.status === 204) return undefined;
    const result = await answer.json();
    if (!answer.ok) throw new Error(result.message);
    return result;
  }

  return { issuer, call, stop: () => server.stdin.end() };
}
