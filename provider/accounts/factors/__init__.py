"""Second factors: setting up, proving and removing TOTP and recovery codes."""
