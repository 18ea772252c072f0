"""The lists of the console: what each can show, sort and filter by, and the queries for it."""
