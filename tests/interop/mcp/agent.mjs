// An agent made of npm `@modelcontextprotocol/sdk` and nothing else: it has no special case for this provider.
//
// It is given the URL of an MCP server, and that of its own metadata document. It prints one JSON line for each thing it
// is ready for: where to send its user, and in the end what it did.
import { createServer } from 'node:http'
import { randomUUID } from 'node:crypto'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const given = JSON.parse(process.argv[2])
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')

// The loopback redirect URI. Each visit is waited for once.
const visits = []
const waiting = []
const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end('<!doctype html><link rel="icon" href="data:,"><title>Back</title><h1>Back at the agent</h1>')
  const url = new URL(request.url, given.callback)
  waiting.length ? waiting.shift()(url) : visits.push(url)
})
const nextVisit = () => visits.length ? Promise.resolve(visits.shift()) : new Promise((resolve) => waiting.push(resolve))
await new Promise((resolve) => server.listen(new URL(given.callback).port, 'localhost', resolve))

class Provider {
  clientMetadataUrl = given.document
  redirectUrl = given.callback
  clientMetadata = {
    redirect_uris: [given.callback],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  }
  needsMore = false
  state() { return this.expectedState = randomUUID() }
  clientInformation() { return this.client }
  saveClientInformation(client) { this.client = client }
  // With a refresh token the SDK refreshes instead of asking for more scope, so it is kept back for that.
  tokens() { return this.needsMore ? { ...this.saved, refresh_token: undefined } : this.saved }
  saveTokens(tokens) {
    this.needsMore = false
    this.saved = tokens
  }
  saveCodeVerifier(verifier) { this.verifier = verifier }
  codeVerifier() { return this.verifier }
  redirectToAuthorization(url) { say({ open: url.href }) }
}
const provider = new Provider()

const requested = []
const fetchNoting = async (url, init) => {
  requested.push(new URL(url).pathname)
  if (given.hidden && String(url).includes(given.hidden)) return new Response('', { status: 404 })
  const response = await fetch(url, init)
  provider.needsMore ||= response.status === 403
  return response
}

const open = () => new StreamableHTTPClientTransport(new URL(given.mcp_url), { authProvider: provider, fetch: fetchNoting })
let transport = open()
let client = new Client({ name: 'Example agent', version: '1.0.0' })

const afterVisit = async () => {
  const visit = (await nextVisit()).searchParams
  if (visit.get('state') !== provider.expectedState) throw new Error('another state')
  if (visit.get('iss') !== given.issuer) throw new Error(`another issuer (RFC 9207): ${visit.get('iss')}`)
  await transport.finishAuth(visit.get('code'))
}
const allowed = async (act) => {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    await afterVisit()
    return null
  }
}

if (await allowed(() => client.connect(transport).then(() => true)) === null) {
  client = new Client({ name: 'Example agent', version: '1.0.0' })
  transport = open()
  await client.connect(transport)
}
const call = (name, args = {}) => client.callTool({ name, arguments: args })
const words = (result) => ({ error: Boolean(result.isError), text: result.content.map((part) => part.text).join(' ') })

const tools = (await client.listTools()).tools.map((tool) => tool.name).sort()
const first = words(await call('list_notes'))
const scopeBefore = provider.saved.scope
const add = () => call('add_note', { text: 'Buy milk' })
const added = words((await allowed(add)) ?? (await add()))
const scopeAfter = provider.saved.scope

// Its access token is over: the SDK refreshes, and goes on.
const { refresh_token: before } = provider.saved
provider.saved = { ...provider.saved, access_token: 'over' }
const last = words(await call('list_notes'))

say({
  tools, first, added, last, scopeBefore, scopeAfter,
  rotated: Boolean(before) && before !== provider.saved.refresh_token,
  client_id: provider.client.client_id,
  requested: [...new Set(requested)],
})
await client.close()
server.close()
