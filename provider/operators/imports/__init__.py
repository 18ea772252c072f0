"""Import of users from a file: row by row at the command line, or checked and carried out by jobs of the outbox."""
