// Answers applications that ask whether the session changed (OpenID Connect Session Management 1.0 section 3.2). They send
// "client_id session_state"; the hash is made as in provider/oauth/http/session_state.py.
"use strict";

const prefix = document.currentScript.dataset.cookie + "=";

function browserState() {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(prefix));
  return found ? found.slice(prefix.length) : "";
}

// Without access to our cookie, as where the browser blocks cookies of other sites, nothing is known of the session.
async function mayReadCookies() {
  return navigator.cookieEnabled && (!document.hasStorageAccess || (await document.hasStorageAccess()));
}

async function check(message, origin) {
  const parts = typeof message === "string" ? message.split(" ") : [];
  const [hash, salt] = (parts[1] || "").split(".");
  if (parts.length !== 2 || !hash || !salt) return "error";
  if (!(await mayReadCookies())) return "error";
  const text = new TextEncoder().encode(`${parts[0]} ${origin} ${browserState()} ${salt}`);
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  const now = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return now === hash ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  if (!event.source || event.source === window || event.origin === "null") return;
  const answer = await check(event.data, event.origin).catch(() => "error");
  event.source.postMessage(answer, event.origin);
});
