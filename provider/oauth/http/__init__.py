"""What the protocol endpoints share: client authentication, errors, CORS, bearer tokens, responses."""
