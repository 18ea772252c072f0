"""The pages of operators: for people with the role `admin`, who signed in with two factors and recently."""
