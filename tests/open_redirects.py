"""Ways to write a URL that looks as if it stayed: each prefix goes with each host."""

from __future__ import annotations

PREFIXES = ["//", "///", "////", "/////", "/\\", "\\/", "\\\\", "/\\/", "/\\\\", "\\", "/\t/", "\t//", "/\n/"]
PREFIXES += ["/\r\n/", " //", "  ///", "/ /", "// ", "//\t", "\x00//", "\x01//", "\x1f//", "\x7f//", "\x85//"]
PREFIXES += ["\xa0//", "\u2028//", "\u3000//", "\ufeff//", "\u200b//", "/\x00/", "/\x0b/", "/\x0c/", "/\u2029/"]
PREFIXES += ["/%09/", "/%0a/", "/%0d%0a/", "/%5c", "/%2f", "%2f%2f", "%5c%5c", "/%252f", "/%00/", "//%20", "/.//"]
PREFIXES += ["/..//", "/./", "/;//", "/?//", "/#//", "\uff0f\uff0f", "/\uff0f", "\uff0f/", "\u2044\u2044", "/\u2215"]
PREFIXES += ["/\u29f8", "/\ufe68", "\uff3c\uff3c", "/\uff3c", "http://", "https://", "HTTPS://", "hTtP://", "http:"]
PREFIXES += ["https:", "http:/", "https:/", "https:///", "https:////", "http:\\\\", "https:/\\", "https:\\/"]
PREFIXES += ["\thttps://", " https://", "h\tttps://", "https\n://", "https:\t//", "\x00https://", "https://\t"]
PREFIXES += ["https:// ", "https://\x00", "https\uff1a//", "ftp://", "ws://", "wss://", "file://", "file:///"]
PREFIXES += ["javascript://", "javascript:", "JaVaScRiPt:", "java\tscript:", "\x01javascript:", "data:", "vbscript:"]
PREFIXES += ["data:text/html,", "blob:https://", "view-source:https://", "about:", "mailto:", "x:", "//testserver@"]
PREFIXES += ["/@", "@", "https://testserver@", "http://testserver:80@", "//testserver:@", "https:testserver@", "//:@"]
PREFIXES += ["///@", "//@", ":", "//testserver\\@", "//testserver%40", "//testserver%00.", "//testserver%2f."]
PREFIXES += ["//testserver#@", "://", ":///", "\\t//"]

HOSTS = ["evil.example", "evil.example/", "evil.example:80", "evil.example:443/testserver", "evil.example?testserver"]
HOSTS += ["evil.example#testserver", "evil.example\\@testserver", "evil.example%5c@testserver"]
HOSTS += ["evil.example;testserver", "evil.example%00testserver", "evil.example\ttestserver"]
HOSTS += ["testserver.evil.example", "eviltestserver", "testserver.", "testserver@evil.example"]
HOSTS += ["testserver:80@evil.example", "user:pass@evil.example", "testserver%2eevil.example", "evil\u3002example"]
HOSTS += ["evil\uff0eexample", "evil\uff61example", "\uff45vil.example", "ev\xadil.example", "xn--evil.example"]
HOSTS += ["testserver\uff20evil.example", "testserver\uff0fevil.example", "testserver\u2100.evil.example"]
HOSTS += ["testserver\uff03.evil.example", "127.0.0.1", "2130706433", "0x7f000001", "0177.1", "[::1]"]
HOSTS += ["[::ffff:127.0.0.1]", "[evil", "testserver:99999", "localhost", "testserver:8000", "TESTSERVER"]
HOSTS += ["testserver%20", "testserver\x00", "testserver\\.evil.example", "", "/", "..", "%2e%2e/"]

WHOLE = ["javascript:alert(1)", "javascript://testserver/%0aalert(1)", "data:text/html;base64,PHNjcmlwdD4=", "//"]
WHOLE += ["\\\\", "/\\", "http:///evil.example", "https:evil.example", "//evil.example/%2f.."]
WHOLE += ["/\r\nLocation: https://evil.example", "\u202e//elpmaxe", "/%0d%0aSet-Cookie:%20a=b", "/\nSet-Cookie: a=b"]
WHOLE += ["http://[", "http://[::1", "//[testserver]", "http://\u2488.example", "//%"]

PAYLOADS = [*WHOLE, *(prefix + host for prefix in PREFIXES for host in HOSTS)]
