"""The gate: names, origins, token and cookie, by raw HTTP and in a browser."""

from __future__ import annotations

import asyncio
import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from senrkit.cli.main import main
from tests.dashboard.servers import new_page, serving
from tests.patience import PATIENCE

PROXY = "senrkit.district.example"
STATIC = "voila/templates/base/static/voila.js"
KERNEL = re.compile(r'"kernelId": ?"([0-9a-f-]{36})"')


class Asking:
    """Raw requests to a server, with the headers that are given and no others."""

    def __init__(self, server) -> None:
        self.log = server.home.parent / f"{server.home.name}.log"
        parts = urlsplit(server.address)
        self.port, self.token, self.base = parts.port, parts.query.removeprefix("token="), parts.path
        self.own = f"127.0.0.1:{self.port}"
        self.key = {"Authorization": f"token {self.token}"}

    def __call__(self, path: str = "", headers=None, method: str = "GET") -> tuple[int, http.client.HTTPMessage, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            line.request(method, f"{self.base}{path}", headers={"Host": self.own} | (headers or {}))
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read().decode(errors="replace")
        finally:
            line.close()

    def let_in(self, **headers: str) -> tuple[str, str]:
        """The cookie as a browser sends it back, and as it was given."""
        code, told, _ = self(f"?token={self.token}", headers)
        assert code == 200
        return told["Set-Cookie"].partition(";")[0], told["Set-Cookie"]

    def talks(self, kernel: str, headers) -> bool:
        async def talk() -> bool:
            address = f"ws://{self.own}{self.base}api/kernels/{kernel}/channels"
            try:
                (await websocket_connect(HTTPRequest(address, headers=headers, connect_timeout=PATIENCE))).close()
            except HTTPClientError as refused:
                assert refused.code == 403
                return False
            return True

        # In a thread of its own: a browser that this process has open keeps a loop running in this one.
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(asyncio.run, talk()).result()


@pytest.fixture(scope="module")
def asking(server):
    return Asking(server)


@pytest.fixture(scope="module")
def cookie(asking):
    return {"Cookie": asking.let_in()[0]}


@pytest.fixture(scope="module")
def kernel(asking, cookie):
    return KERNEL.search(asking("", cookie)[2])[1]


def test_the_token_becomes_a_cookie_that_holds_another_value(asking):
    given, whole = asking.let_in()
    assert given.startswith(f"senrkit-{asking.port}=") and asking.token not in whole
    assert {word.strip() for word in whole.split(";")[1:]} == {"HttpOnly", "Path=/", "SameSite=Strict"}
    code, headers, page = asking(f"?token={asking.token}")
    assert (code, headers["Referrer-Policy"], headers["Cache-Control"]) == (200, "no-referrer", "no-store")
    assert "location.replace" in page and asking.token not in page


@pytest.mark.parametrize("path", ["", "api/kernels", STATIC, "voila/files/senr.ipynb", "login", "no/such?place"])
@pytest.mark.parametrize("headers", [{}, {"Cookie": "senrkit-1=x"}, {"Authorization": "token x"}])
def test_strangers_get_one_page_whatever_they_ask_for(asking, path, headers):
    code, _, page = asking(path, headers)
    assert code == 403 and "How to come back" in page and "senrkit dashboard" in page
    assert "password" not in page.lower() and "Traceback" not in page


@pytest.mark.parametrize("query", ["token=wrong", "token=", "token=%ff", "token={}&token=wrong"])
def test_a_wrong_token_gets_that_page_too(asking, cookie, query):
    code, headers, page = asking(f"?{query.format(asking.token)}", cookie)
    assert code == 403 and "How to come back" in page and headers["Set-Cookie"] is None


@pytest.mark.parametrize(
    "strange",
    [
        {"Host": "rebound.example:8866"},
        {"Host": "127.0.0.1.rebound.example"},
        {"Host": "0.0.0.0"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "rebound.example", "Origin": "http://rebound.example"},
    ],
    ids=str,
)
def test_other_names_and_other_pages_are_refused_with_every_key(asking, cookie, kernel, strange):
    for key in ({}, asking.key, cookie):
        for path in ("", STATIC, f"api/kernels/{kernel}", f"?token={asking.token}", "voila/files/senr.ipynb"):
            code, headers, page = asking(path, key | strange)
            assert code == 403 and "does not go by this name" in page, (path, key)
            assert headers["Set-Cookie"] is None and headers["Access-Control-Allow-Origin"] is None
        for method in ("POST", "DELETE"):
            assert asking(f"voila/api/shutdown/{kernel}", key | strange, method)[0] == 403
        assert not asking.talks(kernel, key | strange)
    assert asking(f"api/kernels/{kernel}", cookie)[0] == 200


def test_its_own_page_is_answered_by_each_of_its_names(asking, cookie, kernel):
    for name in (asking.own, f"localhost:{asking.port}", "localhost:9000"):
        own = cookie | {"Host": name, "Origin": f"http://{name}"}
        assert asking(f"api/kernels/{kernel}", own)[0] == 200
        assert asking.talks(kernel, own)
    assert asking(f"api/kernels/{kernel}", asking.key)[0] == 200


def test_neither_token_nor_cookie_are_in_the_log(asking, cookie):
    asking(f"no/such/place?token={asking.token}")
    asking("no/such/place", cookie)
    written = asking.log.read_text()
    assert asking.token not in written and cookie["Cookie"].partition("=")[2] not in written


def test_behind_a_proxy_its_host_is_named(tmp_path):
    (tmp_path / "home").mkdir()
    with serving(tmp_path / "home", "--base-url", "/senrkit/", "--host", PROXY, "--user-header", "X-Person") as server:
        asking = Asking(server)
        through = {"Host": PROXY, "Origin": f"https://{PROXY}", "X-Forwarded-Proto": "https"}
        given, whole = asking.let_in(**through)
        assert "Secure" in whole and "Path=/senrkit/" in whole
        code, _, page = asking("", through | {"Cookie": given, "X-Person": "Pat Doe"})
        assert code == 200
        kernel = KERNEL.search(page)[1]
        assert asking.talks(kernel, through | {"Cookie": given})
        assert asking.talks(kernel, through | asking.key)
        for strange in ({"Host": f"x.{PROXY}"}, {"Origin": f"https://x.{PROXY}"}):
            assert asking("", through | asking.key | strange)[0] == 403
            assert not asking.talks(kernel, through | asking.key | strange)


def test_an_address_is_no_name_of_a_host(tmp_path):
    done = CliRunner().invoke(main, ["dashboard", str(tmp_path / "home"), "--no-browser", "--host", f"https://{PROXY}"])
    assert done.exit_code == 2 and "is not the name of a host" in done.output


# ---- in the browser


def test_the_token_leaves_the_address_and_history(server, browser):
    page = new_page(browser, server)
    page.goto("about:blank")
    page.goto(server.address)
    page.locator("#demo").wait_for()
    assert "token" not in page.url and page.url.startswith(f"{server.origin}/")
    (kept,) = page.context.cookies()
    assert (kept["httpOnly"], kept["sameSite"], kept["expires"]) == (True, "Strict", -1)
    assert page.evaluate("document.cookie") == ""
    page.go_back()
    assert page.url == "about:blank"
    page.context.close()


def test_a_file_leads_in_as_the_browser_is_opened(server, browser, tmp_path):
    """From a file everything is of another site: a strict cookie would be held back from a mere redirection."""
    there = tmp_path / "open.html"
    there.write_text(f'<meta http-equiv="refresh" content="0; url={server.address}#step=history">')
    page = browser.new_context().new_page()
    page.goto(there.as_uri())
    page.get_by_role("heading", level=1, name="History").wait_for(timeout=PATIENCE * 1000)
    assert page.url == f"{server.origin}/#step=history"
    page.context.close()


def test_a_link_on_another_page_opens_after_one_step(server, browser, tmp_path):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(server.address)
    page.locator("#demo").wait_for()
    there = tmp_path / "mail.html"
    there.write_text(f'<a href="{server.origin}/#step=history">The history</a>')
    page.goto(there.as_uri())
    page.get_by_role("link").click()
    page.get_by_role("button", name="Open it from here").click()
    page.get_by_role("heading", level=1, name="History").wait_for()
    assert page.url == f"{server.origin}/#step=history"
    context.close()


def test_after_a_restart_the_page_says_how_to_come_back(tmp_path, browser):
    (tmp_path / "home").mkdir()
    with serving(tmp_path / "home") as server:
        page = new_page(browser, server)
        page.goto(f"{server.address}#step=history")
        page.get_by_role("heading", level=1, name="History").wait_for()
        port = urlsplit(server.address).port
    with serving(tmp_path / "home", "--port", str(port)) as server:
        page.locator(".lost").wait_for()
        page.locator(".lost button").click()
        page.get_by_role("heading", name="How to come back").wait_for()
        other = page.context.new_page()
        other.goto(server.address)
        other.locator("#demo").wait_for()
        page.reload()
        page.get_by_role("heading", level=1, name="History").wait_for()
        page.context.close()
