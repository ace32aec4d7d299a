"""The site in several languages, each under its own prefix."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from tests.urls import page

urlpatterns = i18n_patterns(path("page/", page), path("oidc/", include("django_silent_sso.urls")))
