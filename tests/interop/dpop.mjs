// A relying app made of npm `openid-client` that uses DPoP (RFC 9449) wherever it can: pushed request, tokens, userinfo.
//
// Told as JSON on the command line what it is registered as. It prints where to send the person, and what it learned.
import { createServer } from 'node:http'
import * as client from 'openid-client'

const told = JSON.parse(process.argv[2])
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const authentication = told.auth_method === 'none' ? client.None() : client.ClientSecretBasic(told.client_secret)
const config = await client.discovery(new URL(told.issuer), told.client_id, told.metadata ?? {}, authentication, {
  execute: [client.allowInsecureRequests], // http on loopback
})
const newKey = async () => client.getDPoPHandle(config, await client.randomDPoPKeyPair(told.alg))
const DPoP = await newKey()

let arrived
const visited = new Promise((resolve) => { arrived = resolve })
const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end('<!doctype html><link rel="icon" href="data:,"><title>App</title><h1>Back at the app</h1>')
  arrived(new URL(request.url, told.base_url))
})
await new Promise((resolve) => server.listen(new URL(told.base_url).port, '127.0.0.1', resolve))

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const parameters = {
  redirect_uri: `${told.base_url}/callback`,
  scope: 'openid profile email offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
}
say({ open: (await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })).href })
const tokens = await client.authorizationCodeGrant(
  config, await visited, { pkceCodeVerifier, expectedState, idTokenExpected: true }, undefined, { DPoP },
)
const sub = tokens.claims().sub
const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
const again = await client.fetchUserInfo(config, refreshed.access_token, sub, { DPoP })

const refusalOf = (promise) => promise.then(() => null, (error) => error.error ?? error.cause?.[0]?.parameters?.error)
const other = await newKey()
say({
  userinfo,
  same: again.sub === userinfo.sub,
  token_type: tokens.token_type,
  algorithms: config.serverMetadata().dpop_signing_alg_values_supported,
  refreshed_with_another_key: await refusalOf(
    client.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP: other }),
  ),
  refreshed_without_a_key: await refusalOf(client.refreshTokenGrant(config, refreshed.refresh_token)),
  used_with_another_key: await refusalOf(client.fetchUserInfo(config, refreshed.access_token, sub, { DPoP: other })),
  used_without_a_key: await refusalOf(client.fetchUserInfo(config, refreshed.access_token, sub)),
  still_refreshed: (await client.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP })).token_type,
})
server.close()
server.closeAllConnections()
