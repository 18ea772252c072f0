"""Configuration as code: `signet apply` compares a TOML file with the installation, and applies the differences."""
