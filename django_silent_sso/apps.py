from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SilentSSOConfig(AppConfig):
    name = "django_silent_sso"
    verbose_name = _("Silent sign-in")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_silent_sso import checks  # noqa: F401  registering is all it does
