"""The operations on users and on what belongs to one: address, factors, connections, picture."""
