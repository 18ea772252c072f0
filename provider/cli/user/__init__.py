"""The commands of `signet user`."""
