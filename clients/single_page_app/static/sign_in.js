// The code flow with PKCE for an application that is nothing but a page (RFC 6749 section 4.1, RFC 7636, OIDC Core
// section 3.1). It has no secret: the registered redirect URI and the code_verifier stand for it.

import { base64url, verify } from "./id_token.js";

const PENDING = "sign-in";
const SOON = 30; // seconds before its end an access token is not used any more

export class Refused extends Error {
  constructor(error, description) {
    super(description || error);
    this.error = error;
  }
}

export class SignIn {
  // In memory and nowhere else: gone with the page, and in no storage that another script could read later.
  #tokens = null;
  #refreshing = null;

  constructor(config, metadata) {
    this.config = config;
    this.metadata = metadata;
    this.claims = null;
  }

  // Everything but the issuer is read from discovery.
  static async discover(config) {
    const answer = await fetch(`${config.issuer}/.well-known/openid-configuration`);
    const metadata = await answer.json();
    if (metadata.issuer !== config.issuer) throw new Refused("invalid_issuer", "Discovery speaks of another issuer.");
    return new SignIn(config, metadata);
  }

  get scope() {
    return this.#tokens.scope;
  }

  // Leave for the provider. What must be known when coming back waits in this tab's session storage; no token is there.
  async begin() {
    const pending = { state: random(), nonce: random(), code_verifier: random() };
    sessionStorage.setItem(PENDING, JSON.stringify(pending));
    go(this.metadata.authorization_endpoint, {
      response_type: "code",
      client_id: this.config.client_id,
      redirect_uri: `${location.origin}/callback`,
      scope: this.config.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.code_verifier))),
      code_challenge_method: "S256",
    });
  }

  // Back from the provider: `answer` is the query of the redirect URI.
  async finish(answer) {
    const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "{}");
    sessionStorage.removeItem(PENDING);
    if (!pending.state || answer.get("state") !== pending.state || answer.get("iss") !== this.metadata.issuer) {
      throw new Refused("invalid_answer", "This is not the answer to what we asked."); // RFC 9207, OIDC Core 3.1.2.7
    }
    if (answer.has("error")) throw new Refused(answer.get("error"), answer.get("error_description"));
    await this.#redeem({
      grant_type: "authorization_code",
      code: answer.get("code"),
      redirect_uri: `${location.origin}/callback`,
      code_verifier: pending.code_verifier,
    }, pending.nonce);
  }

  // One at a time: the provider gives a new refresh token each time and takes the old one back (RFC 9700 section 4.14).
  refresh() {
    this.#refreshing ??= this.#redeem({ grant_type: "refresh_token", refresh_token: this.#tokens.refresh_token })
      .finally(() => { this.#refreshing = null; });
    return this.#refreshing;
  }

  // A request with the access token, made anew with a fresh one when the first is no longer taken.
  async call(url) {
    if (this.#tokens.until < Date.now()) await this.refresh();
    const get = () => fetch(url, { headers: { authorization: `Bearer ${this.#tokens.access_token}` } });
    const answer = await get();
    if (answer.status !== 401) return answer;
    await this.refresh();
    return get();
  }

  async userinfo() {
    const answer = await this.call(this.metadata.userinfo_endpoint);
    const userinfo = await answer.json();
    if (!answer.ok) throw new Refused(userinfo.error, userinfo.error_description);
    if (userinfo.sub !== this.claims.sub) throw new Refused("invalid_sub", "userinfo is about a different user.");
    return userinfo;
  }

  // Give the tokens back (RFC 7009), then end the session at the provider (RP-Initiated Logout).
  async end() {
    const { refresh_token: token, id_token: id_token_hint } = this.#tokens;
    this.forget();
    try {
      await this.#post(this.metadata.revocation_endpoint, { token });
    } finally {
      const post_logout_redirect_uri = `${location.origin}/signed-out`;
      go(this.metadata.end_session_endpoint, { id_token_hint, post_logout_redirect_uri });
    }
  }

  forget() {
    this.#tokens = this.claims = null;
  }

  async #redeem(grant, nonce) {
    const answer = await this.#post(this.metadata.token_endpoint, grant);
    const tokens = await answer.json();
    if (!answer.ok) throw new Refused(tokens.error, tokens.error_description);
    if (tokens.id_token) {
      const claims = await verify(tokens.id_token, {
        keys: (await (await fetch(this.metadata.jwks_uri)).json()).keys,
        issuer: this.metadata.issuer,
        client_id: this.config.client_id,
        access_token: tokens.access_token,
        nonce,
      });
      if (this.claims && claims.sub !== this.claims.sub) throw new Refused("invalid_sub", "Somebody else signed in.");
      this.claims = claims;
    }
    this.#tokens = { ...this.#tokens, ...tokens, until: Date.now() + (tokens.expires_in - SOON) * 1000 };
  }

  #post(url, form) {
    return fetch(url, { method: "POST", body: new URLSearchParams({ client_id: this.config.client_id, ...form }) });
  }
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function go(url, parameters) {
  location.assign(`${url}?${new URLSearchParams(parameters)}`);
}
