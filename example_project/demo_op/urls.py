from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import include, path
from oauth2_provider import views as toolkit

from demo_op import views
from demo_op.provider import SilentAuthorizationView
from demo_op.watching import Discovery, check_session

# At the root and not below a prefix: the issuer is simply the address of this server.
openid_connect = [
    path(".well-known/openid-configuration", Discovery.as_view(), name="discovery"),
    path(".well-known/jwks.json", toolkit.JwksInfoView.as_view(), name="jwks-info"),
    path("authorize/", SilentAuthorizationView.as_view(), name="authorize"),
    path("token/", toolkit.TokenView.as_view(), name="token"),
    path("userinfo/", toolkit.UserInfoView.as_view(), name="user-info"),
    path("revoke/", toolkit.RevokeTokenView.as_view(), name="revoke-token"),
    path("logout/", toolkit.RPInitiatedLogoutView.as_view(), name="rp-initiated-logout"),
]

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("check-session/", check_session, name="check_session"),
    path("withdraw-consent/", views.withdraw_consent, name="withdraw_consent"),
    path("sign-out/", auth_views.LogoutView.as_view(next_page="home"), name="sign_out"),
    path("", include((openid_connect, "oauth2_provider"))),
]
