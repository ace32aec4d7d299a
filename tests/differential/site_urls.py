"""The pages of every site that is compared: who is here, something to post to, a button to sign in with."""

from __future__ import annotations

from django.apps import apps
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import URLPattern, URLResolver, include, path
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_exempt


def page(request: HttpRequest, name: str = "") -> HttpResponse:
    return JsonResponse({"page": name, "user": request.user.pk})


@csrf_exempt
def post(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"received": request.POST.get("text"), "user": request.user.pk})


def sign_in_button(request: HttpRequest) -> HttpResponse:
    """For packages that begin by POST alone; `action` is where."""
    form = '<form method="post" action="{}"><input name="csrfmiddlewaretoken" value="{}"></form>'
    return HttpResponse(format_html(form, request.GET.get("action", ""), get_token(request)))


def _package_urls() -> list[URLPattern | URLResolver]:
    if apps.is_installed("django_silent_sso"):
        return [path("oidc/", include("django_silent_sso.urls"))]
    if apps.is_installed("mozilla_django_oidc"):
        return [path("oidc/", include("mozilla_django_oidc.urls"))]
    if apps.is_installed("allauth"):
        return [path("accounts/", include("allauth.urls"))]
    return [path("", include("social_django.urls", namespace="social"))]


urlpatterns = [
    path("", page),
    path("page/<path:name>", page),
    path("post/", post),
    path("button/", sign_in_button),
    *_package_urls(),
]
