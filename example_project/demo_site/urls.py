from __future__ import annotations

from django.urls import include, path

from demo_site import views

urlpatterns = [
    path("", views.home, name="home"),
    path("comments/", views.comments, name="comments"),
    path("private/", views.private, name="private"),
    path("basket/add/", views.add_to_basket, name="add_to_basket"),
    path("oidc/", include("django_silent_sso.urls")),
]
