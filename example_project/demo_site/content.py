"""What the two sites say. Made up, all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Site:
    key: Literal["news", "shop"]
    name: str
    motto: str
    visitors: Literal["frame", "redirect"]
    way: str  # how a visitor is signed in silently here
    comments_title: str
    comments_lead: str
    private_title: str
    private_text: str


@dataclass(frozen=True)
class Article:
    section: str
    title: str
    author: str
    lead: str


@dataclass(frozen=True)
class Product:
    slug: str
    name: str
    price: int  # euros
    text: str


SITES = {
    "news": Site(
        key="news",
        name="The Daily Loopback",
        motto="All the news that stays on this machine",
        visitors="frame",
        way="by a hidden frame, while you were reading",
        comments_title="Letters to the editor",
        comments_lead="Write slowly. The form outlives a session that ends while you type.",
        private_title="The reading room",
        private_text=(
            "Only signed-in readers come in here. Nobody asked you at the door: Demo ID had vouched for you "
            "already. Had it not, you would have met its sign-in page and come straight back."
        ),
    ),
    "shop": Site(
        key="shop",
        name="Teapot 418",
        motto="Short and stout since 1998",
        visitors="redirect",
        way="by a redirect to Demo ID and back, before the page was shown",
        comments_title="Questions and praise",
        comments_lead="Take your time. The form outlives a session that ends while you type.",
        private_title="Your orders",
        private_text=(
            "Only signed-in customers see their orders. There are none, because nothing here is for sale, "
            "but the door is real: Demo ID had to vouch for you."
        ),
    ),
}

ARTICLES = [
    Article(
        "Local",
        "Traffic reaches port 8000 without leaving home",
        "Petra Packet",
        "Commuters between 127.0.0.1 and ::1 report a journey of less than a millisecond. "
        "The council sees no need for a second lane.",
    ),
    Article(
        "Society",
        "Man remembers password, tells nobody",
        "Nonce Weaver",
        "Neighbours describe him as quiet. “He types it once in the morning,” says one, "
        "“and then every door in town just opens.”",
    ),
    Article(
        "Business",
        "Biscuit makers fear a year without third parties",
        "Curtis Crumb",
        "The guild of cookie bakers asks for a transition period. Browsers say that they have been patient "
        "since 2017 and are getting hungry.",
    ),
    Article(
        "Weather",
        "Cloud expected elsewhere",
        "Gale Ingress",
        "Everything stays local today, with a light breeze from the fan and temperatures near 60 degrees "
        "in the upper case.",
    ),
]

PRODUCTS = [
    Product("classic", "The Classic", 42, "Brews anything but coffee. Says so, politely."),
    Product("stateless", "The Stateless", 38, "Forgets every cup the moment it is poured."),
    Product("handshake", "The Handshake", 56, "Two spouts, three pours, and you are connected."),
    Product("loopback", "The Loopback", 49, "The spout leads back in. A conversation piece."),
]
