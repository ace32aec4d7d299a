"""`path("oidc/", include("django_silent_sso.urls"))`. The first three names are mozilla-django-oidc's."""

from __future__ import annotations

from django.urls import path

from django_silent_sso.upstream import AUTHENTICATE_URL_NAME, CALLBACK_URL_NAME, LOGOUT_URL_NAME
from django_silent_sso.views.back_channel import back_channel_logout
from django_silent_sso.views.callback import callback
from django_silent_sso.views.doctor import doctor
from django_silent_sso.views.front_channel import front_channel_logout
from django_silent_sso.views.initiate import initiate
from django_silent_sso.views.session import session
from django_silent_sso.views.sign_in import authenticate
from django_silent_sso.views.sign_out import logout
from django_silent_sso.views.signed_in import signed_in
from django_silent_sso.views.silent import start

urlpatterns = [
    path("authenticate/", authenticate, name=AUTHENTICATE_URL_NAME),
    path("callback/", callback, name=CALLBACK_URL_NAME),
    path("logout/", logout, name=LOGOUT_URL_NAME),
    path("silent/", start, name="silent_sso_start"),
    path("initiate/", initiate, name="silent_sso_initiate"),
    path("session/", session, name="silent_sso_session"),
    path("backchannel-logout/", back_channel_logout, name="silent_sso_backchannel_logout"),
    path("frontchannel-logout/", front_channel_logout, name="silent_sso_frontchannel_logout"),
    path("signed-in/", signed_in, name="silent_sso_signed_in"),
    path("doctor/", doctor, name="silent_sso_doctor"),
]
