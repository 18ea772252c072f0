// A relying app made of npm `openid-client`, which authenticates with a key of its own and asks in every way there is:
// pushed (PAR), as a signed request (JAR), both at once, and answered by a posted form or a JWT; for tokens of one API
// (RFC 8707), which that API exchanges for another's (RFC 8693).
//
// The person is there already: told a cookie of theirs, it sends it along as their browser would.
import * as client from 'openid-client'

const told = JSON.parse(process.argv[2])
const insecure = { execute: [client.allowInsecureRequests] } // http on loopback
const redirect_uri = `${told.base_url}/callback`
const key = await crypto.subtle.importKey('jwk', told.own_key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const signing = { key, kid: told.own_key.kid }
const discover = () => client.discovery(
  new URL(told.issuer), told.client_id, told.metadata, client.PrivateKeyJwt(signing), insecure)
const usual = await discover()
client.enableNonRepudiationChecks(usual)
const signedResponses = await discover()
client.useJwtResponseMode(signedResponses)

const answered = (url) => fetch(url, { redirect: 'manual', headers: { cookie: told.cookie } })
const audience = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).aud

async function ask(how, more = {}, tokenParameters, config = usual) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const url = await how({
    redirect_uri,
    scope: 'openid profile read',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    ...more,
  })
  const response = await answered(url)
  const checks = { pkceCodeVerifier, expectedState, expectedNonce }
  const back = more.response_mode === 'form_post'
    ? posted(await response.text())
    : new URL(response.headers.get('location'))
  return { url, tokens: await client.authorizationCodeGrant(config, back, checks, tokenParameters) }
}

// What a browser would post to the app.
function posted(html) {
  const body = new URLSearchParams()
  for (const [, name, value] of html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)) {
    body.append(name, value.replaceAll('&#43;', '+').replaceAll('&amp;', '&'))
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Request(redirect_uri, { method: 'POST', body, headers })
}

const pushed = (parameters) => client.buildAuthorizationUrlWithPAR(usual, parameters)
const signed = (parameters) => client.buildAuthorizationUrlWithJAR(usual, parameters, signing)
const both = async (parameters) => pushed((await signed(parameters)).searchParams)
const plain = (parameters) => client.buildAuthorizationUrl(usual, parameters)
const answeredByJwt = (parameters) => client.buildAuthorizationUrl(signedResponses, parameters)

const learned = {}
for (const [name, how] of Object.entries({ pushed, signed, both })) {
  const { url, tokens } = await ask(how)
  learned[name] = { in_url: [...url.searchParams.keys()].sort(), sub: tokens.claims().sub }
}
learned.jwt = (await ask(answeredByJwt, {}, undefined, signedResponses)).tokens.claims().sub
learned.form_post = (await ask(plain, { response_mode: 'form_post' })).tokens.claims().sub
const { tokens } = await ask(pushed, { resource: told.api }, { resource: told.api })
learned.resource = audience(tokens.access_token)
learned.refused = await ask(pushed, { resource: 'https://nobody.example.test' })
  .then(() => null, (error) => error.error)

const api = await client.discovery(
  new URL(told.issuer), told.api_client_id, {}, client.ClientSecretBasic(told.api_secret), insecure)
learned.api_sees = (await client.tokenIntrospection(api, tokens.access_token)).aud
const exchanged = await client.genericGrantRequest(api, 'urn:ietf:params:oauth:grant-type:token-exchange', {
  subject_token: tokens.access_token,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  resource: told.other_api,
})
learned.exchanged = { aud: audience(exchanged.access_token), type: exchanged.issued_token_type }
process.stdout.write(JSON.stringify(learned) + '\n')
