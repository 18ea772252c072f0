"""Sites that are protected by forward authentication: what a client registers about them."""
