"""What OpenID Connect says: messages and checks. No Django, no input or output, no clock of its own."""
