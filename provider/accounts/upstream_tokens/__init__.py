"""Tokens of upstream providers that are kept for linked identities: what they are, and what ends them.

They are stored only for upstreams with `store_tokens`. `federation` gets, refreshes and revokes them; it is above this
package, and what unlinks an identity or closes an account is here.
"""
