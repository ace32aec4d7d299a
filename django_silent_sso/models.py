"""Who is who: a subject at an issuer is a user here (Core 5.7)."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Identity"]


class Identity(models.Model):
    """One (issuer, subject) pair and the user it stands for.

    Looked up by `key`, a digest: databases that fold case or trim blanks would take two subjects for one (U06), and
    some cannot index 255 + 255 characters.
    """

    key = models.CharField(_("key"), max_length=64, unique=True, editable=False)
    issuer = models.CharField(_("issuer"), max_length=255)
    subject = models.CharField(_("subject"), max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="silent_sso_identities",
        verbose_name=_("user"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"

    @staticmethod
    def key_of(issuer: str, subject: str) -> str:
        return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()
