"""npm's oidc-provider as a real OpenID Provider for the tests: installed, started and steered from here."""
