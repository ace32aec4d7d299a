"""Silent OpenID Connect sign-in for Django. Import from the module that owns the name."""
