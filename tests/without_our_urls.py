"""The URLs of a host that has pages, but not our endpoints."""

from __future__ import annotations

from django.urls import path

from tests.urls import page

urlpatterns = [path("page/", page)]
