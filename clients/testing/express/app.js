// An Express app that signs users in with openid-client. Its tests are in sign_in.test.js.
import express from "express";
import session from "express-session";
import * as client from "openid-client";

export async function createApp({ issuer, clientId, clientSecret, home }) {
  const url = new URL(issuer);
  const options = url.protocol === "http:" ? { execute: [client.allowInsecureRequests] } : {};
  const config = await client.discovery(url, clientId, clientSecret, undefined, options);
  const app = express();
  app.use(session({ secret: "of-the-tests", resave: false, saveUninitialized: false }));

  app.get("/", (request, response) => {
    response.send(request.session.user ? `Hello, ${request.session.user.sub}` : "Welcome");
  });

  app.get("/sign-in", async (request, response) => {
    const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
    request.session.signIn = { verifier, state, nonce };
    const target = client.buildAuthorizationUrl(config, {
      redirect_uri: `${home}/callback`,
      scope: "openid profile",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
    response.redirect(target.href);
  });

  app.get("/callback", async (request, response) => {
    const { signIn } = request.session;
    // A browser that began no sign-in here was sent an answer to someone else's.
    if (!signIn) return response.status(400).send("Sign-in failed: NO_SIGN_IN");
    try {
      const tokens = await client.authorizationCodeGrant(config, new URL(request.url, home), {
        pkceCodeVerifier: signIn.verifier,
        expectedState: signIn.state,
        expectedNonce: signIn.nonce,
      });
      // A new session ID, so that one that was planted before the sign-in is worthless.
      await new Promise((done, failed) => request.session.regenerate((error) => (error ? failed(error) : done())));
      request.session.user = { sub: tokens.claims().sub };
      response.redirect("/");
    } catch (error) {
      response.status(400).send(`Sign-in failed: ${error.code ?? error.message}`);
    }
  });

  return app;
}
