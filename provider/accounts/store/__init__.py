"""One file per table: the table and the only SQL of this capability."""
