"""Second factors: setting up, proving and removing them.

`factor` says what a factor is, `second_factor` has the tuple FACTORS and the rules for all of them, and `removal` turns
them off. `totp` and `recovery_codes` are the factors. Which factor a sign-in has to show is up to `login`.
"""
