"""Whatever comes in: no error, nobody signed in, nobody signed out, nobody sent away from the site."""
