// Answers applications that ask whether the session changed (OpenID Connect Session Management 1.0 section 3.2). They send
// "client_id session_state"; the hash is made as in provider/oauth/http/session_state.py.
"use strict";

const prefix = document.currentScript.dataset.cookie + "=";

// The state of each account that is signed in in this browser.
function browserStates() {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(prefix));
  return found ? found.slice(prefix.length).split(".") : [];
}

async function hashOf(clientId, origin, state, salt) {
  const text = new TextEncoder().encode(`${clientId} ${origin} ${state} ${salt}`);
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
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
  const hashes = await Promise.all(browserStates().map((state) => hashOf(parts[0], origin, state, salt)));
  return hashes.includes(hash) ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  if (!event.source || event.source === window || event.origin === "null") return;
  const answer = await check(event.data, event.origin).catch(() => "error");
  event.source.postMessage(answer, event.origin);
});
