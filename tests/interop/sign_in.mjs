// A relying app made of npm `openid-client` and nothing else: it has no special case for this provider.
//
// Told as JSON on the command line what it is registered as. It prints one JSON line for each thing it is ready for:
// where to send the person, what it learned, where to sign them out, what it sees afterwards.
import { createServer } from 'node:http'
import * as client from 'openid-client'

const told = JSON.parse(process.argv[2])
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')

const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(told.client_secret),
  client_secret_post: () => client.ClientSecretPost(told.client_secret),
  none: () => client.None(),
}[told.auth_method]

const config = await client.discovery(new URL(told.issuer), told.client_id, told.metadata ?? {}, authentication(), {
  algorithm: told.algorithm ?? 'oidc', // where the metadata is: OIDC Discovery, or RFC 8414 ('oauth2')
  execute: [client.allowInsecureRequests], // http on loopback
})

// Registered to get ID tokens and userinfo encrypted to this key, it takes no others.
if (told.own_key) {
  const [algorithm, use] = told.own_key.kty === 'RSA'
    ? [{ name: 'RSA-OAEP', hash: 'SHA-256' }, 'decrypt']
    : [{ name: 'ECDH', namedCurve: told.own_key.crv }, 'deriveBits']
  const key = await crypto.subtle.importKey('jwk', told.own_key, algorithm, false, [use])
  client.enableDecryptingResponses(config, ['A256GCM'], { key, kid: told.own_key.kid })
}

// What the browser is sent back to: each visit is waited for once.
const visits = []
const waiting = []
const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end('<!doctype html><link rel="icon" href="data:,"><title>App</title><h1>Back at the app</h1>')
  const url = new URL(request.url, told.base_url)
  waiting.length ? waiting.shift()(url) : visits.push(url)
})
const nextVisit = () => visits.length ? Promise.resolve(visits.shift()) : new Promise((resolve) => waiting.push(resolve))
await new Promise((resolve) => server.listen(new URL(told.base_url).port, '127.0.0.1', resolve))

// Sign in: code, PKCE S256, state, nonce.
const code_verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const authorizationUrl = client.buildAuthorizationUrl(config, {
  redirect_uri: `${told.base_url}/callback`,
  scope: 'openid profile email offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  max_age: '3600',
})
say({ open: authorizationUrl.href })
// It checks state, iss (RFC 9207), and of the ID Token: signature, iss, aud, exp, nonce, auth_time against max_age.
client.enableNonRepudiationChecks(config) // makes it verify the signature even of a token fetched directly
const tokens = await client.authorizationCodeGrant(config, await nextVisit(), {
  pkceCodeVerifier: code_verifier,
  expectedState: state,
  expectedNonce: nonce,
  maxAge: 3600,
  idTokenExpected: true,
})
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)

// Refresh: the new ID Token is checked against the old one.
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)

// Introspection and revocation; a public client may not introspect (RFC 7662 section 2.1).
const mayIntrospect = told.auth_method !== 'none'
const introspect = async (token) => mayIntrospect ? (await client.tokenIntrospection(config, token)) : null
const before = await introspect(refreshed.access_token)
await client.tokenRevocation(config, refreshed.refresh_token)
const refusal = await client.refreshTokenGrant(config, refreshed.refresh_token).then(() => null, (error) => error.error)
const after = await introspect(refreshed.access_token)

say({
  claims,
  userinfo,
  token_type: tokens.token_type,
  scope: tokens.scope,
  rotated: refreshed.refresh_token !== tokens.refresh_token,
  refreshed: refreshed.claims(),
  before,
  after,
  refusal,
})

if (told.own_key) {
  // The hint would be the ID token without its envelope (OIDC Core section 3.1.2.1), which this library keeps to itself.
  say({ encrypted: tokens.id_token.split('.').length === 5 })
  process.exit()
}

// Sign out, and find the session gone: prompt=none is refused with login_required.
const logoutState = client.randomState()
const endSessionUrl = client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: `${told.base_url}/signed-out`,
  state: logoutState,
})
say({ open: endSessionUrl.href })
const signedOut = await nextVisit()
const silent = client.randomState()
const silentVerifier = client.randomPKCECodeVerifier()
say({
  open: client.buildAuthorizationUrl(config, {
    redirect_uri: `${told.base_url}/callback`,
    scope: 'openid',
    prompt: 'none',
    code_challenge: await client.calculatePKCECodeChallenge(silentVerifier),
    code_challenge_method: 'S256',
    state: silent,
  }).href,
})
const error = await client
  .authorizationCodeGrant(config, await nextVisit(), { pkceCodeVerifier: silentVerifier, expectedState: silent })
  .then(() => null, (refused) => refused.error)
say({ state_kept: signedOut.searchParams.get('state') === logoutState, signed_out_at: signedOut.pathname, error })
server.close()
server.closeAllConnections()
