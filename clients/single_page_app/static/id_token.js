// Check an ID token with the issuer's published keys (OIDC Core section 3.1.3.7).

const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};
const LEEWAY = 30; // seconds that clocks may differ

export class InvalidIdToken extends Error {}

// The claims; throws InvalidIdToken. Without a `nonce` (after a refresh) there is none to compare.
export async function verify(token, { keys, issuer, client_id, access_token, nonce, now = Date.now() / 1000 }) {
  const [head, body, signature, more] = token.split(".");
  const header = read(head);
  // The key says which algorithm it is for; the header only which key it was (RFC 8725 section 3.1).
  const jwk = keys.find((key) => key.kid === header.kid && key.use === "sig");
  const algorithm = ALGORITHMS[jwk?.alg];
  if (!algorithm || header.alg !== jwk.alg || more !== undefined) throw new InvalidIdToken("No key of the issuer.");
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  const signed = new TextEncoder().encode(`${head}.${body}`);
  if (!await crypto.subtle.verify(algorithm, key, bytes(signature), signed)) throw new InvalidIdToken("Not signed.");
  const claims = read(body);
  const audience = [claims.aud].flat();
  if (claims.iss !== issuer) throw new InvalidIdToken("Another issuer.");
  if (audience.length !== 1 || audience[0] !== client_id) throw new InvalidIdToken("For another application.");
  if (!(claims.exp > now - LEEWAY)) throw new InvalidIdToken("Too old.");
  if (!(claims.iat < now + LEEWAY)) throw new InvalidIdToken("Not from now.");
  if (nonce && claims.nonce !== nonce) throw new InvalidIdToken("The answer to another request.");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(access_token)));
  const half = base64url(hash.slice(0, 16));
  if (claims.at_hash !== undefined && claims.at_hash !== half) throw new InvalidIdToken("Another access token.");
  return claims;
}

export function base64url(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function bytes(text) {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  } catch {
    throw new InvalidIdToken("Not an ID token.");
  }
}

function read(part) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes(part)));
  } catch {
    throw new InvalidIdToken("Not an ID token.");
  }
}
