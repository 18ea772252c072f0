"""How the process itself runs: greenlets, the garbage collector, and the throw-away accounts that it recognizes."""
