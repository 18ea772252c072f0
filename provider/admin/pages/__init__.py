"""The operators' console: pages for users with the role `admin` who recently signed in with two factors."""
