"""One file per table or pair of tables, with its queries."""
