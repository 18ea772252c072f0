// A device made of npm `openid-client` and nothing else: the person answers at a browser elsewhere (RFC 8628).
//
// Told as JSON on the command line what it is registered as. It prints one JSON line for each thing it is ready for.
import * as client from 'openid-client'

const told = JSON.parse(process.argv[2])
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')

const authentication = told.auth_method === 'none' ? client.None() : client.ClientSecretBasic(told.client_secret)
const config = await client.discovery(new URL(told.issuer), told.client_id, told.metadata, authentication, {
  execute: [client.allowInsecureRequests], // http on loopback
})

const codes = await client.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' })
say({ open: codes.verification_uri_complete, user_code: codes.user_code })
const tokens = await client.pollDeviceAuthorizationGrant(config, codes)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
say({
  claims: tokens.claims(),
  userinfo: await client.fetchUserInfo(config, refreshed.access_token, tokens.claims().sub),
  rotated: refreshed.refresh_token !== tokens.refresh_token,
  // Registered for a signed answer, it takes no other (RFC 9701).
  introspected: told.auth_method === 'none' ? null : await client.tokenIntrospection(config, refreshed.access_token),
})
