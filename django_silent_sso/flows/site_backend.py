"""Which backend signs users in here: ours, or the site's own subclass of it."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.protocol.errors import ConfigurationError, Reason

__all__ = ["site_backend"]


def site_backend() -> tuple[SilentSSOBackend, str]:
    """The site's backend and its path, as Django records it. Raises `ConfigurationError` (not_configured)."""
    for path in settings.AUTHENTICATION_BACKENDS:
        found = import_string(path)
        if isinstance(found, type) and issubclass(found, SilentSSOBackend):
            return found(), path
    raise ConfigurationError(Reason.NOT_CONFIGURED, "AUTHENTICATION_BACKENDS has no SilentSSOBackend")
