"""A sample MCP server whose users sign in with Signet: `server` has its tools, and verifies access tokens."""
