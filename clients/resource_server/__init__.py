"""A sample API. `tokens` verifies access tokens with the issuer's published keys alone; `app` guards the routes."""
