"""The pages of both sites. Nothing here knows how somebody got signed in: `request.user` is all they ask."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponseNotFound
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from demo_site.content import ARTICLES, PRODUCTS
from demo_site.panel import EXPLANATIONS, what_happened

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

# Gone with the process, like everything in the demo.
written: deque[tuple[str, str]] = deque(maxlen=20)


class CommentForm(forms.Form):
    text = forms.CharField(
        label="Your text", max_length=500, widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off"})
    )


def surroundings(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what every page shows around its own content."""
    panel = what_happened(request)
    return {
        "site": settings.SITE,
        "other_site": settings.OTHER_SITE,
        "other_url": settings.SITE_URLS[settings.OTHER_SITE.key],
        "op_url": settings.OP_URL,
        "panel": panel,
        "panel_facts": {
            "name": panel.name,
            "silently": panel.silently,
            "visitors": settings.SITE.visitors,
            "renew_after": settings.SILENT_SSO_RENEW_AFTER_SECONDS,
            "explanations": EXPLANATIONS,
        },
    }


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if settings.SITE.key == "news":
        return render(request, "demo_site/news.html", {"lead": ARTICLES[0], "articles": ARTICLES[1:]})
    basket: dict[str, int] = request.session.get("basket", {})
    lines = [(product, basket[product.slug]) for product in PRODUCTS if product.slug in basket]
    total = sum(product.price * count for product, count in lines)
    return render(request, "demo_site/shop.html", {"products": PRODUCTS, "lines": lines, "total": total})


@require_POST
def add_to_basket(request: HttpRequest) -> HttpResponse:
    slug = request.POST.get("product", "")
    product = next((product for product in PRODUCTS if product.slug == slug), None)
    if product is None:
        return HttpResponseNotFound()
    basket: dict[str, int] = request.session.get("basket", {})
    request.session["basket"] = {**basket, slug: basket.get(slug, 0) + 1}
    messages.success(request, f"{product.name} is in your basket.")
    return redirect("home")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def comments(request: HttpRequest) -> HttpResponse:
    form = CommentForm(request.POST or None)
    if form.is_valid():
        written.appendleft((request.user.get_username(), form.cleaned_data["text"]))
        messages.success(request, "Thank you, your text is published below.")
        return redirect("comments")
    return render(request, "demo_site/comments.html", {"form": form, "written": list(written)})


@require_safe
@login_required
def private(request: HttpRequest) -> HttpResponse:
    return render(request, "demo_site/private.html")
