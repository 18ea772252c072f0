"""Where rows live: the engine, its types and the shared metadata. Knows no table."""
