"""The OpenID Provider's own pages: home, sign in, sign out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from oauth2_provider.models import get_refresh_token_model

from demo_op.provider import TO_ASK, site_that_asks
from demo_op.sign_out import tell_the_sites

if TYPE_CHECKING:
    from django.contrib.auth.forms import AuthenticationForm
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse


def addresses(request: HttpRequest) -> dict[str, str]:
    """Context processor."""
    return {"news_url": settings.NEWS_URL, "shop_url": settings.SHOP_URL}


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "demo_op/home.html", {"will_ask": bool(request.session.get(TO_ASK))})


@require_POST
@login_required
def withdraw_consent(request: HttpRequest) -> HttpResponse:
    """The sites know the user no more, and `prompt=none` is answered by `consent_required` until each has a new yes."""
    request.session[TO_ASK] = ["news", "shop"]
    end_tokens(None, request.user)
    tell_the_sites(request.user)
    return redirect("home")


class SignIn(auth_views.LoginView):
    template_name = "demo_op/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asking = site_that_asks(self.get_redirect_url())
        return super().get_context_data(asking=asking, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        if self.request.user.is_authenticated and self.request.user != form.get_user():
            logout(self.request)  # somebody else takes over: the first one's tokens end with their session
        return super().form_valid(form)


@receiver(user_logged_out)
def end_tokens(sender: object, user: User | None, **kwargs: object) -> None:
    """The toolkit lets refresh tokens outlive the session, so a site would stay signed in for a day."""
    for token in get_refresh_token_model().objects.filter(user=user, revoked__isnull=True):
        token.revoke()


@receiver(user_logged_out)
def end_it_everywhere(sender: object, user: User | None, **kwargs: object) -> None:
    """Nor does it tell the sites, which would notice at their next question only."""
    if user is not None:
        tell_the_sites(user)
