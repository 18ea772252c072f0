// A relying app that registers itself by npm `openid-client`, uses what it was given, and ends its registration.
import * as client from 'openid-client'

const told = JSON.parse(process.argv[2])
const config = await client.dynamicClientRegistration(
  new URL(told.issuer),
  {
    redirect_uris: ['https://app.example.test/callback'],
    grant_types: ['authorization_code', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_post', // what the library does with a secret unless told otherwise
  },
  undefined,
  { initialAccessToken: told.initial_access_token, execute: [client.allowInsecureRequests] }, // http on loopback
)
const metadata = config.clientMetadata()
const tokens = await client.clientCredentialsGrant(config)

// RFC 7592 is no part of the library.
const headers = { authorization: `Bearer ${metadata.registration_access_token}` }
const read = await fetch(metadata.registration_client_uri, { headers })
const deleted = await fetch(metadata.registration_client_uri, { method: 'DELETE', headers })
const after = await client.clientCredentialsGrant(config).then(() => null, (error) => error.status)
const refused = await client
  .dynamicClientRegistration(new URL(told.issuer), {}, undefined, { execute: [client.allowInsecureRequests] })
  .then(() => null, (error) => [error.code, error.cause.map?.((challenge) => challenge.scheme)])

process.stdout.write(JSON.stringify({
  metadata,
  token_type: tokens.token_type,
  read: [read.status, (await read.json()).client_id],
  deleted: deleted.status,
  after,
  refused,
}) + '\n')
