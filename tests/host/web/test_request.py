"""Requests as browsers, Prometheus and strangers send them."""

import pytest
from buddywatch.web.request import (
    BAD,
    HEAD_LONG,
    METHOD,
    MISDIRECTED,
    URI_LONG,
    Answer,
    Request,
    read_request,
    refusal,
    written,
)
from hypothesis import given
from hypothesis import strategies as st

HOSTS = ("localhost", "127.0.0.1", "[::1]")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost:9471\r\n\r\n", Request("GET", "/", (), "localhost")),
        (b"GET / HTTP/1.0\r\n\r\n", Request("GET", "/")),
        (b"HEAD /board/a%2Fb?since=1d HTTP/1.1\r\nHost: [::1]:9\r\n\r\n",
         Request("HEAD", "/board/a/b", (("since", "1d"),), "[::1]")),
        (b"GET / HTTP/1.1\r\nhost:LOCALHOST\r\nX: \xe9\t\r\n\r\nmore", Request("GET", "/", (), "localhost")),
    ],
)  # fmt: skip
def test_what_is_read(data, found):
    assert read_request(data) == found
    cut = data.index(b"\r\n\r\n") + 3
    assert all(read_request(data[:length]) is None for length in range(cut))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", BAD),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", BAD),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", BAD),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", BAD),
        (b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", BAD),
        (b"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", BAD),
        (b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", BAD),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", BAD),  # TLS
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", BAD),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", BAD),
        (b"GET / HTTP/1.1\r\nHost: a b@c\x7f\r\n\r\n", BAD),
        (b"GET /?" + b"&".join(b"a=%d" % n for n in range(17)) + b" HTTP/1.0\r\n\r\n", BAD),
        (b"GET /" + 3000 * b"a", URI_LONG),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + 9000 * b"a", HEAD_LONG),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + 70 * b"X: a\r\n" + b"\r\n", HEAD_LONG),
    ],
)
def test_what_is_not_answered(data, status):
    assert read_request(data) == status
    assert refusal(status, ()).status == status


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_status_or_unfinished(data):
    found = read_request(data)
    assert found is None or isinstance(found, int | Request)


def test_only_reading_and_only_under_the_names_of_this_machine():
    assert refusal(Request("POST", "/"), HOSTS).status == METHOD
    assert refusal(Request("GET", "/", (), "evil.example"), HOSTS).status == MISDIRECTED
    for host in (*HOSTS, ""):
        assert refusal(Request("HEAD", "/", (), host), HOSTS) is None
    assert refusal(Request("GET", "/", (), "watch.example.org"), ()) is None


def test_an_answer_has_its_length_and_allows_no_script():
    head, _, body = written(Answer(200, b"abc", "text/html"), True).partition(b"\r\n\r\n")
    assert body == b"abc" and b"Content-Length: 3\r\n" in head and b"default-src 'none'" in head
    assert written(Answer(200, b"abc"), False).endswith(b"\r\n\r\n")
    assert b"Allow: GET, HEAD\r\n" in written(Answer.line(METHOD, ""), True)
