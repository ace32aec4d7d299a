"""Who is who, which sessions are open, and which were ended: the tables of this app."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Identity", "LogoutRecord", "SignedInSession"]


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


class SignedInSession(models.Model):
    """One session that a sign-in by the OP has opened: where it is, and what its last renewal brought.

    Django's session store cannot be searched, and what lies in a session can be lost: of two requests that save it, the
    later one wins. Here a sign-out finds its sessions without a scan, one request at a time claims a renewal, and its
    result waits for the others.
    """

    # Names the session from inside its data: Django may change the session's key, and signed cookies have none.
    handle = models.CharField(_("handle"), max_length=64, unique=True, editable=False)
    session_key = models.CharField(_("session key"), max_length=255, blank=True, editable=False)
    subject_key = models.CharField(_("subject"), max_length=64, db_index=True, editable=False)
    sid_key = models.CharField(_("session at the OP"), max_length=64, blank=True, db_index=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    # Signed out here. The row stays for a while: what was begun in the session may still be on its way.
    ended = models.BooleanField(_("ended"), default=False)

    generation = models.PositiveIntegerField(_("renewals"), default=0)
    claimed_by = models.CharField(_("claimed by"), max_length=32, blank=True, editable=False)
    claimed_until = models.FloatField(_("claimed until"), default=0.0)  # seconds since the epoch
    renewal = models.TextField(_("last renewal"), blank=True, editable=False)  # sealed

    class Meta:
        verbose_name = _("signed-in session")
        verbose_name_plural = _("signed-in sessions")

    def __str__(self) -> str:
        return f"session {self.pk}"  # never its key: whoever has that is signed in

    @staticmethod
    def key_of(issuer: str, name: str) -> str:
        """The digest of a subject or `sid` at an issuer: of one length, and no two of them fold into one (U06)."""
        return Identity.key_of(issuer, name)


class LogoutRecord(models.Model):
    """What a logout by the OP leaves behind for some minutes: a logout token that was used, a session or a user at the
    OP that was signed out.

    In the database and not in the cache, which may forget, or be each process' own: a token must not count twice, and
    a sign-in that was under way when the logout came must not outlive it.
    """

    key = models.CharField(_("key"), max_length=64, unique=True, editable=False)  # a digest
    at = models.FloatField(_("at"))  # seconds since the epoch
    expires_at = models.DateTimeField(_("expires at"), db_index=True)

    class Meta:
        verbose_name = _("logout record")
        verbose_name_plural = _("logout records")

    def __str__(self) -> str:
        return f"logout {self.pk}"
