"""Browser sessions and their level of assurance. This package knows users by id only; `accounts` has the rest."""
