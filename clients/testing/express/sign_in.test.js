// The tests of the Express app: `npm install`, `pip install pytest-signet`, then `npm test`.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { createApp } from "./app.js";
import { startSignet } from "./signet.js";

let signet, listener, home, client, ada;

before(async () => {
  signet = await startSignet();
});

beforeEach(async () => {
  await signet.call("reset");
  await new Promise((listening) => {
    let app;
    listener?.close();
    listener = createServer((request, response) => app(request, response));
    listener.listen(0, "localhost", async () => {
      home = `http://localhost:${listener.address().port}`;
      client = await signet.call("clients", { redirect_uris: [`${home}/callback`], require_pkce: false });
      const { client_id: clientId, client_secret: clientSecret } = client;
      app = await createApp({ issuer: signet.issuer, clientId, clientSecret, home });
      listening();
    });
  });
  ada = await signet.call("users", { claims: { name: "Ada" } });
});

after(() => {
  listener?.close();
  signet.stop();
});

// A browser at the app: it keeps the cookie of the session, and follows no redirect.
function visitor() {
  let cookie;
  return async (url) => {
    const before = cookie;
    const answer = await fetch(new URL(url, home), { redirect: "manual", headers: cookie ? { cookie } : {} });
    cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    const { status, headers } = answer;
    return { status, location: headers.get("location"), text: await answer.text(), before, cookie };
  };
}

test("a user signs in", async () => {
  const open = visitor();
  const { location } = await open("/sign-in");
  const { url } = await signet.call("sign-in", { url: location, user: ada.sub });
  const { before, cookie } = await open(url);
  assert.notEqual(cookie, before, "a session ID from before the sign-in must not be that of the user");
  assert.equal((await open("/")).text, `Hello, ${ada.sub}`);
  await signet.call("assert-safe-sign-in", { redirect_uri: `${home}/callback` });
});

test("an answer to a sign-in that another browser began is rejected", async () => {
  const open = visitor();
  const asked = { response_type: "code", client_id: client.client_id, redirect_uri: `${home}/callback`, scope: "openid" };
  const { url } = await signet.call("sign-in", {
    url: `${signet.issuer}/oauth2/authorize?${new URLSearchParams(asked)}`,
    user: ada.sub,
  });
  const answer = await open(url);
  assert.equal(answer.status, 400);
  assert.equal((await open("/")).text, "Welcome");
});

test("a user who denies access is not signed in", async () => {
  const open = visitor();
  const { location } = await open("/sign-in");
  const { url } = await signet.call("sign-in", { url: location, user: ada.sub, consent: false });
  assert.equal((await open(url)).text, "Sign-in failed: OAUTH_AUTHORIZATION_RESPONSE_ERROR");
});

const rejected = {
  expired: "OAUTH_JWT_TIMESTAMP_CHECK_FAILED",
  wrong_issuer: "OAUTH_JWT_CLAIM_COMPARISON_FAILED",
  wrong_audience: "OAUTH_JWT_CLAIM_COMPARISON_FAILED",
};
for (const [wrong, problem] of Object.entries(rejected)) {
  test(`an ID token that is ${wrong} is rejected`, async () => {
    await signet.call("faults", { fault: "id_token", [wrong]: true });
    const open = visitor();
    const { location } = await open("/sign-in");
    const { url } = await signet.call("sign-in", { url: location, user: ada.sub });
    assert.equal((await open(url)).text, `Sign-in failed: ${problem}`);
  });
}

test("an answer to another sign-in is rejected", async () => {
  await signet.call("faults", { fault: "redirect", state: "of-someone-else" });
  const open = visitor();
  const { location } = await open("/sign-in");
  const { url } = await signet.call("sign-in", { url: location, user: ada.sub });
  assert.equal((await open(url)).text, "Sign-in failed: OAUTH_INVALID_RESPONSE");
});
