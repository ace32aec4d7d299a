"""The URLs of the site whose logouts are measured."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("oidc/", include("django_silent_sso.urls"))]
