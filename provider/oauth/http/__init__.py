"""The shared parts of the protocol endpoints: client authentication, errors, CORS, bearer tokens, responses."""
