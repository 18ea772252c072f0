"""The operators' console: pages for users with a role of operators who recently signed in with two factors."""
