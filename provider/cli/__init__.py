"""The `signet` command: one file per group; it calls the same rules as the pages."""
