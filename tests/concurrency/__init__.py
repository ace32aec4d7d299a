"""A site in two processes, with a real database and cache, and crowds of requests that come at the same moment."""
