"""The numbers of the fault cases, and those that are not tested in this folder, each with a reason."""

from __future__ import annotations

NUMBERS = frozenset(
    {1, 2, 3, 6, 7, 8, 9, 11, 12, 13, 14, 15, 17, 18}  # discovery and authorization endpoint
    | {19, 20, 21, 23, 24, 25, 26, 27, 28, 30, 31, 32, 33, 35, 36}  # token endpoint
    | {37, 38, 39, 40, 41, 42, 43, 44, 46}  # JWK Set
    | {48, 49, 50}  # UserInfo
    | {52, 54, 55, 56, 57}  # clock
    | {58, 59, 60, 61}  # TLS and names
    | {62, 63, 64, 65, 66, 67, 68, 69, 71, 72, 73, 74, 75}  # own storage
    | {76, 77, 78, 79, 80, 81, 82, 85, 86, 87}  # concurrency and tabs
    | {88, 89, 90, 91, 92, 93, 94, 95, 97, 98, 99, 100, 102, 103, 104, 105, 106}  # browsers
    | {108, 109, 110, 111, 112, 113, 114, 115}  # logout
    | {116, 117, 118, 119}  # refresh
    | {120, 121, 122, 123, 125}  # deployment
)

# Beside this folder: where a fault needs a real browser, and where one module alone is at work.
ELSEWHERE = ("tests/browser", "tests/op", "tests/test_upstream.py")

LEFT_OUT: dict[int, str] = {
    123: "one provider per site",
}
