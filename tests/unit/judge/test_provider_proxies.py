"""Which proxy of the environment is used, and for whom."""

import pytest

from dthostmon.judge.providers.proxies import Proxy, environment_proxy

NAMES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_the_proxy_of_the_scheme_is_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://proxy.example:3128")
    assert environment_proxy("https://api.x.ai/v1") == Proxy("http://proxy.example:3128", {})
    assert environment_proxy("http://api.x.ai/v1") is None


def test_without_a_proxy_none_is_used() -> None:
    assert environment_proxy("https://api.x.ai/v1") is None


def test_a_proxy_without_a_scheme_is_one_of_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    assert environment_proxy("https://api.x.ai/v1") == Proxy("http://proxy.example:3128", {})


def test_a_login_leaves_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:p%40ss@proxy.example:3128/")
    expected = Proxy("http://proxy.example:3128", {"Proxy-Authorization": "Basic bWU6cEBzcw=="})
    assert environment_proxy("https://api.x.ai/v1") == expected


def test_hosts_that_want_none_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "x.ai")
    assert environment_proxy("https://api.x.ai/v1") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost", "model.localhost"])
def test_this_machine_is_never_reached_over_a_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert environment_proxy(f"http://{host}:11434") is None


@pytest.mark.parametrize("url", ["", "u", "http://[", "http://"])
def test_an_address_that_is_none_has_no_proxy(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert environment_proxy(url) is None
