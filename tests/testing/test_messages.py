from __future__ import annotations

from django_silent_sso.testing.messages import Headers, Reply, Request


def test_headers_in_any_case() -> None:
    headers = Headers([("Content-Type", "a"), ("X", "1"), ("x", "2")])
    assert headers["content-TYPE"] == "a"
    assert headers["X"] == "1, 2"
    assert "x" in headers
    assert 1 not in headers
    assert (len(headers), list(headers)) == (2, ["content-type", "x"])
    assert repr(headers) == "Headers(['content-type', 'x'])"


def test_parameters_and_what_is_repeated() -> None:
    request = Request("POST", "/", query=(("a", "1"), ("b", "2")), form=(("a", "3"), ("c", "4")))
    assert request.parameters == {"a": "1", "b": "2", "c": "4"}
    assert request.repeated() == ["a"]


def test_cookies() -> None:
    request = Request("GET", "/", headers=Headers([("Cookie", "a=1; b=x=y"), ("Cookie", "c=3")]))
    assert (request.cookie("a"), request.cookie("b"), request.cookie("c")) == ("1", "x=y", "3")
    assert request.cookie("d") is None
    assert Request("GET", "/").cookie("a") is None


def test_replies() -> None:
    assert Reply.json({"a": [1]}).body == b'{"a": [1]}'
    assert Reply.html("ä").body == "ä".encode()
    assert Reply.redirect("/a b\r\n%20").headers == (("Location", "/a%20b%0D%0A%20"),)
    reply = Reply.json({}).with_headers({"content-type": "x", "B": "y"})
    assert reply.headers == (("content-type", "x"), ("B", "y"))
    assert reply.without_headers("b").headers == (("content-type", "x"),)
